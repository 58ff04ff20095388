"""Say what the fine-tuning dialog asks of the engine thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.gui.export_work import refusing

if TYPE_CHECKING:
    from cnnviz_desktop.engine.fine_tuning import Tuned
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, eq=False)
class FineTune:
    """Teach a copy of a network new classes, `said` as `FineTuning` has it -> `Tuned` or `Refused`.

    With `resume` a training that was stopped goes on.
    """

    model: LoadedModel
    said: Mapping[str, Any]
    out: Path
    resume: bool = False

    @refusing
    def __call__(self, run: Run) -> Tuned:
        """Do it."""
        from cnnviz_desktop.engine.fine_tuning import FineTuning, fine_tune

        return fine_tune(self.model, FineTuning(**self.said), self.out, run, resume=self.resume)
