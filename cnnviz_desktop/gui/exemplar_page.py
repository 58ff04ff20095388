"""Put together what is shown of exemplars: the sheet, the classes, the bar, the picked picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QStackedWidget, QVBoxLayout, QWidget

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.bar_layout import BarLayout
from cnnviz_desktop.gui.controls import ElidedCombo, Line, Segments, fix_size, named
from cnnviz_desktop.gui.dataset_opening import DatasetOpening
from cnnviz_desktop.gui.dataset_source import DatasetSource, replaced
from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.exemplar_crops import ExemplarCrops
from cnnviz_desktop.gui.exemplar_detail import ExemplarDetail
from cnnviz_desktop.gui.exemplar_matrix import ClassesPage
from cnnviz_desktop.gui.exemplar_order import class_place, ordered, searched
from cnnviz_desktop.gui.exemplar_sheet import ExemplarSheet
from cnnviz_desktop.gui.result_view import middle
from cnnviz_desktop.gui.search_field import SearchField
from cnnviz_desktop.gui.session import DATASET, UNIT, Session

_ORDERS = (
    ("selectivity", "Sort: tells a class apart"),
    ("purity", "Sort: pictures of one class"),
    ("strength", "Sort: strongest"),
    ("index", "Sort: number"),
)
_SHOWN = (
    ("strongest", "Strongest", "The nine strongest pictures of each channel"),
    ("range", "Range", "Pictures from the weakest to the strongest: what hardly excites it, too"),
)
_ANY = "Any class"
_REST = 250  # milliseconds; whoever walks on does not open every picture


class ExemplarPages(QObject):
    """The pages `channels` and `classes` of one layer, and their part of the bar.

    What the bar says stands in the form as well, so that a figure shows the same. Signals:
    `retitled`; `card_wanted` (`Unit`); `save_requested` (image, name); `refused` (a sentence).
    """

    retitled = Signal()
    card_wanted = Signal(object)
    save_requested = Signal(QImage, str)
    refused = Signal(str)

    def __init__(
        self,
        session: Session,
        source: DatasetSource,
        opening: DatasetOpening,
        bar: BarLayout,
    ) -> None:
        super().__init__(session)
        self._session = session
        self._source = source
        self._opening = opening
        self._crops = ExemplarCrops(session, self)
        self.sheet = ExemplarSheet(self._crops.row)
        self.detail = ExemplarDetail()
        self.classes = ClassesPage()
        self._empty = EmptyState("")
        self._make_bar(bar)
        self.channels = QWidget()
        rows = QWidget()
        column = QVBoxLayout(rows)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.sheet, 1)
        column.addWidget(Line())
        column.addWidget(self.detail)
        self.detail.hide()
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(rows)
        whole = QVBoxLayout(self.channels)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)
        self.channels.setFocusProxy(self.sheet)
        self._order: list[int] = []
        self._spread = False
        self._key = ""  # of the picture that the strip below is about
        self._rest = QTimer(self)  # until the picture that was walked to is opened
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._connect()
        self.show_known()

    def _make_bar(self, bar: BarLayout) -> None:
        self.search = SearchField("Channel, class")
        named(
            self.search,
            "exemplarSearch",
            "Find channels",
            "Numbers and ranges (12, 40-47), or part of a class's name",
        )
        fix_size(self.search, least=120, most=180)
        self.shown = Segments(_SHOWN, "exemplarShow", "Which pictures are shown")
        self.first = QComboBox()
        named(self.first, "exemplarOrder", "Order", "Which channels come first")
        for value, words in _ORDERS:
            self.first.addItem(words, value)
        self.target = ElidedCombo()
        named(
            self.target,
            "exemplarClass",
            "Class",
            "Channels that tell this class apart from all others come first",
        )
        fix_size(self.target, least=110, most=200)
        self.target.setMaxVisibleItems(24)
        adjust = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.target.setSizeAdjustPolicy(adjust)
        for widget in (self.search, self.shown, self.first, self.target):
            bar.addWidget(widget)

    def _connect(self) -> None:
        session = self._session
        self.search.textChanged.connect(self._arrange)
        self.shown.picked.connect(self._edited)
        self.first.activated.connect(self._edited)
        self.target.activated.connect(self._edited)
        self.sheet.sight_changed.connect(self._want)
        self.sheet.picked.connect(self._picked)
        self.sheet.walked.connect(self._walked)
        self._rest.timeout.connect(self._open_picture)
        self.sheet.opened.connect(self._opened)
        self.sheet.pin_wanted.connect(self._pin)
        self.sheet.save_requested.connect(self.save_requested)
        self.classes.picked.connect(self._picked_channel)
        self.classes.opened.connect(self._opened)
        self.detail.card.clicked.connect(self._open_card)
        self.detail.pin.clicked.connect(self._pin_picked)
        self.detail.close_button.clicked.connect(self.detail.hide)
        self._crops.arrived.connect(self._arrived)
        self._crops.refused.connect(self.refused)
        self._opening.opened.connect(self._show_whole)
        self._source.known.connect(self.show_known)
        self._source.described.connect(self._say_empty)
        session.technique_changed.connect(self._changed)
        session.requested.connect(self._changed)
        session.answered.connect(self._changed)
        session.unit_picked.connect(self._follow_unit)
        session.marks.pins_changed.connect(self._show_pin)

    # --------------------------------------------------------------------------------------- state

    def is_labelled(self) -> bool:
        """Tell whether what is known has classes."""
        found = self._source.overview
        return found is not None and found.labelled and len(found.classes) > 0

    def show_bar(self, *, shown: bool, pictured: bool) -> None:
        """Show the controls where they mean something; `pictured`: the page has pictures."""
        known = self._source.overview is not None
        labelled = self.is_labelled()
        self.search.setVisible(shown and known)
        self.shown.setVisible(pictured and known)
        self.first.setVisible(shown and known)
        self.target.setVisible(shown and known and labelled)

    def view_settings(self) -> dict[str, Any]:
        """Return what is looked for."""
        return {"search": self.search.text()} if self.search.text() else {}

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Look for what a session kept."""
        text = values.get("search")
        self.search.setText(text[:200] if isinstance(text, str) else "")

    def title(self) -> tuple[str, str]:
        """Return the layer, and how many pictures were looked at."""
        found = self._source.overview
        layer = self._session.layer(DATASET)
        facts = self._source.facts
        if found is None:
            return layer, facts.title if facts is not None else ""
        some = found.images + len(found.broken) < found.total
        seen = _counted(found.images, found.total if some else found.images, "picture")
        which = _counted(len(self._order), len(found.values), "channel")
        return layer, middle(which, f"{seen} of {found.title}")

    def show_known(self) -> None:
        """Show what is known of the layer by now."""
        found = self._source.overview
        self._offer_classes()
        spread = self.shown.value() == "range"
        if spread is not self._spread:  # the picked place is another picture now
            self._spread = spread
            self.sheet.select(-1)
            self.detail.hide()
        filling = self._source.is_filling()
        self._crops.show(
            self._session.model, self._source.facts, found, spread=spread, filling=filling
        )
        self._pages.setCurrentIndex(0 if found is None else 1)
        if found is None:
            self.detail.hide()
        self._say_empty()
        resting = self.sheet.is_at_rest() or not self._source.is_filling()
        self._arrange(keep=not resting)

    # ---------------------------------------------------------------------------------------- rows

    def _arrange(self, _text: str = "", *, keep: bool = False) -> None:
        """Put the channels in order, as the form says; `keep` the order while rows are read."""
        found = self._source.overview
        if found is None:
            self._order = []
            self.sheet.show_rows(None, [], spread=False, target=-1)
            self.classes.show_rows(None, [], -1)
            return
        values = self._session.techniques[DATASET].values()
        label = class_place(found, values.get("target"))
        same = len(self._order) and max(self._order) < len(found.values)
        if not (keep and same and not self.search.text()):
            first = str(values.get("first", "selectivity"))
            self._order = searched(found, ordered(found, first, label), self.search.text())
        spread = self.shown.value() == "range"
        self.sheet.show_rows(found, self._order, spread=spread, target=label)
        if found.labelled:
            self.classes.show_rows(found, self._order, label)
        self._want()
        self.retitled.emit()

    def _offer_classes(self) -> None:
        """List the classes of the folder to choose from."""
        found = self._source.overview
        names = found.classes if found is not None and found.labelled else ()
        folders = found.folders if names and found is not None else ()
        known = [self.target.itemText(place) for place in range(1, self.target.count())]
        if [*names] != known:
            self.target.clear()
            self.target.addItem(_ANY, None)
            for name, folder in zip(names, folders, strict=True):
                self.target.addItem(name, folder)
        self._show_form()

    def _show_form(self) -> None:
        """Show in the bar what the form says."""
        values, found = self._session.techniques[DATASET].values(), self._source.overview
        if "first" not in values:
            return
        self.first.setCurrentIndex(max(0, self.first.findData(values["first"])))
        self.shown.set_value(str(values["show"]))
        label = class_place(found, values["target"]) if found is not None else -1
        self.target.setCurrentIndex(label + 1 if label + 1 < self.target.count() else 0)

    def _edited(self, *_what: object) -> None:
        """Write what the bar says into the form; where all is known, the figure follows at once."""
        session = self._session
        technique = session.techniques[DATASET]
        changes = {
            "first": self.first.currentData(),
            "show": self.shown.value(),
            "target": self.target.currentData(),
        }
        session.set_technique(DATASET, replaced(technique, **changes))
        answer = session.answers.get(DATASET)
        known = answer is not None and not answer.partial
        if known and session.job(DATASET) is None and session.is_stale(DATASET):
            session.run(DATASET)

    def _changed(self, tab: str) -> None:
        if tab != DATASET or "first" not in self._session.techniques[DATASET].values():
            return
        before = self.shown.value()
        self._show_form()
        if self.shown.value() != before:
            self.show_known()
        else:
            self._arrange()
        self._say_empty()

    def _say_empty(self) -> None:
        """Say what to do where nothing is known of the layer."""
        layer = self._session.layer(DATASET)
        if self._source.is_filling():
            self._empty.set_text("Looking at the first pictures…", "Rows come as they are found.")
            return
        facts = self._source.facts
        where = facts.title if facts is not None else "the folder"
        self._empty.set_text(
            f"{layer or 'This layer'} was not looked at yet.",
            f"Press Run (F5): each picture of {where} is looked at once. What is found is kept.",
        )

    def _want(self) -> None:
        self._crops.want(self.sheet.in_sight())

    def _arrived(self, channels: list[int]) -> None:
        self.sheet.refresh(channels)
        channel, rank = self.sheet.selected()
        row = self._crops.row(channel)
        if row is None or channel not in channels or not self.detail.isVisible():
            return
        if self._key and self._key not in row.keys:
            self._rest.stop()
            self.detail.hide()  # others excite the channel more by now
            return
        if self._key:
            rank = row.keys.index(self._key)
            self.sheet.select(channel, rank, seen=False)  # the person may look at other rows
        self._tell(channel, rank)

    # --------------------------------------------------------------------------------------- picks

    def _picked(self, channel: int, rank: int) -> None:
        """Select the unit, open the picture, and mark what the channel sees of it."""
        self._walked(channel, rank)
        self._open_picture()

    def _walked(self, channel: int, rank: int) -> None:
        """Select the unit; its picture is opened when the person stays there."""
        self.classes.mark(channel)
        self._select(channel)
        self.detail.setVisible(True)
        row = self._crops.row(channel)
        self._key = row.keys[rank] if row is not None and rank < len(row.keys) else ""
        self._tell(channel, rank)
        self.detail.show_picture(None)
        self._rest.start()

    def _open_picture(self) -> None:
        """Open the picked picture in the session."""
        self._rest.stop()
        channel, rank = self.sheet.selected()
        row = self._crops.row(channel)
        facts = self._source.facts
        if facts is not None and row is not None and rank < len(row.keys):
            self._opening.open(facts, row.keys[rank])

    def _picked_channel(self, channel: int) -> None:
        if channel != self.sheet.selected()[0]:
            self.detail.hide()
        self.sheet.select(channel, 0)
        self._select(channel)

    def _select(self, channel: int) -> None:
        layer = self._session.layer(DATASET)
        self._session.pick_unit(Unit(layer, channel))
        self._show_pin()

    def _tell(self, channel: int, rank: int) -> None:
        found = self._source.overview
        if found is not None:
            self.detail.show_exemplar(found, self._crops.row(channel), channel, rank)

    def _show_whole(self, key: str, image: ImageInput) -> None:
        """Show the opened picture with the picked place, where it is still the picked one."""
        channel, rank = self.sheet.selected()
        row = self._crops.row(channel) if channel >= 0 else None
        if row is not None and rank < len(row.keys) and row.keys[rank] == key:
            self.detail.show_picture(image, row, rank)

    def _opened(self, channel: int, rank: int = 0) -> None:
        """Turn to the unit's card, at the place of the picked picture."""
        if self._rest.isActive():
            self._open_picture()
        layer = self._session.layer(DATASET)
        row = self._crops.row(channel)
        self.card_wanted.emit(Unit(layer, channel))
        here = (channel, rank) == self.sheet.selected()
        if here and row is not None and rank < len(row.places):
            place = row.places[rank]
            self._take_place(place)

    def _take_place(self, place: tuple[int, int]) -> None:
        """Let the unit's card take the value apart that the exemplar was found for."""
        technique = self._session.techniques[UNIT]
        if "row" in technique.values():
            changed = replaced(technique, row=place[0], column=place[1])
            self._session.set_technique(UNIT, changed)
            self._session.run(UNIT)

    def _open_card(self) -> None:
        channel, rank = self.sheet.selected()
        if channel >= 0:
            self._opened(channel, rank)

    def _pin(self, channel: int) -> None:
        self._session.marks.toggle_pin(Unit(self._session.layer(DATASET), channel))

    def _pin_picked(self) -> None:
        channel, _rank = self.sheet.selected()
        if channel >= 0:
            self._pin(channel)

    def _show_pin(self) -> None:
        channel, _rank = self.sheet.selected()
        unit = Unit(self._session.layer(DATASET), channel)
        pinned = self._session.marks.pin_of(unit) is not None
        self.detail.pin.setText("Unpin" if pinned else "Pin")

    def _follow_unit(self, unit: Unit | None) -> None:
        """Mark the row of the unit that was selected elsewhere."""
        if unit is None or unit.layer != self._session.layer(DATASET):
            return
        if self.sheet.selected()[0] != unit.channel and unit.channel in self._order:
            self.sheet.select(unit.channel, 0)
            self.classes.mark(unit.channel)
            self.detail.hide()


def _counted(shown: int, total: int, what: str) -> str:
    """Return "3 of 32 channels", or "1 picture" where all are meant."""
    some = f"{labels.whole(shown)} of " if shown < total else ""
    return some + labels.many(total, what)
