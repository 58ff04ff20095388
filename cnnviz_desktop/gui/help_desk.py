"""Answer the Help menu: pages, what a control is, the tour, a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from cnnviz_desktop.gui import whats_this
from cnnviz_desktop.gui.preferences import Preferences
from cnnviz_desktop.gui.session import FEATURE_MAPS, Session

if TYPE_CHECKING:
    from cnnviz_desktop.gui.first_tour import FirstTour
    from cnnviz_desktop.gui.help_window import HelpWindow
    from cnnviz_desktop.gui.main_window import MainWindow

_LOOK_FIRST = 900  # milliseconds to look at the window before the tour speaks


class HelpDesk(QObject):
    """The help of a window. It says nothing."""

    def __init__(self, session: Session, preferences: Preferences, window: MainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._preferences = preferences
        self._window = window
        self._pages: HelpWindow | None = None
        self._follows = True  # what is in view, until the person turns a page
        self.tour: FirstTour | None = None
        deeds = window.deeds
        deeds["help"].triggered.connect(self.show_page)
        deeds["whats_this"].triggered.connect(self._ask)
        deeds["tour"].triggered.connect(self.begin_tour)
        deeds["report"].triggered.connect(self._report)
        window.technique_panel.help_requested.connect(self.show_page)
        session.tab_changed.connect(self._follow)
        session.technique_changed.connect(self._follow)

    def offer_tour(self) -> None:
        """Begin the tour by itself once there is something to see, the first time of all."""
        if not self._preferences.settings.tour_seen:
            self._session.answered.connect(self._begin_once)

    def show_page(self) -> None:
        """Show the page on what is in view."""
        from cnnviz_desktop.gui.help_window import HelpWindow

        if self._pages is None:
            self._pages = HelpWindow(self._window)
            self._pages.turned.connect(self._turned)
        self._follows = True
        self._pages.show_page(self._in_view())
        self._pages.show()
        self._pages.raise_()
        self._pages.activateWindow()

    def begin_tour(self) -> None:
        """Begin the tour, from its first step."""
        from cnnviz_desktop.gui.first_tour import FirstTour

        if self.tour is not None:
            self.tour.end()
        self._preferences.change(tour_seen=True)
        self.tour = FirstTour(self._window, self._session)
        self.tour.ended.connect(self._tour_ended)
        self.tour.begin()

    def _begin_once(self, tab: str) -> None:
        if tab == FEATURE_MAPS:
            self._session.answered.disconnect(self._begin_once)
            QTimer.singleShot(_LOOK_FIRST, self, self._begin_unasked)

    def _begin_unasked(self) -> None:
        if not self._preferences.settings.tour_seen and self._window.isVisible():
            self.begin_tour()

    def _tour_ended(self, whole: bool) -> None:
        if self.tour is not None:
            self.tour.deleteLater()
            self.tour = None
        self._window.status.say(
            "F1 helps with what is in view" if whole else "Help > Tour begins the tour again"
        )

    def _in_view(self) -> str:
        """Return the name of the page on what is in view."""
        technique = self._session.techniques.get(self._session.tab)
        return technique.command if technique is not None else self._session.tab.lower()

    def _follow(self) -> None:
        pages = self._pages
        if pages is not None and pages.isVisible() and self._follows:
            name = self._in_view()
            if name != pages.name:
                pages.show_page(name)

    def _turned(self, name: str) -> None:
        self._follows = name == self._in_view()

    def _ask(self) -> None:
        whats_this.enter(self._window)

    def _report(self) -> None:
        from cnnviz_desktop.gui.report_dialog import ReportDialog

        model, machine = self._session.model, self._session.models.machine
        facts = [f"Tab: {self._session.tab}"]
        if model is not None:
            facts.append(f"Network: {model.title}, {model.weights}, on {model.device}")
        if machine is not None:
            facts.append("Devices: " + ", ".join(words for _name, words in machine.devices))
        dialog = ReportDialog("\n".join(facts), self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()
