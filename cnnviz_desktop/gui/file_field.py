"""Let a person type a path or choose it in the system's own dialog."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from cnnviz_desktop.gui.controls import named, push_button
from cnnviz_desktop.gui.labels import ELLIPSIS


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
        self.line = QLineEdit()
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
        path = Path(self.line.text().strip()).expanduser()
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
