"""Show the weights that were downloaded: what is here, how large it is, where; and delete some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fit_screen, label, named, push_button
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.message_bar import MessageBar
from cnnviz_desktop.gui.model_rows import megabytes
from cnnviz_desktop.gui.model_work import DeleteWeights, ListWeights
from cnnviz_desktop.gui.work import Engine

if TYPE_CHECKING:
    from cnnviz_desktop.engine.cached_weights import CachedWeights

_SLOT = "downloaded weights"
_ITEM = Qt.ItemDataRole.UserRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class WeightsDialog(QDialog):
    """The table of downloaded weights. Signals: `deleted` some are not here any more."""

    deleted = Signal()

    def __init__(self, jobs: Jobs, engine: Engine, parent: QWidget) -> None:
        super().__init__(parent)
        named(self, "weightsDialog", "Downloaded weights")
        self.setWindowTitle("Downloaded weights")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._jobs = jobs
        self._engine = engine
        self._items: tuple[CachedWeights, ...] | None = None  # None until they are listed
        self._asked: CachedWeights | None = None  # whether to delete them
        self._deleting = ""  # whose are being deleted
        self._list = self._make_list()
        self._message = MessageBar()
        named(self._message, "weightsMessage", "Message")
        self._total = label(f"Looking{labels.ELLIPSIS}", muted=True)
        named(self._total, "weightsTotal", "All together")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        says = label(
            "What was downloaded is kept, so that a network opens without the internet. Deleted "
            "weights are downloaded again when their network is opened."
        )
        says.setWordWrap(True)
        column.addWidget(says)
        column.addWidget(self._message)
        column.addWidget(self._list, 1)
        column.addLayout(self._make_foot())
        fit_screen(self, 680, 400)
        self._list.currentItemChanged.connect(self._let_be)
        self._watch(ListWeights(engine), "Looking for downloaded weights")

    def done(self, result: int) -> None:
        """Leave no work behind; what is being deleted is deleted."""
        job = self._jobs.current(_SLOT)
        if job is not None and isinstance(job.work, ListWeights):
            job.supersede()
        if self._deleting:
            self.deleted.emit()  # the dialog will not be there when they are
        super().done(result)

    def _make_list(self) -> QTreeWidget:
        made = QTreeWidget()
        named(made, "weightsList", "Downloaded weights")
        made.setRootIsDecorated(False)
        made.setUniformRowHeights(True)
        made.setFrameShape(QFrame.Shape.StyledPanel)
        made.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        made.setHeaderLabels(["Network", "Size", "Last used", "File"])
        head = made.headerItem()
        if head is not None:
            head.setTextAlignment(1, _RIGHT)
        made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        made.header().resizeSection(0, theme.px(220))
        made.header().resizeSection(1, theme.px(84))
        made.header().resizeSection(2, theme.px(92))
        return made

    def _make_foot(self) -> QHBoxLayout:
        """Lay out the total, and the question that takes its place."""
        self._delete = push_button(
            f"Delete{labels.ELLIPSIS}", "deleteWeights", "Delete the marked weights", "trash"
        )
        self._really = push_button("Delete", "reallyDelete", "Delete them now")
        self._keep = push_button("Keep", "keepWeights", "Delete nothing")
        self._close = push_button("Close", "closeWeights", "Close (Esc)")
        for button in (self._delete, self._really, self._keep):
            button.setAutoDefault(False)
        set_primary(self._really, True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._total, 1)
        for button in (self._delete, self._really, self._keep, self._close):
            row.addWidget(button)
        self._delete.clicked.connect(self._ask)
        self._really.clicked.connect(self._delete_asked)
        self._keep.clicked.connect(self._let_be)
        self._close.clicked.connect(self.reject)
        self._show_foot()
        return row

    def _watch(self, work: ListWeights | DeleteWeights, words: str) -> None:
        job = self._jobs.submit(work, words, _SLOT, Priority.CLICK)
        job.done.connect(self._show)
        job.failed.connect(self._failed)

    def _show(self, items: tuple[CachedWeights, ...]) -> None:
        """List what is here, the largest first."""
        gone = self._items is not None and len(items) < len(self._items)
        self._deleting = ""
        self._items = tuple(sorted(items, key=lambda item: -item.megabytes))
        self._list.clear()
        for item in self._items:
            name = item.model or item.path.name
            texts = [name if item.whole else f"{name} (stopped)", megabytes(item.megabytes)]
            row = QTreeWidgetItem([*texts, f"{item.used.astimezone():%Y-%m-%d}", str(item.path)])
            row.setData(0, _ITEM, item)
            row.setTextAlignment(1, _RIGHT)
            row.setToolTip(3, str(item.path))
            self._list.addTopLevelItem(row)
        if self._items:
            self._list.setCurrentIndex(self._list.model().index(0, 0))
        self._show_foot()
        if gone:
            self.deleted.emit()

    def _failed(self, error: CnnvizError) -> None:
        self._message.tell("error", str(error))
        self._asked, self._deleting = None, ""
        self._show_foot()

    def _ask(self) -> None:
        """Ask in place whether to delete what is marked."""
        row = self._list.currentItem()
        if row is not None:
            self._asked = row.data(0, _ITEM)
            self._show_foot()
            self._keep.setFocus()

    def _let_be(self) -> None:
        self._asked = None
        self._show_foot()

    def _delete_asked(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            self._message.settle("")
            self._deleting = asked.model or asked.path.name
            words = f"Deleting the weights of {self._deleting}"
            self._watch(DeleteWeights(self._engine, asked), words)
        self._show_foot()

    def _show_foot(self) -> None:
        """Show the total, or the question."""
        asked = self._asked
        for button in (self._really, self._keep):
            button.setVisible(asked is not None)
        for button in (self._delete, self._close):
            button.setVisible(asked is None)
        self._delete.setEnabled(self._list.currentItem() is not None and not self._deleting)
        if asked is not None:
            name = asked.model or asked.path.name
            self._total.setText(f"Delete {name} ({megabytes(asked.megabytes)})?")
            return
        if self._deleting:
            self._total.setText(f"Deleting {self._deleting}{labels.ELLIPSIS}")
            return
        if self._items is None:
            return
        count = len(self._items)
        size = megabytes(sum(item.megabytes for item in self._items))
        files = f"{labels.whole(count)} file{'s' if count != 1 else ''}"
        self._total.setText(f"{files}, {size} together" if count else "Nothing was downloaded yet")
