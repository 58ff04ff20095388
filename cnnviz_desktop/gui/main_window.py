"""Put the window together: docks, tabs, menus, status; and remember how it was left."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import late, theme
from cnnviz_desktop.gui.actions import Actions
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.appearance import Appearance
from cnnviz_desktop.gui.canvas_tabs import CanvasTabs
from cnnviz_desktop.gui.changing_menus import ChangingMenus, samples
from cnnviz_desktop.gui.commands import Commands
from cnnviz_desktop.gui.controls import fix_size, icon_button, named, rescale
from cnnviz_desktop.gui.drops import DropTarget
from cnnviz_desktop.gui.jobs import Jobs
from cnnviz_desktop.gui.model_panel import ModelPanel
from cnnviz_desktop.gui.preferences import Preferences
from cnnviz_desktop.gui.session import (
    DATASET,
    EXPLAIN,
    FEATURE_MAPS,
    FILTERS,
    MAXIMISE,
    PREDICTIONS,
    TRAINING,
    UNIT,
    Session,
)
from cnnviz_desktop.gui.status_bar import StatusBar, duration
from cnnviz_desktop.gui.tab_order import step_focus
from cnnviz_desktop.gui.technique_panel import TechniquePanel
from cnnviz_desktop.gui.window_memory import WindowMemory
from cnnviz_desktop.gui.work import Answer

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.gui.exporting import Exporting
    from cnnviz_desktop.gui.maximise_notes import MaximiseNotes
    from cnnviz_desktop.gui.model_card import ModelCard
    from cnnviz_desktop.gui.result_view import ResultView

_SIZE = QSize(1440, 900)
_BODY = 1300  # pixels of the design, many so that rounding tells little
_LAYING = 100  # milliseconds that Qt may take to lay the docks out
_NARROW = 1180  # below this width the parameters become a tab beside the model
_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea


class MainWindow(QMainWindow):
    """The window. Signals: `painted` once, when its first picture of itself is on screen."""

    painted = Signal()
    model_card: ModelCard
    maximise_notes: MaximiseNotes

    def __init__(
        self, session: Session, jobs: Jobs, memory: WindowMemory, preferences: Preferences
    ) -> None:
        super().__init__()
        named(self, "mainWindow", "CNNviz")
        self.setWindowTitle("CNNviz[*]")
        self.setMinimumSize(QSize(800, 520))
        self._session = session
        self._jobs = jobs
        self._memory = memory
        self._painted = False
        self._apart: list[int] = []  # how wide both docks were before they came together
        self._asked: list[int] = []  # how wide they are to be
        self._pictures = 0  # how high the pictures are to be, 0 for as they are
        self._laying = QTimer(self, singleShot=True, interval=_LAYING)
        self._body = theme.px(_BODY)  # the size that all is drawn for
        self.setTabPosition(_LEFT, QTabWidget.TabPosition.North)
        self.tabs = CanvasTabs(session)
        self.model_panel = ModelPanel(session)
        self.technique_panel = TechniquePanel(session)
        self.setCentralWidget(self.tabs)
        self._left = self._add_dock("modelDock", "Model", self.model_panel, _LEFT)
        self._right = self._add_dock("parametersDock", "Parameters", self.technique_panel, _RIGHT)
        self.status = StatusBar(jobs)
        self.setStatusBar(self.status)
        self.commands = Commands(session, self.tabs, self)
        self.appearance = Appearance(preferences, self)
        self.deeds = Actions(self.menuBar(), self)
        menus, recent = self.deeds.menus, self.tabs.empty.recent
        self.menus = ChangingMenus(menus, recent, session, preferences, self)
        self.tabs.empty.show_samples(samples())
        self._drops = DropTarget(self)
        self._make_corner()
        self._connect_actions()
        self._connect_views()
        self._connect_session()
        self._show_theme()
        self.resize(_SIZE.boundedTo(self.screen().availableSize()))
        self._sized = memory.restore_window(self, self.model_panel.splitter)
        self.deeds["docks"].setChecked(not self._left.isHidden())

    def complete(self, done: Callable[[], None]) -> None:
        """Build what the first picture of the window does without, and go on with `done`."""
        leaving = "export export_again export_all save_picture copy_python copy_command"
        for name in leaving.split():
            self.deeds[name].triggered.connect(getattr(self.exporting, name))
        self.tabs.head.export_requested.connect(self.exporting.export)
        views = [self.tabs.build_next] * self.tabs.count()
        late.in_turns(self, *views, self._add_cards, done)

    @cached_property
    def exporting(self) -> Exporting:
        """Return what takes results out of the window."""
        from cnnviz_desktop.gui.exporting import Exporting

        exporting = Exporting(self._session, self._jobs, self.tabs, self)
        exporting.refused.connect(self._warn)
        exporting.said.connect(self.status.say)
        return exporting

    def sizeHint(self) -> QSize:
        """Ask for the size the window is drawn for."""
        return _SIZE

    def showEvent(self, event: QShowEvent) -> None:
        """Give the docks their width where none was remembered."""
        super().showEvent(event)
        if not self._sized:
            self._sized = True
            self._set_widths(self._usual_widths())
            self._share_left(theme.px(190))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say once that the window is on screen: what is slow may begin."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self, self.painted.emit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put both docks on one side where the window is narrow."""
        super().resizeEvent(event)
        self._place_docks()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout and abandon the work; the engine's thread ends after the window."""
        self._memory.save_window(self, self.model_panel.splitter)
        self._jobs.cancel_all()
        event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Walk the controls with Tab: left dock, centre, right dock, corner."""
        docks = self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        centre = (self.tabs, self.technique_panel, self._corner)
        return step_focus(self, (self.model_panel, *centre, *docks), forward)

    def _add_cards(self) -> None:
        """Put what is said of the result, the unit and the model below the form."""
        from cnnviz_desktop.gui.doctor_notes import DoctorNotes
        from cnnviz_desktop.gui.explain_doctor import ExplanationDoctor
        from cnnviz_desktop.gui.maximise_notes import MaximiseNotes
        from cnnviz_desktop.gui.model_card import ModelCard
        from cnnviz_desktop.gui.unit_card import UnitCard

        session = self._session
        self.model_card = ModelCard(session)
        self.maximise_notes = MaximiseNotes(session)
        for card in (
            ExplanationDoctor(session, self.tabs.explain),
            UnitCard(session),
            self.model_card,
            self.maximise_notes,
            DoctorNotes(session),
        ):
            self.technique_panel.add_card(card)
        self.technique_panel.show_tab()

    def _add_dock(
        self, name: str, title: str, content: QWidget, area: Qt.DockWidgetArea
    ) -> QDockWidget:
        dock = QDockWidget(title)
        named(dock, name, title)
        dock.setTitleBarWidget(QWidget())
        dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
        fix_size(content, least=240)
        dock.setWidget(content)
        self.addDockWidget(area, dock)
        return dock

    def _place_docks(self) -> None:
        """Put both docks on one side where the window is narrow; apart as they were before."""
        narrow = self.width() < theme.px(_NARROW)
        together = self._is_together()
        if narrow and not together:
            self._apart = self._widths() if self._painted else []
            self.tabifyDockWidget(self._left, self._right)
            self._left.raise_()
            self._set_widths([theme.px(240)])
        elif not narrow and together:
            self.addDockWidget(_RIGHT, self._right)
            self._set_widths(self._apart or self._usual_widths())

    def _is_together(self) -> bool:
        return self.dockWidgetArea(self._right) == _LEFT

    def _usual_widths(self) -> list[int]:
        roomy = self.width() >= theme.px(_SIZE.width())
        return [theme.px(width) for width in ((288, 264) if roomy else (264, 252))]

    def _widths(self) -> list[int]:
        """Return how wide the docks are, or will be: Qt lays them out later than it is asked."""
        if self._laying.isActive() or self._left.isHidden():
            return self._asked or self._usual_widths()
        if not self._is_together():
            return [self._left.width(), self._right.width()]
        covered = self._left.visibleRegion().isEmpty()  # which then keeps an old width
        return [(self._right if covered else self._left).width()]

    def _set_widths(self, widths: list[int]) -> None:
        self._asked = widths
        docks = [self._left, self._right][: len(widths)]
        self.resizeDocks(docks, widths, Qt.Orientation.Horizontal)

    def _share_left(self, pictures: int, most: int = 0) -> None:
        """Give the pictures their height, and the layers above them the larger part.

        They may have `most` all the same.
        """
        split = self.model_panel.splitter
        whole = sum(split.sizes())
        given = min(pictures, max(most, 2 * whole // 5))
        split.setSizes([whole - given, given])
        self._pictures = pictures

    def _moved_split(self) -> None:
        self._pictures = 0

    def _make_corner(self) -> None:
        """Put device and theme at the right end of the menu bar."""
        self._device = QToolButton()
        self._device.setAutoRaise(True)
        self._device.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._device.setIcon(theme.icon("device"))
        self._device.setText(" CPU")  # room beside the icon
        self._device.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._device.setMenu(self.deeds.menus["devices"])
        named(self._device, "devicePicker", "Device", "What the network runs on")
        tip = "Light or dark (Ctrl+Shift+D)"
        self._look = icon_button("moon", "themeButton", "Light or dark", tip)
        self._corner = corner = QWidget()  # the menu bar does not own it
        row = QHBoxLayout(corner)
        row.setContentsMargins(0, 0, 8, 1)
        row.setSpacing(4)
        row.addWidget(self._device)
        row.addWidget(self._look)
        self.menuBar().setCornerWidget(corner, Qt.Corner.TopRightCorner)
        self._look.clicked.connect(self.appearance.toggle)

    def _connect_actions(self) -> None:
        """Give every command its deed."""
        commands, panel, look = self.commands, self.technique_panel, self.appearance
        deeds = {
            "quit": self.close,
            "run": panel.run,
            "cancel": panel.stop,
            "find_layer": self.model_panel.tree.focus_search,
            "next_conv": self.model_panel.next_conv,
            "previous_conv": self.model_panel.previous_conv,
            "dark": look.toggle,
            "larger": look.larger,
            "smaller": look.smaller,
            "normal_size": look.normal,
            "docks": self._show_docks,
        }
        own = "open_images open_folder copy paste"
        own += " remove_image next_image previous_image find_channel show_keys"
        for name in (*own.split(), "show_about"):
            deeds[name] = getattr(commands, name)
        for name, deed in deeds.items():
            self.deeds[name].triggered.connect(deed)
        self.deeds.menus["view"].triggered.connect(self._turn)
        self.deeds["docks"].setChecked(True)
        self.deeds["inspector"].setChecked(True)

    def _connect_views(self) -> None:
        commands, panel, tabs = self.commands, self.model_panel, self.tabs
        panel.open_requested.connect(commands.open_images)
        panel.paste_requested.connect(commands.paste)
        for source in (self._drops, panel):
            source.files_dropped.connect(commands.open_paths)
            source.image_dropped.connect(commands.open_image)
            source.refused.connect(self._warn)
        tabs.head.copy_requested.connect(commands.copy)
        tabs.head.take_copy_menu(self.deeds.below("copy", "copy_python", "copy_command"))
        tabs.built.connect(self._connect_built)
        tabs.empty.open_requested.connect(commands.open_images)
        tabs.empty.paste_requested.connect(commands.paste)
        tabs.empty.sample_chosen.connect(commands.open_sample)
        tabs.acted.connect(self._session.run)
        self.menus.images_chosen.connect(commands.open_paths)
        self.menus.device_named.connect(self._name_device)
        commands.opened.connect(self.menus.remember_images)
        commands.refused.connect(self._warn)
        commands.said.connect(self.status.say)
        self.appearance.changed.connect(self._show_theme)
        panel.splitter.splitterMoved.connect(self._moved_split)

    def _connect_built(self, view: ResultView) -> None:
        """Connect a view that was built after the window was painted."""
        commands, tabs = self.commands, self.tabs
        save = self.exporting.save_image
        if view.tab == PREDICTIONS:
            tabs.predictions.view.save_requested.connect(save)
        elif view.tab == EXPLAIN:
            tabs.explain.view.save_requested.connect(save)
        elif view.tab == FEATURE_MAPS:
            tabs.feature_maps.grid.save_requested.connect(save)
            self.deeds["inspector"].triggered.connect(tabs.feature_maps.inspector.show_strip)
        elif view.tab == FILTERS:
            tabs.filters.view.save_requested.connect(save)
        elif view.tab == MAXIMISE:
            tabs.maximise.save_requested.connect(save)
            tabs.maximise.growth_wanted.connect(self.exporting.save_growth)
            tabs.maximise.card_wanted.connect(self._open_card)
        elif view.tab == TRAINING:
            tabs.training.film_wanted.connect(self.exporting.save_film)
            tabs.training.refused.connect(self._warn)
            tabs.training.pictures.view.save_requested.connect(self.exporting.save_plain)
            tabs.training.files_dropped.connect(commands.open_paths)
            tabs.training.image_dropped.connect(commands.open_image)
        elif view.tab == DATASET:
            tabs.dataset.card_wanted.connect(self._open_card)
            tabs.dataset.save_requested.connect(save)
            tabs.dataset.refused.connect(self._warn)
            commands.folder_chosen.connect(tabs.dataset.open_folder)

    def _connect_session(self) -> None:
        session = self._session
        session.models.changed.connect(self._changed_model)
        session.pictures.unreadable.connect(self._fail)
        session.pictures.noted.connect(self.status.say)
        session.answered.connect(self._answered)

    def _open_card(self, unit: Unit) -> None:
        """Turn to the card of a unit."""
        if self._session.layer(UNIT) != unit.layer:  # which would forget the channel
            self._session.pick_layer(unit.layer, UNIT)
        self._session.pick_unit(unit)
        self._session.set_tab(UNIT)

    def _name_device(self, words: str) -> None:
        self._device.setText(f" {words}")
        self._corner.adjustSize()
        self.menuBar().setCornerWidget(self._corner, Qt.Corner.TopRightCorner)
        self._corner.show()

    def _changed_model(self, model: LoadedModel) -> None:
        self.status.show_model(model.title)

    def _answered(self, _tab: str, answer: Answer) -> None:
        if answer.partial:
            return
        layer = str(answer.technique.values().get("layer") or answer.model.title)
        took = duration(answer.seconds)
        self.status.say(f"{answer.technique.title} of {layer} in {took}")
        cache = self._session.cache
        self.status.show_cache(cache.used, cache.budget)

    def _fail(self, sentence: str) -> None:
        self._session.failed.emit("", CnnvizError(sentence))

    def _warn(self, sentence: str) -> None:
        self.tabs.message.tell("warning", sentence)

    def _turn(self, action: QAction) -> None:
        """Turn to the tab that a command of the View menu names."""
        _word, _line, number = action.objectName().partition("tab_")
        if number:
            self.tabs.setCurrentIndex(min(int(number), self.tabs.count()) - 1)

    def _show_theme(self) -> None:
        self._rescale()
        dark = theme.current().name == "dark"
        self.deeds["dark"].setChecked(dark)
        self._look.setIcon(theme.icon("sun" if dark else "moon"))

    def _rescale(self) -> None:
        """Give docks and pictures their share of the window in the size that text has now."""
        grown = theme.px(_BODY) / self._body
        self._body = theme.px(_BODY)
        _layers, pictures = self.model_panel.splitter.sizes()
        widths = [round(width * grown) for width in self._widths()]
        rescale(self)
        if grown != 1 and self._painted:
            self._apart = [round(width * grown) for width in self._apart]
            self._set_widths(widths)
            self._laying.start()
            self._share_left(round((self._pictures or pictures) * grown), pictures)
            QTimer.singleShot(0, self, self._place_docks)  # once they have these widths

    def _show_docks(self, shown: bool) -> None:
        if not shown:
            self._asked = self._widths()
        self._left.setVisible(shown)
        self._right.setVisible(shown)
        if self._asked:  # a hidden dock forgets a width
            self._set_widths(self._asked)
