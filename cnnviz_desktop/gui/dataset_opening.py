"""Open pictures of a dataset in the session: from their files, or as their reader gives them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import DatasetFacts, ImageInput
from cnnviz_desktop.gui.dataset_work import ReadPicture
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.pictures import Picture
from cnnviz_desktop.gui.session import Session

_SLOT = "dataset picture"


class DatasetOpening(QObject):
    """Brings a picture into the session, once. Signals: `opened` (key, image); `refused`."""

    opened = Signal(str, object)
    refused = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._keys: dict[tuple[str, str], int] = {}  # place and name -> key in the session
        self._wanted = ("", "")  # place and name

    def open(self, facts: DatasetFacts, key: str) -> None:
        """Open the picture of a dataset by its name there or its path, and look at it."""
        known = self._known(facts, key)
        if known is not None:
            self._session.drop(_SLOT)  # or the picture before would come in front of this one
            self._session.pictures.select(known.key)
            self.opened.emit(key, known.image)
            return
        self._wanted = (facts.place, key)
        job = self._session.submit(ReadPicture(facts, key), "Opening a picture", _SLOT)
        job.done.connect(self._took)

    def _known(self, facts: DatasetFacts, key: str) -> Picture | None:
        """Return a picture that is in the session already."""
        pictures = self._session.pictures
        number = self._keys.get((facts.place, key))
        if number is not None and number in pictures:
            return pictures[number]
        root = Path(facts.place)
        root = root.parent if facts.kind == "list" else root
        path = Path(key) if Path(key).is_absolute() else root / key
        every = (pictures[item] for item in pictures)
        return next((item for item in every if item.image.path == path), None)

    def _took(self, found: ImageInput | Refused) -> None:
        if isinstance(found, Refused):
            self.refused.emit(found.sentence)
            return
        pictures = self._session.pictures
        entry = pictures.entry(found)
        pictures.insert(entry)
        self._keys[self._wanted] = entry.key
        pictures.select(entry.key)
        self.opened.emit(self._wanted[1], found)
