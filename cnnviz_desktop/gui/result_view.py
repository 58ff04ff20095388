"""Define what a tab is: a head, a bar on how the result is drawn, a canvas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QImage, QPalette
from PySide6.QtWidgets import (
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.bar_layout import BarLayout
from cnnviz_desktop.gui.controls import Ground, Line, named
from cnnviz_desktop.gui.plate_view import PlateView
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.view_settings import Control, read_controls, set_controls
from cnnviz_desktop.gui.work import Answer


class ResultView(Ground):
    """The content of one tab.

    Subclasses fill `bar` (how the result is drawn; nothing in it runs the engine) and `canvas`, say
    with `draws` which results these are for, and override `show_answer`, `title` and what else
    differs. Every other result of the tab is shown as the figure that Export would write. Signals:
    `retitled`; `plate_wanted` that figure is to be drawn and given to `plate`.
    """

    retitled = Signal()
    plate_wanted = Signal()
    tab = ""
    needs_image = True
    draws: ClassVar[tuple[type, ...]] = ()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Window, parent)
        named(self, f"{self.tab.lower().replace(' ', '_')}_view", self.tab)
        self.session = session
        self.controls: dict[str, Control] = {}  # what of the bar a session keeps, by name
        self._top = QVBoxLayout()
        self._top.setContentsMargins(0, 0, 0, 0)
        self._top.setSpacing(0)
        self._bar_room = QWidget()
        self._bar_room.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.bar = BarLayout(self._bar_room)
        self.bar.setContentsMargins(16, 6, 16, 6)
        self._bar_line = Line()
        self.canvas = QVBoxLayout()
        self.canvas.setContentsMargins(0, 0, 0, 0)
        self.canvas.setSpacing(0)
        self._whole = QVBoxLayout()
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(0)
        self._whole.addLayout(self._top)
        self._whole.addWidget(Line())
        self._whole.addWidget(self._bar_room)
        self._whole.addWidget(self._bar_line)
        self._notice_place = self._whole.count()
        self._canvas_room = QWidget()
        self._canvas_room.setLayout(self.canvas)
        self._whole.addWidget(self._canvas_room, 1)
        self.plate = PlateView()
        self.plate.hide()
        self.plate.wanted.connect(self.plate_wanted)
        self._whole.addWidget(self.plate, 1)
        self._has_bar = True
        page = QWidget()
        page.setLayout(self._whole)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(page)
        empty = QWidget()
        self._empty = QVBoxLayout(empty)
        self._empty.setContentsMargins(0, 0, 0, 0)
        self._empty.setSpacing(0)
        self._stack.addWidget(empty)
        session.answered.connect(self._answered)
        session.withdrawn.connect(self._withdrawn)
        session.technique_changed.connect(self._retitle)
        session.requested.connect(self._retitle)

    def take_head(self, head: QWidget, message: QWidget) -> None:
        """Take the head and the message bar that all tabs share, now that this one is in view."""
        self._top.insertWidget(0, head)
        self._whole.insertWidget(self._notice_place, message)

    def take_empty_page(self, page: QWidget, message: QWidget) -> None:
        """Show a page in place of everything but messages: there is no picture."""
        self._empty.insertWidget(0, message)
        self._empty.insertWidget(1, page, 1)
        self._stack.setCurrentIndex(1)

    def leave_empty_page(self) -> None:
        """Show the tab's own content again."""
        self._stack.setCurrentIndex(0)

    def take_keyboard(self) -> None:
        """Give the keyboard to what the tab shows."""
        first = self.canvas.itemAt(0)
        shown = self.plate if self.is_plate() else first.widget() if first is not None else None
        if shown is not None:
            shown.setFocus()

    def hide_bar(self) -> None:
        """Leave the bar out of a tab that needs none."""
        self._has_bar = False
        self._bar_room.hide()
        self._bar_line.hide()

    def is_plate(self) -> bool:
        """Tell whether the result is one that is shown as a figure."""
        answer = self.answer()
        return answer is not None and not isinstance(answer.result, self.draws)

    def headline(self) -> tuple[str, str]:
        """Return the title of what is shown and what it says about it."""
        answer = self.answer()
        if answer is None or not self.is_plate():
            return self.title()
        layer = getattr(answer.result, "layer", "")
        return layer or answer.technique.title, middle(answer.model.title)

    def drawn(self) -> QImage | None:
        """Return what is shown as a picture, None where there is none."""
        return self.plate.image() if self.is_plate() else self.picture()

    def drawn_as(self) -> dict[str, Any]:
        """Return how the result is drawn, as options of a plate."""
        return {} if self.is_plate() else self.look()

    def answer(self) -> Answer | None:
        """Return the answer that is shown."""
        return self.session.answers.get(self.tab)

    def can_export(self) -> bool:
        """Tell whether there is a result that can be written to a file."""
        answer = self.answer()
        return answer is not None and not answer.partial

    def show_answer(self, answer: Answer) -> None:
        """Show a result."""

    def forget(self) -> None:
        """Show no result: another session takes the place of this one, or another network."""

    def view_settings(self) -> dict[str, Any]:
        """Return how results are drawn, as a session keeps it."""
        return dict(read_controls(self.controls))

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw results as a session kept it; what does not fit is left as it is."""
        set_controls(self.controls, values)

    def title(self) -> tuple[str, str]:
        """Return the page's title and what it says about the result."""
        return self.tab, ""

    def look(self) -> dict[str, Any]:
        """Return how the result is drawn, as options of a plate."""
        return {}

    def picture(self) -> QImage | None:
        """Return what is shown as a picture, None where there is none."""
        return None

    def can_copy(self) -> bool:
        """Tell whether there is something to copy."""
        return self.answer() is not None

    def copy(self) -> QMimeData | None:
        """Return what Copy puts on the clipboard."""
        picture = self.drawn()
        if picture is None:
            return None
        data = QMimeData()
        data.setImageData(picture)
        return data

    def file_stem(self) -> str:
        """Return a name for a file of what is shown."""
        answer = self.answer()
        if answer is None:
            return self.tab.lower().replace(" ", "-")
        parts = [answer.model.title, answer.technique.values().get("layer") or ""]
        if answer.image is not None:
            parts.insert(0, stem(answer.image))
        parts.append(answer.technique.command)
        return "-".join(part for part in parts if part)

    def _retitle(self, tab: str) -> None:
        if tab == self.tab:  # a picked layer changes all tabs' techniques, one after the other
            self.retitled.emit()

    def _answered(self, tab: str, answer: Answer) -> None:
        if tab != self.tab:
            return
        plate = self.is_plate()
        self._turn_to(plate)
        if plate:
            self.plate_wanted.emit()
        else:
            self.show_answer(answer)
        self.retitled.emit()

    def _withdrawn(self, tab: str) -> None:
        if tab == self.tab:
            self._turn_to(plate=False)
            self.forget()
            self.retitled.emit()

    def _turn_to(self, plate: bool) -> None:
        """Show the figure in place of the tab's own canvas and its bar, or these."""
        self.plate.setVisible(plate)
        self._canvas_room.setVisible(not plate)
        self._bar_room.setVisible(self._has_bar and not plate)
        self._bar_line.setVisible(self._has_bar and not plate)


def stem(image: ImageInput) -> str:
    """Return a picture's name without its suffix."""
    return image.path.stem if image.path else image.name


def middle(*parts: str) -> str:
    """Join the parts that are there with dots."""
    return f" {labels.DOT} ".join(part for part in parts if part)
