"""Open pictures of a dataset in the session: from their files, or as their reader gives them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.gui.dataset_source import DatasetSource
from cnnviz_desktop.gui.dataset_work import ReadPicture
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.pictures import Picture
from cnnviz_desktop.gui.session import Session

_SLOT = "dataset picture"


class DatasetOpening(QObject):
    """Brings a picture into the session, once. Signals: `opened` (key, image); `refused`."""

    opened = Signal(str, object)
    refused = Signal(str)

    def __init__(
        self, session: Session, source: DatasetSource, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._source = source
        self._keys: dict[tuple[str, str], int] = {}  # place and name -> key in the session
        self._wanted = ""

    def open(self, key: str) -> None:
        """Open the picture of a dataset by its name there or its path, and look at it."""
        facts = self._source.facts
        if facts is None:
            return
        known = self._known(key)
        if known is not None:
            job = self._session.job(_SLOT)
            if job is not None:
                job.supersede()  # or the picture before would come in front of this one
            self._session.pictures.select(known.key)
            self.opened.emit(key, known.image)
            return
        self._wanted = key
        job = self._session.submit(ReadPicture(facts, key), "Opening a picture", _SLOT)
        job.done.connect(self._took)

    def _known(self, key: str) -> Picture | None:
        """Return a picture that is in the session already."""
        facts, pictures = self._source.facts, self._session.pictures
        if facts is None:
            return None
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
        facts, pictures = self._source.facts, self._session.pictures
        entry = pictures.entry(found)
        pictures.insert(entry)
        if facts is not None:
            self._keys[facts.place, self._wanted] = entry.key
        pictures.select(entry.key)
        self.opened.emit(self._wanted, found)
