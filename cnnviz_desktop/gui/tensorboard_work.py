"""Say what logging to TensorBoard asks of the engine thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.technique import record
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.figures import export
from cnnviz_desktop.gui.export_work import Refused, draw_figure
from cnnviz_desktop.gui.shown import Shown
from cnnviz_desktop.gui.work import quiet_imports

if TYPE_CHECKING:
    from cnnviz_desktop.engine.result_log import ResultLog

_DPI = 110


@dataclass(frozen=True)
class Logged:
    """A result is in the log: of which folder, under which name, as which step."""

    folder: Path
    name: str
    step: int


@dataclass(frozen=True, eq=False)
class LogResult:
    """Add a result, drawn as it is on screen, to a log -> `Logged` or `Refused`."""

    log: ResultLog
    shown: Shown
    dark: bool

    def __call__(self, run: Run) -> Logged | Refused:
        """Do it; the first one imports TensorBoard's writer."""
        shown = self.shown
        try:
            with quiet_imports():
                from cnnviz_desktop.engine import event_files

                if not event_files.is_there():  # before the figure is drawn
                    raise event_files.MissingExtraError(event_files.MISSING)
            figure = draw_figure(shown, {**shown.look, "dark": self.dark})
            run.check()
            pixels = export.decode(export.encode(figure, ".png", _DPI, None, False))[..., :3]
            note = record(shown.technique, shown.model, shown.image)
            title = shown.technique.title if shown.technique is not None else "Prediction"
            name = f"{title}/{shown.stem}"
            with quiet_imports():
                step = self.log.add(name, np.ascontiguousarray(pixels), shown.result, note)
        except CnnvizError as error:
            return Refused(str(error))
        return Logged(self.log.folder, name, step)


def result_log(folder: Path) -> ResultLog:
    """Return a log that is written into a folder, which is made with the first result."""
    from cnnviz_desktop.engine.result_log import ResultLog

    return ResultLog(folder)
