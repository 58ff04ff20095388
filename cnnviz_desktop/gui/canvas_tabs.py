"""Hold the tabs of the centre, with the head, the messages and the empty page they share."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCursor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QTabBar, QTabWidget, QWidget

from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.empty_page import EmptyPage
from cnnviz_desktop.gui.message_bar import MessageBar
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.page_head import PageHead
from cnnviz_desktop.gui.session import (
    COMPARE,
    DATASET,
    EXPLAIN,
    FEATURE_MAPS,
    FILTERS,
    MAXIMISE,
    PREDICTIONS,
    STATISTICS,
    TRAINING,
    UNIT,
    Session,
)

if TYPE_CHECKING:
    from cnnviz_desktop.gui.compare_view import CompareView
    from cnnviz_desktop.gui.dataset_view import DatasetView
    from cnnviz_desktop.gui.explain_view import ExplainView
    from cnnviz_desktop.gui.feature_maps_view import FeatureMapsView
    from cnnviz_desktop.gui.filters_view import FiltersView
    from cnnviz_desktop.gui.maximise_view import MaximiseView
    from cnnviz_desktop.gui.predictions_view import PredictionsView
    from cnnviz_desktop.gui.result_view import ResultView
    from cnnviz_desktop.gui.statistics_view import StatisticsView
    from cnnviz_desktop.gui.training_view import TrainingView
    from cnnviz_desktop.gui.unit_view import UnitView

TABS = {  # in order, each with its tip
    PREDICTIONS: "What the network answers, for every picture of the session (Ctrl+1)",
    EXPLAIN: "Which places of the picture speak for an answer (Ctrl+2)",
    FEATURE_MAPS: "What every channel of a layer gives for the picture (Ctrl+3)",
    FILTERS: "The kernels that a layer has learned (Ctrl+4)",
    UNIT: "Everything about one channel on one page (Ctrl+5)",
    MAXIMISE: "The picture that a channel or class wants to see, as it grows (Ctrl+6)",
    STATISTICS: "The layers in numbers: shapes, costs, receptive fields (Ctrl+7)",
    DATASET: "A folder of pictures: what excites each channel, how well the net does (Ctrl+8)",
    COMPARE: "What several models make of the same picture, side by side (Ctrl+9)",
    TRAINING: "How the network came to be: checkpoints and logs (Ctrl+0)",
}
_GROUP_ENDS = {EXPLAIN, STATISTICS}  # a line follows: the answer | the inside | the model


class CanvasTabs(QTabWidget):
    """The tabs.

    Each has an empty page until its view is built, by `build_next` or because someone was quick:
    the window is painted before.

    Signals: `built` (view) a view is in its place; `acted` (tab) the button of a message was
    pressed; `model_acted` and `model_acted_otherwise` those of a message on a model that could not
    be loaded.
    """

    predictions: PredictionsView
    explain: ExplainView
    feature_maps: FeatureMapsView
    filters: FiltersView
    unit: UnitView
    maximise: MaximiseView
    statistics: StatisticsView
    dataset: DatasetView
    compare: CompareView
    training: TrainingView

    built = Signal(object)
    acted = Signal(str)
    model_acted = Signal()
    model_acted_otherwise = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "canvasTabs", "What is shown")
        self._session = session
        bar = _GroupedTabBar()
        self.setTabBar(bar)
        self.setDocumentMode(True)
        self.head = PageHead()
        self.message = MessageBar()
        self.empty = EmptyPage()
        self.views: tuple[ResultView, ...] = ()
        for index, (tab, tip) in enumerate(TABS.items()):
            self.addTab(QWidget(), tab)
            self.setTabToolTip(index, tip)
        bar.set_group_ends([index for index, tab in enumerate(TABS) if tab in _GROUP_ENDS])
        self.setCurrentIndex(self._place(session.tab))
        self.currentChanged.connect(self._turned)
        self.message.acted.connect(self._act)
        self.message.acted_otherwise.connect(self.model_acted_otherwise)
        self.message.left.connect(self._take_keyboard)
        session.tab_changed.connect(self._follow)
        session.answered.connect(self._settle)
        session.failed.connect(self._failed)
        session.models.changed.connect(self._arrange)
        session.models.requested.connect(self._settle_model)
        session.models.cleared.connect(self._forget)
        session.pictures.selected.connect(self._changed)
        session.predictions.added.connect(self.refresh)

    def build_next(self) -> None:
        """Build the next of the views that are not there yet, if any."""
        index = len(self.views)
        if index == self.count():
            return
        view = self._made(self.tabText(index))
        view.retitled.connect(self.refresh)
        shown, page = self.currentIndex(), self.widget(index)
        self.blockSignals(True)  # no other tab comes into view
        self.removeTab(index)
        self.insertTab(index, view, view.tab)
        self.setTabToolTip(index, TABS[view.tab])
        self.setCurrentIndex(shown)
        self.blockSignals(False)
        if page is not None:
            page.deleteLater()
        self.views = (*self.views, view)
        self.built.emit(view)
        if index == shown:
            self._arrange()

    def _made(self, tab: str) -> ResultView:
        """Build the view of a tab, importing what it needs: feature_maps_view's FeatureMapsView."""
        name = tab.lower().replace(" ", "_")
        module = import_module(f"cnnviz_desktop.gui.{name}_view")
        kind = getattr(module, "".join(map(str.capitalize, name.split("_"))) + "View")
        view: ResultView = kind(self._session)
        setattr(self, name, view)
        return view

    def view(self) -> ResultView:
        """Return the view of the tab in sight, built before its turn where someone was quick."""
        index = self.currentIndex()
        while len(self.views) <= index:
            self.build_next()
        return self.views[index]

    def refresh(self) -> None:
        """Show the title of the tab in sight, muted when its parameters have moved on."""
        view = self.view()
        tab = view.tab
        title, about = view.headline()
        stale = tab in self._session.answers and self._session.is_stale(tab)
        self.head.show_title(title, about, stale)
        self.head.set_enabled(view.can_copy(), view.can_export())

    def _arrange(self) -> None:
        """Give the shared parts to the view in sight."""
        view = self.view()
        view.take_head(self.head, self.message)
        waiting = view.needs_image and self._session.pictures.current is None
        if waiting and self._session.pictures.emptied:
            view.take_empty_page(self.empty, self.message)
            self.empty.show()
        else:
            view.leave_empty_page()
        self.refresh()

    def _turned(self, _index: int) -> None:
        view = self.view()
        self._session.set_tab(view.tab)
        self._arrange()
        held = self.window().focusWidget()
        if held is not None and view.isAncestorOf(held):
            view.take_keyboard()  # Qt would give it to the first field of the bar

    def _follow(self, tab: str) -> None:
        self.setCurrentIndex(self._place(tab))

    def _place(self, tab: str) -> int:
        return list(TABS).index(tab)

    def _changed(self) -> None:
        self.message.settle("")
        self._arrange()

    def _forget(self) -> None:
        for view in self.views:
            view.forget()
        self.message.settle(self.message.topic)
        self.refresh()

    def _settle(self, tab: str) -> None:
        self.message.settle(tab)
        self.refresh()

    def _failed(self, tab: str, error: CnnvizError) -> None:
        if tab != MODEL_SLOT and (not tab or tab == self._session.tab):
            self.message.tell("error", str(error), "Try again" if tab else "", tab)
        self.refresh()

    def _settle_model(self, name: str) -> None:
        """Take the message on a model away when the person asks for one."""
        wanted = name == self._session.models.wanted
        if wanted and self._session.job(MODEL_SLOT) is not None:
            self.message.settle(MODEL_SLOT)

    def _take_keyboard(self) -> None:
        self.view().take_keyboard()

    def _act(self) -> None:
        if self.message.topic == MODEL_SLOT:
            self.model_acted.emit()
        else:
            self.acted.emit(self.message.topic)


class _GroupedTabBar(QTabBar):
    """A tab bar painted by hand, with a thin line between groups."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "canvasTabBar", "What is shown")
        self.setExpanding(False)
        self.setDrawBase(False)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setUsesScrollButtons(True)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._ends: list[int] = []

    def set_group_ends(self, ends: list[int]) -> None:
        """Set after which tabs a line stands."""
        self._ends = ends
        self.updateGeometry()

    def tabSizeHint(self, index: int) -> QSize:
        """Ask for room for the words in bold, and for the gap after a group."""
        return self._size_with(index, theme.px(11))

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Move the words together before the bar scrolls, but keep them whole."""
        return self._size_with(index, theme.px(3))

    def _size_with(self, index: int, padding: int) -> QSize:
        words = QFontMetrics(theme.font("strong")).horizontalAdvance(self.tabText(index))
        gap = self._gap() if index in self._ends else 0
        return QSize(words + 2 * padding + gap, theme.px(36))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the words, the line under the tab in view, and the lines between groups."""
        painter = QPainter(self)
        now = theme.current()
        painter.fillRect(self.rect(), now.window)
        mouse = self.mapFromGlobal(QCursor.pos())
        for index in range(self.count()):
            box = self.tabRect(index)
            if index in self._ends:
                middle, reach = box.center().y(), theme.px(8)
                place = box.right() - self._gap() // 2
                painter.fillRect(place, middle - reach, 1, 2 * reach, now.border)
                box.setRight(box.right() - self._gap())
            chosen = index == self.currentIndex()
            painter.setFont(theme.font("strong" if chosen else "body"))
            painter.setPen(now.text if chosen or box.contains(mouse) else now.muted)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.tabText(index))
            if chosen:
                inset = theme.px(2)
                line = box.adjusted(inset, 0, -inset, 0)
                painter.fillRect(line.left(), box.bottom() - 2, line.width(), 3, now.accent)
                if self.hasFocus():
                    painter.setPen(QPen(now.accent, 2))
                    painter.drawRoundedRect(box.adjusted(3, 5, -3, -6), 4, 4)

    def _gap(self) -> int:
        return theme.px(9)
