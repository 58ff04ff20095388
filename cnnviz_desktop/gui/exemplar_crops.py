"""Keep the crops of channels that are or were in sight; ask the engine for those that come."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from cnnviz_desktop.data import DatasetFacts, ExemplarOverview
from cnnviz_desktop.gui.dataset_work import CutRows, RowPictures
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.session import Session

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_KEPT = 160  # channels, of a third of a megabyte each
_AT_ONCE = 3  # channels that are cut together: the first are soon on screen
_SHARE = 2  # while the index fills, cutting anew takes at most about this part of the time
_REST = 40  # milliseconds that the rows in sight stay the same before they are asked for
_SLOT = "exemplar crops"


class ExemplarCrops(QObject):
    """The crops of one layer's channels. Signals: `arrived` (channels); `refused` (a sentence)."""

    arrived = Signal(list)
    refused = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._about: tuple[LoadedModel, DatasetFacts, str, bool] | None = None
        self._overview: ExemplarOverview | None = None
        self._rows: OrderedDict[int, tuple[RowPictures, object]] = OrderedDict()
        self._wanted: list[int] = []
        self._asked: dict[int, object] = {}  # channel -> what it was like when it was asked for
        self._failed: set[int] = set()
        self._filling = False
        self._asked_at = 0.0
        self._free_at = 0.0  # when the engine has had its time for the pictures themselves
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._ask)

    def show(
        self,
        model: LoadedModel | None,
        facts: DatasetFacts | None,
        found: ExemplarOverview | None,
        *,
        spread: bool,
        filling: bool = False,
    ) -> None:
        """Take up what is known by now; crops of another layer or folder are let go of."""
        self._filling = filling
        before, self._overview = self._about, found
        if model is None or facts is None or found is None:
            self._about = None
        else:
            self._about = model, facts, found.layer, spread
        same = (
            before is not None
            and self._about is not None
            and before[0] is self._about[0]
            and (before[1].kind, before[1].place) == (self._about[1].kind, self._about[1].place)
            and before[2:] == self._about[2:]
        )
        if not same:
            self._session.drop(_SLOT)
            self._rows.clear()
            self._asked = {}
            self._wanted = []
        self._failed.clear()
        self._rest.start(_REST)

    def row(self, channel: int) -> RowPictures | None:
        """Return a channel's crops, perhaps not the newest; None where none came."""
        known = self._rows.get(channel)
        if known is not None:
            self._rows.move_to_end(channel)
            return known[0]
        return None

    def want(self, channels: Sequence[int]) -> None:
        """Have the crops of these channels, those that are in sight, the first foremost."""
        self._wanted = list(channels)
        self._rest.start(_REST)

    def _state(self, channel: int) -> object:
        """Return what tells whether crops are those of now."""
        found = self._overview
        assert found is not None
        spread = self._about is not None and self._about[3]
        return found.images if spread else tuple(found.ids[channel].tolist())

    def _missing(self) -> Iterable[int]:
        for channel in self._wanted:
            if channel not in self._failed:
                known, now = self._rows.get(channel), self._state(channel)
                if known is None or now not in (known[1], known[0].ids):
                    yield channel

    def _ask(self) -> None:
        if self._about is None or self._overview is None:
            return
        # Those that have none come before those that have old ones.
        missing = sorted(self._missing(), key=lambda channel: channel in self._rows)
        chosen = {channel: self._state(channel) for channel in missing[:_AT_ONCE]}
        wait = self._free_at - time.monotonic() if self._filling else 0.0
        if chosen and wait > 0:
            self._rest.start(max(_REST, round(1000 * wait)))
            return
        asking = self._session.job(_SLOT) is not None
        if not chosen or (asking and list(chosen) == list(self._asked)):
            return
        self._asked, self._asked_at = chosen, time.monotonic()
        model, facts, layer, spread = self._about
        work = CutRows(model, facts, layer, tuple(chosen), spread)
        job = self._session.submit(work, "Cutting pictures out", _SLOT)
        job.done.connect(self._took)

    def _took(self, found: tuple[RowPictures, ...] | Refused) -> None:
        asked, self._asked = self._asked, {}
        now = time.monotonic()
        self._free_at = now + _SHARE * (now - self._asked_at)
        if isinstance(found, Refused):
            self._failed.update(asked)
            self.refused.emit(found.sentence)
            return
        for row in found:
            self._rows[row.channel] = row, asked[row.channel]
            self._rows.move_to_end(row.channel)
        while len(self._rows) > _KEPT:
            self._rows.popitem(last=False)
        self.arrived.emit([row.channel for row in found])
        self._ask()
