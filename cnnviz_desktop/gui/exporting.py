"""Carry out what leaves the window: figures, data, many files at once, pictures, copied calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from cnnviz_desktop.data import ImageInput, Timeline
from cnnviz_desktop.engine.recipe import as_command, as_python
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.canvas_tabs import CanvasTabs
from cnnviz_desktop.gui.export_options import (
    ExportOptions,
    completed,
    export_folder,
    fresh,
    remembered,
    suffixes,
)
from cnnviz_desktop.gui.export_work import (
    DrawPlate,
    Plate,
    Refused,
    SavePicture,
    Write,
    Written,
)
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.labels import whole
from cnnviz_desktop.gui.maximise_work import SaveGrowth
from cnnviz_desktop.gui.qimages import pixels_of
from cnnviz_desktop.gui.result_view import ResultView
from cnnviz_desktop.gui.session import PREDICTIONS, Session
from cnnviz_desktop.gui.shown import Shown, file_stem, trimmed
from cnnviz_desktop.gui.training_work import SaveFilm
from cnnviz_desktop.paths import expanded

Language = Literal["Python", "command"]

_NOTHING = "There is no result in this tab yet: open a picture, or press Run (F5)."


@dataclass(frozen=True, eq=False)
class _Copy:
    """A call to copy once its picture has a file."""

    language: Language
    shown: Shown
    options: ExportOptions | None
    path: Path | None


class Exporting(QObject):
    """What File and Edit do with the result in view.

    Signals: `refused` (a sentence on why nothing was done); `said` (what was done); `exported`
    (path) when a file or folder is written.
    """

    refused = Signal(str)
    said = Signal(str)
    exported = Signal(object)

    def __init__(self, session: Session, jobs: Jobs, tabs: CanvasTabs, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._tabs = tabs
        self._window = window
        self._files: WeakKeyDictionary[ImageInput, Path] = WeakKeyDictionary()  # of pasted ones
        self._waiting: _Copy | None = None
        tabs.built.connect(self._connect)

    def _connect(self, view: ResultView) -> None:
        view.plate_wanted.connect(self._draw_plate)
        view.plate.save_requested.connect(self.save_image)

    def shown(self) -> Shown | None:
        """Return the result in view; None where there is none yet."""
        view = self._tabs.view()
        answer = view.answer()
        if answer is not None:
            return Shown(
                answer.technique, answer.model, answer.image, answer.result, view.drawn_as()
            )
        current, prediction = self._session.pictures.current, self._session.predictions.current()
        model = self._session.model
        if view.tab == PREDICTIONS and current and prediction is not None and model is not None:
            return Shown(None, model, current.image, prediction, view.look())
        return None

    def export(self) -> None:
        """Open the Export dialog for the result in view."""
        from cnnviz_desktop.gui.export_dialog import ExportDialog

        shown = self._required()
        if shown is not None:
            dialog = ExportDialog(shown, remembered(), self._jobs, self._window)
            dialog.exported.connect(self._wrote)
            dialog.python_requested.connect(self._copy_export_as_python)
            dialog.command_requested.connect(self._copy_export_as_command)
            dialog.open()

    def export_again(self) -> None:
        """Export the result in view as the last one, to a fresh name, without asking."""
        shown = self._required()
        if shown is None:
            return
        options = remembered()
        if options.suffix not in suffixes(shown):
            options = replace(options, suffix=".png")
        self.write(shown, options, fresh(export_folder(options) / f"{shown.stem}{options.suffix}"))

    def write(self, shown: Shown, options: ExportOptions, path: Path) -> None:
        """Write a result to a file with its record."""
        work = Write(shown, options, path)
        job = self._jobs.submit(work, f"Writing {path.name}", priority=Priority.RUN)
        job.done.connect(self._wrote_or_not)

    def export_all(self) -> None:
        """Open the dialog that exports every map of the layer, or everything."""
        from cnnviz_desktop.gui.export_all_dialog import Everything, ExportAllDialog

        shown = self._required()
        if shown is None:
            return
        if self._session.model is None:
            self.refused.emit("The model is still being loaded: export all when it is there.")
            return
        pictures = self._session.pictures
        images = tuple(pictures[key].image for key in pictures)
        looks = {view.tab: view.look() for view in self._tabs.views}
        everything = Everything(images, tuple(self._session.techniques.values()), looks)
        dialog = ExportAllDialog(shown, everything, remembered(), self._jobs, self._window)
        dialog.exported.connect(self._wrote_all)
        dialog.open()

    def save_picture(self) -> None:
        """Save what the tab in view shows as PNG, with the record of the result."""
        view = self._tabs.view()
        picture, shown = view.drawn(), self.shown()
        if picture is None:
            self.refused.emit("There is nothing to save here yet.")
            return
        self._save(picture, shown.stem if shown else view.file_stem(), shown)

    def save_image(self, picture: QImage, name: str) -> None:
        """Save one picture of a result as PNG, with the result's record in it."""
        self._save(picture, file_stem(name), self.shown())

    def save_plain(self, picture: QImage, name: str) -> None:
        """Save a picture as PNG that no result of the window's made."""
        self._save(picture, file_stem(name), None)

    def save_growth(self, frames: list[QImage], name: str) -> None:
        """Save how a picture grew as a GIF, with the result's record beside it."""
        shown = self._required()
        if shown is None:
            return
        proposed = str(export_folder(remembered()) / f"{file_stem(name)}.gif")
        chosen, _kind = QFileDialog.getSaveFileName(
            self._window, "Save the growth", proposed, "GIF (*.gif)"
        )
        if chosen:
            path, last = completed(chosen, ".gif"), frames[-1].size()
            pixels = np.stack([pixels_of(frame.scaled(last)) for frame in frames])
            job = self._jobs.submit(
                SaveGrowth(pixels, path, shown), f"Writing {path.name}", priority=Priority.RUN
            )
            job.done.connect(self._saved)

    def save_film(self, line: Timeline) -> None:
        """Save a timeline as a GIF, with its record beside it."""
        shown = self._required()
        if shown is None:
            return
        proposed = str(export_folder(remembered()) / f"{shown.stem}.gif")
        chosen, _kind = QFileDialog.getSaveFileName(
            self._window, "Save the timeline", proposed, "GIF (*.gif)"
        )
        if chosen:
            path = completed(chosen, ".gif")
            work = SaveFilm(line, path, shown, theme.current().name == "dark")
            job = self._jobs.submit(work, f"Writing {path.name}", priority=Priority.RUN)
            job.done.connect(self._saved)

    def copy_python(self) -> None:
        """Copy the lines of Python that make the result in view again."""
        self._copy_shown("Python")

    def copy_command(self) -> None:
        """Copy the command that makes the result in view again."""
        self._copy_shown("command")

    def _draw_plate(self) -> None:
        """Draw the result in view as a figure, for a tab that shows it so."""
        view, shown = self._tabs.view(), self.shown()
        if shown is None or not view.is_plate():
            return
        dark = theme.current().name == "dark"
        work = DrawPlate(shown, dark, view.plate.pixels_wide())
        job = self._jobs.submit(work, "Drawing", "plate", Priority.CLICK)
        job.done.connect(self._drew_plate)

    def _drew_plate(self, answer: Plate | Refused) -> None:
        view, shown = self._tabs.view(), self.shown()
        if isinstance(answer, Refused):
            self.refused.emit(answer.sentence)
        elif shown is not None and shown.result is answer.shown.result:
            view.plate.show_figure(answer.pixels, shown.stem)

    def _required(self) -> Shown | None:
        shown = self.shown()
        if shown is None:
            self.refused.emit(_NOTHING)
        return shown

    def _save(self, picture: QImage, name: str, shown: Shown | None) -> None:
        proposed = str(export_folder(remembered()) / f"{name}.png")
        chosen, _kind = QFileDialog.getSaveFileName(
            self._window, "Save picture", proposed, "PNG (*.png)"
        )
        if chosen:
            path = completed(chosen, ".png")
            work = SavePicture(pixels_of(picture), path, shown)
            job = self._jobs.submit(work, f"Writing {path.name}", priority=Priority.RUN)
            job.done.connect(self._saved)

    def _saved(self, answer: Path | Refused) -> None:
        if isinstance(answer, Refused):
            self.refused.emit(answer.sentence)
        else:
            self.said.emit(f"Saved {answer.name}")

    def _wrote_or_not(self, answer: Path | Refused) -> None:
        if isinstance(answer, Refused):
            self.refused.emit(answer.sentence)
        else:
            self._wrote(answer)

    def _wrote(self, path: Path) -> None:
        self.said.emit(f"Wrote {path.name} and its record")
        self.exported.emit(path)

    def _wrote_all(self, written: Written) -> None:
        self.said.emit(f"Wrote {whole(written.count)} files to {written.folder.name}")
        self.exported.emit(written.folder)

    def _copy_shown(self, language: Language) -> None:
        shown = self._required()
        if shown is not None:
            self._copy(_Copy(language, shown, None, None))

    def _copy_export_as_python(self, shown: Shown, options: ExportOptions, path: Path) -> None:
        self._copy(_Copy("Python", shown, options, path))

    def _copy_export_as_command(self, shown: Shown, options: ExportOptions, path: Path) -> None:
        self._copy(_Copy("command", shown, options, path))

    def _copy(self, wanted: _Copy) -> None:
        """Copy a call; a picture that has no file is saved to one first."""
        image = wanted.shown.image
        if image is None:
            self._to_clipboard(wanted, None)
            return
        path = self._files.get(image, image.path)
        if path is not None and path.exists():
            self._to_clipboard(wanted, path.absolute())
            return
        proposed = str(export_folder(remembered()) / f"{file_stem(Path(image.name).stem)}.png")
        title = "This picture has no file: save it, so that the copied call can read it"
        chosen, _kind = QFileDialog.getSaveFileName(self._window, title, proposed, "PNG (*.png)")
        if not chosen:
            self.refused.emit("Nothing was copied: the call needs a file to read the picture from.")
            return
        path = completed(chosen, ".png")
        self._waiting = wanted
        work = SavePicture(image.pixels, path, None)
        job = self._jobs.submit(work, f"Writing {path.name}", "copy", Priority.CLICK)
        job.done.connect(self._copy_saved)

    def _copy_saved(self, answer: Path | Refused) -> None:
        wanted, self._waiting = self._waiting, None
        if isinstance(answer, Refused):
            self.refused.emit(answer.sentence)
        elif wanted is not None and wanted.shown.image is not None:
            self._files[wanted.shown.image] = answer
            self._to_clipboard(wanted, answer.absolute())

    def _to_clipboard(self, wanted: _Copy, image: Path | None) -> None:
        try:
            text = call_of(wanted.language, wanted.shown, image, wanted.options, wanted.path)
        except CnnvizError as error:
            self.refused.emit(str(error))
            return
        QGuiApplication.clipboard().setText(text)
        self.said.emit(f"Copied as {wanted.language}")


def call_of(
    language: Language,
    shown: Shown,
    image: Path | None,
    options: ExportOptions | None = None,
    path: Path | None = None,
) -> str:
    """Return the call that makes a result again: drawn as it is shown, or as it is exported."""
    model = shown.model
    figure = trimmed(shown.look) if options is None else options.figure(shown)
    out = str(path.absolute()) if path is not None else ""
    weights = "" if model.weights == "pretrained" else model.weights
    if weights not in ("", "none"):
        weights = str(expanded(weights).absolute())
    write = as_python if language == "Python" else as_command
    return write(
        shown.pinned,
        model.name,
        weights,
        image,
        out or ("" if language == "Python" else f"{shown.stem}.png"),
        fit=model.preprocessing.fit,
        device=str(model.device),
        spec=model.spec,
        figure=figure,
    )
