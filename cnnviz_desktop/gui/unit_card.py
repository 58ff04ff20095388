"""Show the selected unit beside the form: its map on the picture, or the map alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from cnnviz_desktop.data import PRETRAINED, Activation
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.colour_bar import ColourBar
from cnnviz_desktop.gui.controls import (
    Ground,
    Line,
    Segments,
    fix_size,
    icon_button,
    label,
    named,
)
from cnnviz_desktop.gui.display import CARD, reduced, scaled
from cnnviz_desktop.gui.marks import Place
from cnnviz_desktop.gui.picture_view import PictureView
from cnnviz_desktop.gui.pin_list import PinList
from cnnviz_desktop.gui.session import FEATURE_MAPS, UNIT, Session
from cnnviz_desktop.gui.unit_note import UnitNoteField
from cnnviz_desktop.gui.work import Answer

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


class UnitCard(Ground):
    """The selected unit, in the tabs of feature maps and of its card."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.AlternateBase, parent)
        named(self, "unitCard", "Selected unit")
        self._session = session
        left = Qt.TextElideMode.ElideLeft  # the channel stands at the end
        self._which = labels.ElidedLabel(role="secondary", muted=True, mode=left)
        named(self._which, "unitName", "Selected unit")
        self.view = PictureView()
        named(self.view, "unitPicture", "Map of the selected unit", "The unit's map on the picture")
        self.view.set_empty_text("No unit selected.", "Click a tile.")
        self.view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        fix_size(self.view, height=232)
        self._bar = ColourBar()
        self._mode = Segments(
            (
                ("overlay", "Overlay", "The map laid over the picture; zero and below are clear"),
                ("map", "Map", "The map alone, one square a cell"),
            ),
            "unitMode",
            "How the unit is shown",
        )
        self._mode.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._pin = icon_button("pin", "pinUnit", "Pin", "")
        self._pin.setCheckable(True)
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(label("Selected unit", "strong"))
        head.addStretch(1)
        head.addWidget(self._which)
        head.addWidget(self._pin)
        column = QVBoxLayout()
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.view)
        column.addWidget(self._bar)
        column.addWidget(self._mode)
        column.addWidget(UnitNoteField(session))
        self._pins = PinList(session)
        column.addWidget(self._pins)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(column)
        whole.addWidget(Line())
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._awaited: Place | None = None  # a pinned unit whose network is being loaded
        self._connect(session)
        self.refresh()

    def _connect(self, session: Session) -> None:
        self._pin.clicked.connect(self.toggle_pin)
        self._pins.chosen.connect(self.go_to)
        session.models.changed.connect(self._arrive)
        session.marks.pins_changed.connect(self._show_pin)
        session.unit_picked.connect(self._show_pin)
        self._soon.timeout.connect(self._catch_up)
        session.unit_picked.connect(self._refresh_soon)
        session.answered.connect(self._answered)
        session.tab_changed.connect(self.refresh)
        session.pictures.selected.connect(self.refresh)
        self._mode.picked.connect(self.refresh)

    def sizeHint(self) -> QSize:
        """Ask for the width of the dock."""
        return QSize(theme.px(264), super().sizeHint().height())

    def toggle_pin(self) -> None:
        """Pin the selected unit, or take its pin off."""
        if self._session.unit is not None:
            self._session.marks.toggle_pin(self._session.unit)
        self._show_pin()

    def refresh(self) -> None:
        """Show the unit that is selected now."""
        self._show_pin()
        tab, unit = self._session.tab, self._session.unit
        answer = self._session.answers.get(FEATURE_MAPS)
        there = self._session.pictures.current is not None
        maps = answer.result if answer is not None else None
        clickable = tab == FEATURE_MAPS and isinstance(maps, Activation)
        self.setVisible(there and (clickable or (tab == UNIT and unit is not None)))
        self._which.setText(f"{unit.layer} {labels.DOT} {unit.channel}" if unit else "")
        known = (
            isinstance(maps, Activation)
            and unit is not None
            and maps.layer == unit.layer
            and unit.channel < len(maps.values)
        )
        for part in (self.view, self._mode):
            part.setVisible(known or clickable)  # in the tab Unit the card itself has the map
        if not known or unit is None or answer is None or not isinstance(maps, Activation):
            self.view.show_pixels(None)
            self._bar.hide()
            return
        values = maps.values[unit.channel]
        high = pixels.limits(values)[1]
        over = self._mode.value() == "overlay" and answer.image is not None
        if over and answer.image is not None:
            small, factor = reduced(answer.image, CARD)
            region = scaled(maps.region, factor)
            self.view.show_pixels(pixels.overlay_values(small, values, region, 0.75))
        else:
            self.view.show_pixels(pixels.colour(values, gamma=style.GAMMA))
        name = style.OVERLAY if over else style.SEQUENTIAL
        self._bar.show_scale(name, 0.0, high)
        self._bar.show()

    def _show_pin(self) -> None:
        unit = self._session.unit
        pinned = self._session.marks.pin_of(unit) is not None
        self._pin.setEnabled(unit is not None)
        self._pin.setChecked(pinned)
        tip = "Take the pin off (P)" if pinned else "Keep this unit at hand, marked in colour (P)"
        self._pin.setToolTip(tip)
        self._pin.setAccessibleName("Unpin" if pinned else "Pin")

    def go_to(self, place: Place) -> None:
        """Look at a pinned unit, in its layer; its network is loaded where it is another one."""
        session = self._session
        self._awaited = None
        if place.origin == session.marks.origin:
            session.pick_layer(place.unit.layer, FEATURE_MAPS)
            session.pick_unit(place.unit)
            return
        self._awaited = place
        weights = place.origin.weights
        session.models.load(place.origin.name, None if weights == PRETRAINED else weights)

    def _arrive(self, _model: LoadedModel) -> None:
        """Go to the pinned unit that a network was loaded for."""
        place, self._awaited = self._awaited, None
        if place is not None and place.origin == self._session.marks.origin:
            self.go_to(place)

    def _answered(self, tab: str, _answer: Answer) -> None:
        if tab == FEATURE_MAPS:
            self._refresh_soon()

    def _refresh_soon(self) -> None:
        """Show the unit when the maps are on screen, which come first."""
        self._soon.start()

    def _catch_up(self) -> None:
        """Show the unit, or keep the last one while the maps of another layer are on their way."""
        job = self._session.job(FEATURE_MAPS)
        if self._session.unit is None and job is not None:
            job.ended.connect(self._refresh_soon)
        else:
            self.refresh()
