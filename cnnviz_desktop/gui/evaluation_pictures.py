"""Show some pictures of an evaluation, small, with what they are taken for."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QHelpEvent, QImage, QPalette
from PySide6.QtWidgets import QAbstractScrollArea, QHBoxLayout, QToolTip, QVBoxLayout, QWidget

from cnnviz_desktop.data import DatasetFacts, Evaluation
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import Ground, label, named
from cnnviz_desktop.gui.dataset_work import ReadThumbs
from cnnviz_desktop.gui.maximise_sheet import PictureSheet, SheetTile
from cnnviz_desktop.gui.picture_menu import Entry
from cnnviz_desktop.gui.session import Session

_MOST = 300  # pictures that are shown
_AT_ONCE = 8
_KEPT = 600  # thumbnails, of some 50 kB each
_SLOT = "evaluation pictures"


class _Sheet(PictureSheet):
    """Tiles with words of their own. It adds no signal."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "confusedPictures", "Pictures of this cell")
        self.told: list[str] = []

    def viewportEvent(self, event: QEvent) -> bool:
        """Say which picture it is."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.tile_at(event.pos())
            if 0 <= place < len(self.told):
                QToolTip.showText(event.globalPos(), self.told[place], self)
            else:
                QToolTip.hideText()
            return True
        return QAbstractScrollArea.viewportEvent(self, event)

    def further(self, place: int) -> tuple[Entry, ...]:
        """Offer to open the picture."""
        return (("image", "Open the picture", lambda: self.opened.emit(place)),)


class EvaluationPictures(Ground):
    """The pictures of a cell, under a line that says which these are.

    Signals: `chosen` (`DatasetFacts`, file) one was clicked; `save_requested` (image, name).
    """

    chosen = Signal(object, str)
    save_requested = Signal(QImage, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Base, parent)
        self._session = session
        self._facts: DatasetFacts | None = None
        self._files: list[str] = []
        self._more = ""
        self._captions: list[tuple[str, str]] = []
        self._thumbs: OrderedDict[str, QImage] = OrderedDict()
        self._broken: set[str] = set()
        self._asked: tuple[str, ...] = ()
        self.sheet = _Sheet()
        self._title = labels.ElidedLabel(role="strong")
        named(self._title, "cellTitle", "Which pictures these are")
        self._about = label("", "secondary", muted=True)
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 16, 0)
        head.setSpacing(10)
        head.addWidget(self._title, 1)
        head.addWidget(self._about)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.sheet, 1)
        self.setFocusProxy(self.sheet)
        self.sheet.picked.connect(self._picked)
        self.sheet.opened.connect(self._picked)
        self.sheet.save_requested.connect(self.save_requested)

    def take_facts(self, facts: DatasetFacts | None) -> None:
        """Take where pictures are from now on, None while that is not known."""
        before, self._facts = self._facts, facts
        self._broken.clear()
        if before is None or facts is None or before.place != facts.place:
            self._thumbs.clear()  # others may go by the same names
            self._session.drop(_SLOT)
        self._tell()
        self._ask()

    def show_pictures(
        self, title: str, found: Evaluation, files: tuple[str, ...], places: list[int]
    ) -> None:
        """Show the pictures at some places of an evaluation."""
        shown = places[:_MOST]
        self._files = [files[place] for place in shown]
        names = [found.labels[int(found.predicted[place])] for place in shown]
        shares = [labels.percent(float(found.confidences[place])) for place in shown]
        self.sheet.told = [
            f"{file}\n{name}, {share} sure\nClick to open it in the session."
            for file, name, share in zip(self._files, names, shares, strict=True)
        ]
        if len(set(names)) <= 1:  # which the title says
            names = [Path(file).stem for file in self._files]
        self._captions = list(zip(names, shares, strict=True))
        self._title.setText(title)
        many = len(places) > _MOST
        self._more = f"the first {_MOST} of {labels.whole(len(places))}" if many else ""
        self._tell()
        self.sheet.select(-1)
        self.sheet.show_tiles(())
        self._show_tiles()
        self._ask()

    def title(self) -> str:
        """Return which pictures are shown."""
        return self._title.text()

    def files(self) -> list[str]:
        """Return the pictures that are shown."""
        return self._files

    def _tell(self) -> None:
        """Say how many of the pictures are shown, or how to come to see them."""
        gone = "They come when the form names these pictures and the model is there."
        self._about.setText(gone if self._facts is None else self._more)

    def _show_tiles(self) -> None:
        tiles = []
        for file, (name, share) in zip(self._files, self._captions, strict=True):
            known = self._thumbs.get(file)
            make = partial(self._thumb, file) if known is not None else None
            amiss = "It cannot be read." if file in self._broken else ""
            tiles.append(SheetTile(name, share, make, amiss=amiss))
        self.sheet.show_tiles(tiles, "picture")

    def _thumb(self, file: str) -> QImage | None:
        return self._thumbs.get(file)

    def _ask(self) -> None:
        missing = [f for f in self._files if f not in self._thumbs and f not in self._broken]
        if self._facts is None or not missing:
            return
        self._asked = tuple(missing[:_AT_ONCE])
        job = self._session.submit(ReadThumbs(self._facts, self._asked), "Opening pictures", _SLOT)
        job.done.connect(self._took)

    def _took(self, images: tuple[QImage | None, ...]) -> None:
        for file, image in zip(self._asked, images, strict=True):
            if image is None:
                self._broken.add(file)
            else:
                self._thumbs[file] = image
                self._thumbs.move_to_end(file)
        spare = [file for file in self._thumbs if file not in set(self._files)]
        for file in spare[: max(0, len(self._thumbs) - _KEPT)]:
            del self._thumbs[file]
        self._show_tiles()
        self._ask()

    def _picked(self, place: int) -> None:
        if self._facts is not None and 0 <= place < len(self._files):
            self.chosen.emit(self._facts, self._files[place])
