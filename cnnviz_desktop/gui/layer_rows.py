"""Paint the rows of the layer tree: arrow or glyph, name, kind, shape, health."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import (
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QFrame,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.layer_model import (
    HEALTH,
    IS_DEFAULT,
    NODE,
    Health,
    LayerTreeModel,
    kind_family,
)

Index = QModelIndex | QPersistentModelIndex

_INDENT = 12
_MARGIN = 8  # before the first arrow
_SLOT = 16  # an arrow or a glyph
_GAP = 4
_RIGHT = 12
_STRIP = 32
_LEAST = 4  # letters of a kind that is cut: fewer say nothing
_NAME_COLUMN = 20  # short names (0, 1, 2) get this much, so that their kinds stand in a column


@dataclass(frozen=True)
class Columns:
    """Where the columns right of the name lie, in pixels of the tree's viewport."""

    shape_left: int
    shape_right: int
    health_left: int
    health_width: int


def column_widths(view: QTreeView) -> Columns:
    """Return the columns for the layers shown, from font metrics."""
    delegate = view.itemDelegate()
    assert isinstance(delegate, LayerRows)
    # Its room is there before it is known, or the columns would jump.
    strip = theme.px(_STRIP) if delegate.model.root is not None else 0
    # The scroll bar stands in the right margin.
    right = min(view.width() - _RIGHT - 2, view.viewport().width() - 2)
    shape_right = right - (strip + 8 if strip else 0)
    return Columns(shape_right - delegate.shape_width(), shape_right, right - strip, strip)


class LayerView(QTreeView):
    """The tree of layers (`layerTree`); arrows are painted in the rows and clicked there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layerTree")
        self.setAccessibleName("Layers of the model")
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(_INDENT)
        self.setUniformRowHeights(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setExpandsOnDoubleClick(True)
        self.setMouseTracking(True)
        self.setAllColumnsShowFocus(True)
        self.viewport().setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self.viewport().setAutoFillBackground(True)

    def drawBranches(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """Leave the branch column empty: the delegate paints the arrow."""

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the ground of the whole row, then the row."""
        theme_now = theme.current()
        if self.selectionModel().isSelected(index):
            painter.fillRect(option.rect, theme_now.selection)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, theme_now.window)
        super().drawRow(painter, option, index)

    def arrow_rect(self, index: Index) -> QRect:
        """Return where a row's arrow is clicked."""
        row = self.visualRect(index)
        return QRect(row.left(), row.top(), _MARGIN + _SLOT + 2, row.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open or close a block whose arrow was clicked."""
        index = self.indexAt(event.position().toPoint())
        left = event.button() == Qt.MouseButton.LeftButton
        arrow = index.isValid() and self.model().hasChildren(index)
        if left and arrow and self.arrow_rect(index).contains(event.position().toPoint()):
            self.setExpanded(index, not self.isExpanded(index))
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take a double click on an arrow as two clicks."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and self.arrow_rect(index).contains(event.position().toPoint()):
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Take the focus without picking the first row, which would run the engine."""
        if self.currentIndex().isValid():
            super().focusInEvent(event)
        else:
            QAbstractScrollArea.focusInEvent(self, event)
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave Alt and an arrow key to the owner, which steps through convolutions."""
        arrows = (Qt.Key.Key_Up, Qt.Key.Key_Down)
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in arrows:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Repaint whole rows: their ground reaches left of the item."""
        super().selectionChanged(selected, deselected)
        for index in (*selected.indexes(), *deselected.indexes()):
            row = self.visualRect(index)
            self.viewport().update(0, row.top(), self.viewport().width(), row.height())


class LayerRows(QStyledItemDelegate):
    """Paint one row; name and kind are cut where they do not fit."""

    def __init__(self, model: LayerTreeModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.model = model
        self._shapes_of: tuple[LayerNode | None, int] = (None, 0)  # that the width is of
        self._shape_width = 0

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Return a row of 24 px with 13 px text."""
        return QSize(80, max(24, option.fontMetrics.height() + 8))

    def shape_width(self) -> int:
        """Return the width of the longest shape."""
        font = theme.font("secondary")
        root, size = self._shapes_of
        if root is not self.model.root or size != font.pixelSize():
            metrics = QFontMetrics(font)
            texts = {labels.shape(node.output_shape) for node in self.model.nodes()}
            self._shapes_of = (self.model.root, font.pixelSize())
            self._shape_width = max(map(metrics.horizontalAdvance, texts), default=0) + 2
        return self._shape_width

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the row."""
        node = index.data(NODE)
        if not isinstance(node, LayerNode):
            return
        view = self.parent()
        assert isinstance(view, QTreeView)
        columns = column_widths(view)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        palette = option.palette
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        text = palette.color(QPalette.ColorRole.Text)
        if selected:
            text = muted = palette.color(QPalette.ColorRole.HighlightedText)
        elif not _useful(node):
            text = muted
        row = QRect(option.rect)
        left = row.left() + _MARGIN
        painter.save()
        self._paint_slot(
            painter, QRect(left, row.top(), _SLOT, row.height()), index, node, selected
        )
        left += _SLOT + _GAP
        painter.setFont(theme.font("secondary"))
        painter.setPen(muted)
        shape = QRect(columns.shape_left, row.top(), columns.shape_right - columns.shape_left, 0)
        shape.setHeight(row.height())
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(shape, right, labels.shape(node.output_shape))
        taken = painter.fontMetrics().horizontalAdvance(labels.shape(node.output_shape))
        room = QRect(left, row.top(), columns.shape_right - taken - 10 - left, row.height())
        self._paint_names(painter, room, node, text, muted, tagged=bool(index.data(IS_DEFAULT)))
        health = index.data(HEALTH)
        if isinstance(health, Health) and columns.health_width:
            strip = QRectF(columns.health_left, row.center().y() - 2.5, columns.health_width, 6)
            _paint_health(painter, strip, health)
        painter.restore()

    def _paint_slot(
        self, painter: QPainter, slot: QRect, index: Index, node: LayerNode, selected: bool
    ) -> None:
        """Paint the arrow of a block or the glyph of a layer."""
        view = self.parent()
        assert isinstance(view, QTreeView)
        if node.children:
            role = "on_selection" if selected else "muted"
            colour: QColor = getattr(theme.current(), role)
            _paint_arrow(painter, QRectF(slot).center(), view.isExpanded(index), colour)
            return
        family = kind_family(node.kind)
        role = "accent" if family in ("conv", "linear") else "muted"
        if not _useful(node) and family not in ("conv", "linear"):
            role = "outline"
        side = theme.px(12)
        ratio = painter.device().devicePixelRatioF()
        glyph = theme.icon_pixmap(f"kind-{family}", role, side, ratio)
        corner = slot.center() - QRect(0, 0, side, side).center()
        painter.drawPixmap(corner, glyph)

    @staticmethod
    def _paint_names(
        painter: QPainter,
        room: QRect,
        node: LayerNode,
        text: QColor,
        muted: QColor,
        *,
        tagged: bool,
    ) -> None:
        """Paint the name, the "default" tag and the kind, as far as there is room."""
        body, small = theme.font("body"), theme.font("caption")
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        metrics = QFontMetrics(body)
        name = node.label or node.kind
        tag_width = QFontMetrics(small).horizontalAdvance("default") + 8
        name_room = room.width() - (tag_width + 6)
        if not tagged or name_room <= min(metrics.horizontalAdvance(name), theme.px(64)):
            tagged, name_room = False, room.width()
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, max(0, name_room))
        painter.setFont(body)
        painter.setPen(text)
        painter.drawText(room, middle, shown)
        left = room.left() + metrics.horizontalAdvance(shown) + 8
        if tagged:
            height = QFontMetrics(small).height() + 1
            tag = QRectF(left - 2, room.center().y() - height / 2 + 0.5, tag_width, height)
            if tag.right() <= room.right():
                _paint_tag(painter, tag, "default")
            left = round(tag.right()) + 6
        if not node.label or (node.children and node.kind == "Sequential"):
            return
        painter.setFont(body)
        left = max(left, room.left() + theme.px(_NAME_COLUMN))
        rest = QRect(left, room.top(), room.right() - left + 2, room.height())
        kind = metrics.elidedText(node.kind, Qt.TextElideMode.ElideRight, rest.width())
        if kind == node.kind or len(kind) > _LEAST:
            painter.setPen(muted)
            painter.drawText(rest, middle, kind)


def _useful(node: LayerNode) -> bool:
    """Tell whether a layer has maps to look at."""
    return node.calls > 0 and node.has_maps


def _paint_arrow(painter: QPainter, centre: QPointF, is_open: bool, colour: QColor) -> None:
    """Paint a chevron, to the right when closed and down when open."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    line, cap, join = Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    painter.setPen(QPen(colour, 1.5, line, cap, join))
    points = (
        [(-3.5, -1.75), (0, 1.75), (3.5, -1.75)]
        if is_open
        else [(-1.75, -3.5), (1.75, 0), (-1.75, 3.5)]
    )
    painter.drawPolyline(QPolygonF([centre + QPointF(x, y) for x, y in points]))
    painter.restore()


def _paint_tag(painter: QPainter, box: QRectF, text: str) -> None:
    """Paint a word in a small outlined box."""
    now = theme.current()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(now.accent, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
    painter.setFont(theme.font("caption"))
    painter.setPen(now.accent)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def _paint_health(painter: QPainter, strip: QRectF, health: Health) -> None:
    """Paint the shares that fire, stay silent and are dead."""
    now = theme.current()
    painter.fillRect(strip, now.silent)
    fires = min(max(health.fires, 0.0), 1.0) * strip.width()
    painter.fillRect(QRectF(strip.left(), strip.top(), round(fires), strip.height()), now.fires)
    if health.dead > 0:
        width = max(3, round(min(health.dead, 1.0) * strip.width()))
        left = strip.right() - width
        painter.fillRect(QRectF(left, strip.top(), width, strip.height()), now.dead)
