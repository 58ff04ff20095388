"""Write what the comparison of two pictures shows: both pictures' maps and their difference."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from cnnviz_desktop.data import Activation
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.technique import record
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.figures import export, pixels
from cnnviz_desktop.figures.writing import write_whole
from cnnviz_desktop.gui.export_work import Refused, Written, draw_figure, make_folder, refusing
from cnnviz_desktop.gui.map_work import Pair
from cnnviz_desktop.gui.result_view import stem
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.shown import Shown, file_stem
from cnnviz_desktop.gui.work import Answer

_DPI = 200.0
_COLUMNS = ("channel", "maximum", "other_maximum", "mean", "other_mean", "largest_difference")


@dataclass(frozen=True, eq=False)
class WriteComparison:
    """Write figures and data of two pictures' maps and their difference -> `Written`, `Refused`.

    `look` is how the maps are drawn. A table of all channels lies beside them.
    """

    pair: Pair
    look: Mapping[str, Any]
    folder: Path

    @refusing
    def __call__(self, run: Run) -> Written:
        """Do it, into a folder of its own."""
        mine, other = self.pair.mine, self.pair.other
        difference = self.pair.difference
        names = [_name(mine), _name(other)]
        if names[0] == names[1]:
            names[1] += "-2"
        folder = make_folder(self.folder / file_stem(f"{names[0]}-beside-{names[1]}"))
        look = dict(self.look)
        if look["scale"] == "layer" and "high" not in look:
            look["high"] = _reach(self.pair, signed=bool(look["signed"])) or None
        colormap = look["colormap"] if look["signed"] else None
        signed = {**self.look, "signed": True, "overlay": False, "colormap": colormap}
        signed["title"] = f"{difference.layer}: {names[0]} minus {names[1]}"
        parts = [
            (names[0], mine, mine.result, look),
            (names[1], other, other.result, look),
            (f"{names[0]}-minus-{names[1]}", mine, difference, signed),
        ]
        for name, answer, result, drawn in run.track(parts, "Writing the comparison"):
            path = folder / file_stem(f"{name}-{difference.layer}")
            # What the difference was made from, the records of the other two say.
            known = result is not difference
            note = record(answer.technique, answer.model, answer.image) if known else None
            export.save_data(result, path.with_name(f"{path.name}.npz"), note)
            figure = draw_figure(
                Shown(answer.technique, answer.model, answer.image, result, drawn), drawn
            )
            export.save(figure, path.with_name(f"{path.name}.png"), _DPI, note)
        write_whole({folder / "channels.csv": _table(self.pair)})
        return Written(folder, 2 * len(parts) + 1)


def _name(answer: Answer) -> str:
    return stem(answer.image) if answer.image is not None else "picture"


def _both(pair: Pair) -> tuple[Activation, Activation]:
    one, two = pair.mine.result, pair.other.result
    assert isinstance(one, Activation)
    assert isinstance(two, Activation)
    return one, two


def _reach(pair: Pair, *, signed: bool) -> float:
    """Return the value of the last colour that both pictures' maps share, as on screen."""
    limits = [pixels.map_limits(maps.values, signed=signed) for maps in _both(pair)]
    return float(np.concatenate(limits)[:, 1].max(initial=0))


def _table(pair: Pair) -> bytes:
    """Return a line for each channel: both maxima and means, and where they differ most."""
    one, two = _both(pair)
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for channel, (mine, other) in enumerate(zip(one.values, two.values, strict=True)):
        largest = float(np.abs(pair.difference.values[channel]).max())
        highs, means = (mine.max(), other.max()), (mine.mean(), other.mean())
        table.writerow([channel, *map(float, (*highs, *means)), largest])
    return text.getvalue().encode("utf-8")


class ComparisonExport(QObject):
    """Ask where to write a comparison, and have it written. Signals: `said` (what came of it)."""

    said = Signal(str)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window

    def ask(self, pair: Pair, look: Mapping[str, Any]) -> None:
        """Ask for a folder, and write into a new one inside it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Write both pictures' maps into")
        if chosen:
            work = WriteComparison(pair, look, Path(chosen))
            job = self._session.submit(work, "Writing the comparison", "comparison")
            job.done.connect(self._written)

    def _written(self, found: Written | Refused) -> None:
        if isinstance(found, Refused):
            self._session.failed.emit(self._session.tab, ExportError(found.sentence))
        else:
            self.said.emit(f"Wrote {found.count} files into {found.folder}")
