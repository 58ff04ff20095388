"""Lead a person through their first minutes: six steps, each at the control it is about.

Nothing is blocked: the tour watches what the person does and goes on with them. Next does a step
for them, Esc ends the tour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QWidget

from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.session import EXPLAIN, FEATURE_MAPS, MAXIMISE, Session
from cnnviz_desktop.gui.tour_bubble import TourBubble, TourRing

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow

_BEAT = 60  # milliseconds between two looks at the window


@dataclass(frozen=True)
class _Step:
    """One step: what it says, where it points, what tells that it is done, what Next does.

    `state` is compared with what it was when the step began.
    """

    title: str
    words: str
    target: Callable[[FirstTour], QRect]
    state: Callable[[FirstTour], Any]
    deed: Callable[[FirstTour], None] | None = None


class FirstTour(QObject):
    """The tour of a window. Signals: `ended` (whether it was gone through to the last step)."""

    ended = Signal(bool)

    def __init__(self, window: MainWindow, session: Session) -> None:
        super().__init__(window)
        self.window = window
        self.session = session
        self.picks = 0  # how many tiles the person has clicked
        self._number = 0
        self._before: Any = None
        self._keys = window.deeds["cancel"].shortcut()
        self._ring = TourRing(window)
        self.bubble = TourBubble(window)
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), window)
        self._beat = QTimer(self)
        self._beat.setInterval(_BEAT)
        self._beat.timeout.connect(self._look)
        self.bubble.next_wanted.connect(self.go_on)
        self.bubble.end_wanted.connect(self.end)
        self._escape.activated.connect(self.end)
        window.tabs.feature_maps.grid.unit_picked.connect(self._count_pick)

    @property
    def number(self) -> int:
        """Return the step, from 0."""
        return self._number

    def begin(self) -> None:
        """Show the first step; Esc ends the tour as long as it lasts, and no work."""
        self.window.deeds["cancel"].setShortcut(QKeySequence())
        self.session.set_tab(FEATURE_MAPS)
        self._show(0)
        self._beat.start()

    def go_on(self) -> None:
        """Do the step for the person and show the next one."""
        number = self._number
        deed = _STEPS[number].deed
        if deed is not None:
            deed(self)
        if self._beat.isActive() and self._number == number:
            self._next()

    def end(self, whole: bool = False) -> None:
        """Take the tour away."""
        if not self._beat.isActive():
            return
        self._beat.stop()
        self.window.deeds["cancel"].setShortcut(self._keys)
        for part in (self._ring, self.bubble):
            part.hide()
            part.deleteLater()
        self._escape.setEnabled(False)
        self._escape.deleteLater()
        self.ended.emit(whole)

    def place_of(self, name: str) -> QRect:
        """Return where a widget is in the window, nowhere if it is not in sight."""
        every = self.window.findChildren(QWidget, name)
        shown = (item for item in every if item.isVisible())
        places = (QRect(item.mapTo(self.window, QPoint()), item.size()) for item in shown)
        inside = self.window.rect()  # a narrow window keeps a dock outside it
        return next((place for place in places if inside.intersects(place)), QRect())

    def place_of_tab(self, tab: str) -> QRect:
        """Return where a tab's name is in the window."""
        bar = self.window.tabs.tabBar()
        names = [bar.tabText(index) for index in range(bar.count())]
        place = bar.tabRect(names.index(tab))
        return QRect(bar.mapTo(self.window, place.topLeft()), place.size()).intersected(
            QRect(bar.mapTo(self.window, QPoint()), bar.size())
        )

    def place_of_tile(self) -> QRect:
        """Return where a tile is that is not selected yet, or the way back to the tiles."""
        grid = self.window.tabs.feature_maps.grid
        if not grid.isVisible():
            return self.place_of_tab(FEATURE_MAPS)
        channel = self.other_channel()
        if channel is None:
            return self.place_of(grid.objectName())
        tile = grid.tile_rect(channel).intersected(grid.viewport().rect())
        return QRect(grid.viewport().mapTo(self.window, tile.topLeft()), tile.size())

    def other_channel(self) -> int | None:
        """Return the first channel shown that is not selected."""
        grid = self.window.tabs.feature_maps.grid
        return next((item for item in grid.shown() if item != grid.selected()), None)

    def _count_pick(self) -> None:
        self.picks += 1

    def _show(self, number: int) -> None:
        step = _STEPS[number]
        self._number = number
        self._before = step.state(self)
        self.bubble.say(number + 1, len(_STEPS), step.title, step.words)
        self._point()
        self.bubble.show()

    def _next(self) -> None:
        if self._number + 1 < len(_STEPS):
            self._show(self._number + 1)
        else:
            self.end(whole=True)

    def _look(self) -> None:
        """Follow what the person did, and the window's changes of shape."""
        now = _STEPS[self._number].state(self)
        if now is not None and now != self._before:
            self._next()
        if self._beat.isActive():
            self._point()

    def _point(self) -> None:
        target = _STEPS[self._number].target(self)
        self._ring.surround(target)
        self.bubble.point_at(target)
        self._ring.raise_()
        self.bubble.raise_()


def _pick_tile(tour: FirstTour) -> None:
    """Select the channel that is pointed at."""
    channel = tour.other_channel()
    answer = tour.session.answers.get(FEATURE_MAPS)
    if channel is not None and answer is not None:
        layer = answer.technique.values().get("layer")
        if isinstance(layer, str):
            tour.session.pick_unit(Unit(layer, channel))


def _grow(tour: FirstTour) -> None:
    tour.session.set_tab(MAXIMISE)
    tour.session.run(MAXIMISE)


def _question(technique: Technique) -> tuple[str, object]:
    """Return what an explanation asks: by which method, for which class."""
    return technique.command, technique.values().get("target")


def _class_list_or_picture(tour: FirstTour) -> QRect:
    """Return where a class is chosen, so that the card covers no heat."""
    if tour.session.tab != EXPLAIN:
        return tour.place_of_tab(EXPLAIN)
    classes = tour.place_of("targetPicker")
    return classes if classes.isValid() else tour.place_of("explainPicture")


def _is_exporting(tour: FirstTour) -> bool | None:
    dialog = tour.window.findChild(QDialog, "exportDialog")
    return True if dialog is not None and dialog.isVisible() else None


def _run_button_or_tab(tour: FirstTour) -> QRect:
    run = tour.place_of("runButton") if tour.session.tab == MAXIMISE else QRect()
    return run if run.isValid() else tour.place_of_tab(MAXIMISE)


_STEPS = (
    _Step(
        "Pick a layer",
        "These are the layers of the network, in the order a picture passes through them. Click "
        "one, or walk with the arrow keys: the middle shows what it makes of the picture.",
        lambda tour: tour.place_of("layerTree"),
        lambda tour: tour.session.layer(FEATURE_MAPS) or None,
        lambda tour: tour.window.model_panel.next_conv(),
    ),
    _Step(
        "Click a tile",
        "Each tile is what one channel of the layer answers, bright where it found its pattern. "
        "The strongest is selected; click another one, and all tabs turn to it.",
        FirstTour.place_of_tile,
        lambda tour: tour.picks or None,
        _pick_tile,
    ),
    _Step(
        "Ask why",
        "Turn to Explain: which places of the picture speak for the network's answer?",
        lambda tour: tour.place_of_tab(EXPLAIN),
        lambda tour: tour.session.tab if tour.session.tab == EXPLAIN else None,
        lambda tour: tour.session.set_tab(EXPLAIN),
    ),
    _Step(
        "Read the heat",
        "Warm places speak for the class. Press 2 for the next likeliest class, or choose another "
        "method at the right; F1 says what each shows and when not to trust it.",
        _class_list_or_picture,
        lambda tour: _question(tour.session.techniques[EXPLAIN]),
    ),
    _Step(
        "See what it wants",
        "Turn to Maximise and press Run (F5): from noise grows the picture that your channel "
        "wants to see.",
        _run_button_or_tab,
        lambda tour: tour.session.job(MAXIMISE),
        _grow,
    ),
    _Step(
        "Take it with you",
        "Export writes what is in view as a figure or as numbers, with a record that brings back "
        "this very state. That was the tour; F1 helps with whatever is in view.",
        lambda tour: tour.place_of("exportButton"),
        _is_exporting,
    ),
)
