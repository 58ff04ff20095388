"""Say what the tab Training asks of the engine thread: read logs, draw checkpoints, write films."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz_desktop.data import ImageInput, Pixels, Timeline
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.technique import record
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.display import CARD, reduced, scaled
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.shown import Shown
from cnnviz_desktop.gui.work import quiet_imports

if TYPE_CHECKING:
    from cnnviz_desktop.data.training_logs import TrainingLog
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.training_folder import TrainingFolder
    from cnnviz_desktop.engine.training_log import LogReader


@dataclass(frozen=True)
class LookInto:
    """See what a folder holds -> `TrainingFolder` or `Refused`."""

    path: Path

    def __call__(self, run: Run) -> TrainingFolder | Refused:
        """Do it."""
        from cnnviz_desktop.engine.training_folder import look_into

        try:
            return look_into(self.path)
        except CnnvizError as error:
            return Refused(str(error))


@dataclass(frozen=True)
class FindShipped:
    """Find the checkpoints that ship with a network -> `TrainingFolder`, or None."""

    model: LoadedModel

    def __call__(self, run: Run) -> TrainingFolder | None:
        """Do it."""
        from cnnviz_desktop.engine.timeline import bundled_checkpoints
        from cnnviz_desktop.engine.training_folder import look_into

        found = bundled_checkpoints(self.model)
        return look_into(found) if found is not None else None


@dataclass(frozen=True, eq=False)
class Logs:
    """What a folder's logs said, and what goes on reading them."""

    reader: LogReader
    log: TrainingLog


@dataclass(frozen=True, eq=False)
class ReadLogs:
    """Read the logs of a folder, or of the folder that `before` read: what is new -> `Logs`."""

    folder: Path
    before: Logs | None = None

    def __call__(self, run: Run) -> Logs | Refused:
        """Do it; the first one imports TensorBoard's reader."""
        try:
            with quiet_imports():
                from cnnviz_desktop.engine.training_log import LogReader

                reader = self.before.reader if self.before is not None else LogReader(self.folder)
                return Logs(reader, reader.look(run))
        except CnnvizError as error:
            return Refused(str(error))


@dataclass(frozen=True, eq=False)
class Panels:
    """What is shown of checkpoints from `first` on, by the names of `timeline_film.PANELS`."""

    first: int
    drawn: tuple[dict[str, Pixels], ...]


@dataclass(frozen=True, eq=False)
class DrawPanels:
    """Draw checkpoints from `first` on as a screen shows them -> `Panels`."""

    line: Timeline
    image: ImageInput | None
    first: int

    def __call__(self, run: Run) -> Panels:
        """Do it, over a picture of a screen's size."""
        from cnnviz_desktop.figures.timeline_film import panels

        line, image = self.line, self.image
        if image is not None:
            image, factor = reduced(image, CARD)
            line = replace(line, region=scaled(line.region, factor))
        places = range(self.first, len(line.names))
        return Panels(self.first, tuple(panels(line, place, image) for place in places))


@dataclass(frozen=True, eq=False)
class SaveFilm:
    """Write a timeline as a GIF, the record beside it -> path or `Refused`."""

    line: Timeline
    path: Path
    shown: Shown
    dark: bool

    def __call__(self, run: Run) -> Path | Refused:
        """Do it."""
        from cnnviz_desktop.figures.growth import save_growth
        from cnnviz_desktop.figures.timeline_film import film

        shown = self.shown
        try:
            note = record(shown.technique, shown.model, shown.image)
            return save_growth(film(self.line, shown.image, dark=self.dark), self.path, note)
        except CnnvizError as error:
            return Refused(str(error))
