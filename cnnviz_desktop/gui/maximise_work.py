"""Say what the tab Maximise asks of the engine thread beside its result: write the growth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.technique import record
from cnnviz_desktop.gui.export_work import refusing
from cnnviz_desktop.gui.shown import Shown


@dataclass(frozen=True, eq=False)
class SaveGrowth:
    """Write frames (F, h, w, 3) as a GIF, the result's record beside it -> path or `Refused`."""

    frames: Pixels
    path: Path
    shown: Shown

    @refusing
    def __call__(self, run: Run) -> Path:
        """Do it."""
        from cnnviz_desktop.figures.growth import save_growth

        shown = self.shown
        note = record(shown.technique, shown.model, shown.image)
        return save_growth(self.frames, self.path, note)
