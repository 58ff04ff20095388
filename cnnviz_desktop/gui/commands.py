"""Carry out the commands of menus and buttons: files, clipboard, export."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from cnnviz_desktop.engine.recipe import as_command, as_python
from cnnviz_desktop.gui.about import show_about, show_keys
from cnnviz_desktop.gui.canvas_tabs import CanvasTabs
from cnnviz_desktop.gui.drops import read_mime
from cnnviz_desktop.gui.qimages import save_image
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.work import Answer

WEIGHTS = (".pth", ".pt", ".safetensors")
_IMAGES = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif *.avif *.heic)"
_FIGURES = "PNG (*.png);;SVG (*.svg);;PDF (*.pdf);;Data, NumPy (*.npz)"


class Commands(QObject):
    """What the menus do.

    Signals: `refused` (a sentence on why nothing was done); `said` (what was done); `opened`
    (list of paths that were asked for).
    """

    refused = Signal(str)
    said = Signal(str)
    opened = Signal(list)

    def __init__(self, session: Session, tabs: CanvasTabs, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._tabs = tabs
        self._window = window

    def open_images(self) -> None:
        """Ask for pictures and open them."""
        chosen, _kind = QFileDialog.getOpenFileNames(
            self._window, "Open pictures", "", f"{_IMAGES};;All files (*)"
        )
        self.open_paths([Path(name) for name in chosen])

    def open_folder(self) -> None:
        """Ask for a folder and open its pictures."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open a folder of pictures")
        if chosen:
            self.open_paths([Path(chosen)])

    def open_weights(self) -> None:
        """Ask for a file of weights and load it."""
        chosen, _kind = QFileDialog.getOpenFileName(
            self._window, "Load weights", "", "Weights (*.pth *.pt *.safetensors)"
        )
        if chosen:
            self.load_weights(Path(chosen))

    def load_weights(self, path: Path) -> None:
        """Load weights into the network their name tells, else into one that is asked for."""
        machine = self._session.models.machine
        names = machine.models if machine else ()
        name = architecture_of(path, names)
        if not name and not names:
            self.refused.emit(
                f"{path.name}: wait until the engine has started, then drop it again."
            )
            return
        if not name:
            name, sure = QInputDialog.getItem(
                self._window, "Load weights", f"Which network is {path.name} for?", list(names)
            )
            if not sure:
                return
        self._session.models.load(name, path)

    def open_paths(self, paths: Iterable[Path]) -> None:
        """Open pictures, folders and weights."""
        known = list(paths)
        weights = [path for path in known if path.suffix.lower() in WEIGHTS]
        images = [path for path in known if path not in weights]
        if images:
            self._session.pictures.open(images)
            self.opened.emit(images)
        if weights:
            self.load_weights(weights[0])

    def open_sample(self, path: Path) -> None:
        """Open a sample picture, which is not one of the person's own recent ones."""
        self._session.pictures.open([path])

    def open_image(self, source: object) -> None:
        """Open a picture that came as bytes or pixels."""
        self._session.pictures.open([source])  # type: ignore[list-item]

    def paste(self) -> None:
        """Open what is on the clipboard."""
        found = read_mime(QGuiApplication.clipboard().mimeData())
        if found.files:
            self.open_paths(found.files)
        elif found.image is not None:
            self._session.pictures.open([found.image])
        else:
            reason = found.refusal or "There is no picture on the clipboard. Copy one and paste."
            self.refused.emit(reason)

    def copy(self) -> None:
        """Copy what the tab in view shows."""
        data = self._tabs.view().copy()
        if data is not None:
            QGuiApplication.clipboard().setMimeData(data)
            self.said.emit("Copied")

    def save_picture(self) -> None:
        """Save what is shown as PNG."""
        view = self._tabs.view()
        picture = view.picture()
        if picture is None:
            self.refused.emit("There is nothing to save here yet.")
            return
        path = save_image(picture, view.file_stem(), self._window)
        if path is not None:
            self.said.emit(f"Saved {path.name}")

    def export(self) -> None:
        """Ask for a file and write the figure or the data there."""
        view = self._tabs.view()
        answer = view.answer()
        if answer is None:
            self.refused.emit("There is no result to export in this tab yet.")
            return
        name = f"{view.file_stem()}.png"
        chosen, kind = QFileDialog.getSaveFileName(self._window, "Export", name, _FIGURES)
        if chosen:
            path = Path(chosen)
            if not path.suffix:
                path = path.with_suffix(kind.partition("*")[2].partition(")")[0] or ".png")
            self._session.export(answer, path, view.look())

    def copy_python(self) -> None:
        """Copy the lines of Python that make the result again."""
        answer = self._tabs.view().answer()
        if answer is not None:
            path = answer.image.path if answer.image else None
            weights = _weights(answer)
            text = as_python(answer.technique, answer.model.name, weights, path)
            self._to_clipboard(text, answer)

    def copy_command(self) -> None:
        """Copy the command that makes the result again."""
        answer = self._tabs.view().answer()
        if answer is not None:
            path = answer.image.path if answer.image else None
            weights = _weights(answer)
            out = f"{self._tabs.view().file_stem()}.png"
            text = as_command(answer.technique, answer.model.name, weights, path, out)
            self._to_clipboard(text, answer)

    def remove_image(self) -> None:
        """Take the current picture out."""
        current = self._session.pictures.current
        if current is not None:
            self._session.pictures.remove(current.key)

    def next_image(self) -> None:
        """Go to the next picture."""
        self._session.pictures.step(1)

    def previous_image(self) -> None:
        """Go to the picture before."""
        self._session.pictures.step(-1)

    def find_channel(self) -> None:
        """Let the person type a channel in the tab of feature maps."""
        self._tabs.setCurrentWidget(self._tabs.feature_maps)
        self._tabs.feature_maps.focus_search()

    def show_keys(self) -> None:
        """Show all keys."""
        show_keys(self._window)

    def show_about(self) -> None:
        """Show what this program is."""
        show_about(self._window)

    def _to_clipboard(self, text: str, answer: Answer) -> None:
        if answer.image is not None and answer.image.path is None:
            self.refused.emit("This picture has no file; save it first, then copy the call.")
            return
        QGuiApplication.clipboard().setText(text)
        self.said.emit("Copied")


def architecture_of(path: Path, names: Iterable[str]) -> str:
    """Return the network that a file of weights is named after, "" where none is."""
    fits = [name for name in names if path.stem.lower().startswith(name.lower())]
    return max(fits, key=len, default="")


def _weights(answer: Answer) -> str:
    return "" if answer.model.weights == "pretrained" else answer.model.weights
