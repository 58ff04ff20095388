"""Let a person type a path or choose it in the system's own dialog."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from cnnviz_desktop.gui.controls import named, push_button
from cnnviz_desktop.gui.labels import ELLIPSIS
from cnnviz_desktop.paths import expanded


class FileField(QWidget):
    """A path to write to, or of a file that is there. Signals: `edited` by typing or choosing."""

    edited = Signal()

    def __init__(
        self, name: str, says: str, tip: str, *, folder: bool = False, existing: bool = False
    ) -> None:
        """Name the widgets after `name`; with `folder` a folder is chosen, else a file.

        One that is `existing` is read, not written: it is chosen itself, not what it is to be in.
        """
        super().__init__()
        self._folder = folder
        self._existing = existing
        self._says = says
        self._filter = ""
        self.line = _PathLine()
        named(self.line, name, says, tip)
        self._browse = push_button(f"Browse{ELLIPSIS}", f"{name}Browse", f"Choose: {says.lower()}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.line, 1)
        row.addWidget(self._browse)
        self._browse.setAutoDefault(False)
        self.line.textEdited.connect(self.edited)
        self._browse.clicked.connect(self._choose)

    def path(self) -> Path | None:
        """Return what is written, None where it names nothing."""
        path = expanded(self.line.text().strip())
        return path if path.name else None

    def set_path(self, path: Path) -> None:
        """Write a path, without a signal."""
        self.line.setText(str(path))

    def set_filter(self, words: str) -> None:
        """Set which files the system's dialog offers: "PNG (*.png)"."""
        self._filter = words

    def _choose(self) -> None:
        now = self.path() or Path.home()
        if self._folder:
            start = now if self._existing else now.parent
            chosen = QFileDialog.getExistingDirectory(self, self._says, str(start))
            if chosen and not self._existing:
                chosen = str(Path(chosen) / now.name)
        elif self._existing:
            chosen, _kind = QFileDialog.getOpenFileName(self, self._says, str(now), self._filter)
        else:
            # The person is asked here whether to replace a file: not once more by the system.
            option = QFileDialog.Option.DontConfirmOverwrite
            chosen, _kind = QFileDialog.getSaveFileName(
                self, self._says, str(now), self._filter, options=option
            )
        if chosen:
            self.set_path(Path(chosen))
            self.edited.emit()


class _PathLine(QLineEdit):
    """A path; a file that is dropped on it takes the place of what it says."""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files as well as words."""
        super().dragEnterEvent(event)
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Write the path of a file, where Qt would insert its address."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            super().dropEvent(event)
            return
        self.setText(paths[0])
        self.textEdited.emit(paths[0])
        event.setDropAction(Qt.DropAction.CopyAction)  # it stays where it is
        event.accept()


def is_there(path: Path) -> bool:
    """Tell whether there is anything of that name, as far as one may look."""
    with suppress(OSError):  # a name that is too long, a folder of somebody else
        return path.exists()
    return False


def is_file(path: Path) -> bool:
    """Tell whether there is a file of that name, as far as one may look."""
    with suppress(OSError):
        return path.is_file()
    return False
