"""Show the session's pictures as thumbnails, and take more of them."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fix_size
from cnnviz_desktop.gui.drops import DropTarget, paint_dashes
from cnnviz_desktop.gui.qimages import qimage_of

Index = QModelIndex | QPersistentModelIndex

_KEY = Qt.ItemDataRole.UserRole + 1
_THUMB = Qt.ItemDataRole.UserRole + 2
_SIDE = 76  # of a thumbnail
_LEAST = 60  # a thumbnail shrinks to this before a row holds one less
_GAP = 8
_THUMB_PIXELS = 256  # kept of each picture, enough for a screen of scale 3


class ImageStrip(QWidget):
    """Thumbnails in rows (`imageStrip`) over a zone that takes drops (`imageDropZone`).

    Signals: `selected(int)` a thumbnail was picked, by key of the picture; `removed(int)` the
    person took one out; `files_dropped(list[Path])`; `image_dropped(bytes | Pixels)`;
    `refused(str)` a drop held no picture; `open_requested()`; `paste_requested()`.
    """

    selected = Signal(int)
    removed = Signal(int)
    files_dropped = Signal(list)
    image_dropped = Signal(object)
    refused = Signal(str)
    open_requested = Signal()
    paste_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = False
        self._count = QLabel("0", self)
        self._title = QLabel("Images", self)
        self._list = self._make_list()
        self._zone = DropZone(self)
        self._zone.pressed.connect(self.open_requested)
        self._target = DropTarget(self)
        self._target.files_dropped.connect(self.files_dropped)
        self._target.image_dropped.connect(self.image_dropped)
        self._target.refused.connect(self.refused)
        self._lay_out()
        self._refresh()

    def add(self, key: int, name: str, pixels: Pixels, place: int | None = None) -> None:
        """Add a picture at a place or at the end."""
        item = QListWidgetItem(name)
        item.setData(_KEY, key)
        item.setData(_THUMB, _thumbnail(pixels))
        height, width = pixels.shape[:2]
        size = f"{labels.whole(width)} × {labels.whole(height)} pixels"
        item.setToolTip(f"{name}\n{size}\nDelete takes it out of the session; the file stays.")
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name}, {size}")
        was, self._quiet = self._quiet, True
        self._list.insertItem(self._list.count() if place is None else place, item)
        self._quiet = was
        self._refresh()

    def remove(self, key: int) -> None:
        """Take a picture out, without a signal."""
        row = self._row_of(key)
        if row >= 0:
            was, self._quiet = self._quiet, True
            self._list.takeItem(row)
            self._quiet = was
            self._refresh()

    def select(self, key: int) -> None:
        """Mark a picture and bring it into sight, without a signal."""
        row = self._row_of(key)
        was, self._quiet = self._quiet, True
        if row >= 0:
            self._list.setCurrentRow(row)
            self._list.scrollToItem(self._list.item(row))
        else:
            self._list.setCurrentRow(-1, QItemSelectionModel.SelectionFlag.Clear)
        self._quiet = was

    def current(self) -> int | None:
        """Return the marked picture's key."""
        item = self._list.currentItem()
        return None if item is None else int(item.data(_KEY))

    def keys(self) -> list[int]:
        """Return the keys of all pictures in order."""
        return [int(self._list.item(row).data(_KEY)) for row in range(self._list.count())]

    def remove_current(self) -> None:
        """Ask to take the marked picture out."""
        key = self.current()
        if key is not None:
            self.removed.emit(key)

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # type: ignore[override]
        """Take Delete on a thumbnail."""
        if (
            watched is self._list
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        ):
            self.remove_current()
            return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the fonts again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_fonts()
            self._list.share_out()
            self._refresh()
        super().changeEvent(event)

    def _make_list(self) -> _ThumbnailList:
        view = _ThumbnailList(self)
        view.setObjectName("imageStrip")
        view.setAccessibleName("Images of the session")
        view.setViewMode(QListWidget.ViewMode.IconMode)
        view.setMovement(QListWidget.Movement.Static)
        view.setResizeMode(QListWidget.ResizeMode.Adjust)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setSpacing(0)
        view.setUniformItemSizes(True)
        view.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        view.setItemDelegate(_Thumbnails(view))
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setDragDropMode(QListWidget.DragDropMode.NoDragDrop)
        view.viewport().setAutoFillBackground(False)
        view.installEventFilter(self)
        view.currentItemChanged.connect(self._tell)
        view.customContextMenuRequested.connect(self._show_menu)
        return view

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(6)
        head.addWidget(self._title)
        head.addWidget(self._count)
        head.addStretch(1)
        paste = self._button("clipboard", "pasteImage", "Paste a picture or copied files (Ctrl+V)")
        paste.clicked.connect(self.paste_requested)
        add = self._button("plus", "openImages", "Open pictures from disk (Ctrl+O)")
        add.clicked.connect(self.open_requested)
        head.addWidget(paste)
        head.addWidget(add)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 12)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._list, 1)
        column.addWidget(self._zone)
        self._fit_fonts()

    def _button(self, icon: str, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setAutoRaise(True)
        fix_size(button, 24, 24)
        button.setIcon(theme.icon(icon))
        button.setToolTip(tip)
        button.setAccessibleName(tip.partition(" (")[0])
        return button

    def _fit_fonts(self) -> None:
        self._title.setFont(theme.font("strong"))
        self._count.setFont(theme.font("secondary"))
        self._count.setForegroundRole(self._count.palette().ColorRole.PlaceholderText)

    def _row_of(self, key: int) -> int:
        rows = range(self._list.count())
        return next((row for row in rows if self._list.item(row).data(_KEY) == key), -1)

    def _tell(self) -> None:
        key = self.current()
        if not self._quiet and key is not None:
            self.selected.emit(key)

    def _show_menu(self, point: QPoint) -> None:
        item = self._list.itemAt(point)
        if item is None:
            return
        menu = QMenu(self)
        remove = QAction(theme.icon("trash"), "Remove from the session", menu)
        remove.setShortcut(QKeySequence.StandardKey.Delete)
        menu.addAction(remove)
        chosen = menu.exec(self._list.viewport().mapToGlobal(point))
        menu.deleteLater()
        if chosen is remove:
            self.removed.emit(int(item.data(_KEY)))

    def _refresh(self) -> None:
        count = self._list.count()
        self._count.setText(labels.whole(count))
        self._list.setVisible(count > 0)
        self._zone.set_roomy(count == 0)


class DropZone(QWidget):
    """The dashed place that asks for pictures (`imageDropZone`); a click opens the file dialog.

    Signals: `pressed()`.
    """

    pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._roomy = True
        self.setObjectName("imageDropZone")
        self.setAccessibleName("Drop files or a folder, or paste")
        self.setToolTip(
            "Drop pictures here or anywhere in the window: files, whole folders, or a picture "
            "dragged out of a browser. A click opens the file dialog."
        )
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_roomy(self, roomy: bool) -> None:
        """Take all the height there is, or one line below the thumbnails."""
        self._roomy = roomy
        height = theme.px(32)
        self.setMinimumHeight(height)
        self.setMaximumHeight(16777215 if roomy else height)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take a click."""
        inside = self.rect().contains(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and inside:
            self.pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take Space and Enter as a click."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dashes and what to do."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_dashes(painter, QRectF(self.rect()), active=self.hasFocus())
        now = theme.current()
        painter.setFont(theme.font("secondary"))
        painter.setPen(now.text if self.underMouse() else now.muted)
        text = "Drop files or a folder, or paste"
        if self._roomy:
            text = "No images yet.\nDrop files or a folder here."
        elif painter.fontMetrics().horizontalAdvance(text) > self.width() - 12:
            text = "Drop files or paste"
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)


class _ThumbnailList(QListWidget):
    """A list that fills its width with as many thumbnails as fit."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new width out."""
        self.share_out()
        super().resizeEvent(event)

    def share_out(self) -> None:
        """Share the width out, less the scroll bar's."""
        bar = self.verticalScrollBar().sizeHint().width()
        room = self.width() - bar - 1  # a row exactly as wide as the view would wrap
        across = max(1, (room + _GAP) // (theme.px(_LEAST) + _GAP))
        if across > 3:  # a wide dock shows more of them, at their full size
            across = max(3, (room + _GAP) // (theme.px(_SIDE) + _GAP))
        caption = QFontMetrics(theme.font("caption")).height()
        self.setGridSize(QSize(room // across, theme.px(_SIDE) + caption + 8))


class _Thumbnails(QStyledItemDelegate):
    """Paint a thumbnail cropped to a square, its name below, outlined when it is current."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Fill the list's grid."""
        view = self.parent()
        assert isinstance(view, QListWidget)
        return view.gridSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one picture of the strip."""
        now = theme.current()
        side = min(theme.px(_SIDE), option.rect.width() - 6)
        picture = QRect(option.rect.left() + 1, option.rect.top() + 2, side, side)
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        thumb = index.data(_THUMB)
        if isinstance(thumb, QImage):
            _paint_thumbnail(painter, thumb, picture.adjusted(3, 3, -3, -3) if current else picture)
        if current:
            painter.setPen(QPen(now.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(picture))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(now.outline, 1))
            painter.drawRect(QRectF(picture).adjusted(-1.5, -1.5, 1.5, 1.5))
        font = theme.font("caption")
        font.setBold(current)
        painter.setFont(font)
        painter.setPen(now.text if current else now.muted)
        line = QRect(picture.left() - 1, picture.bottom() + 5, side + 2, 0)
        line.setHeight(QFontMetrics(font).height() + 2)
        name = str(index.data(Qt.ItemDataRole.DisplayRole))
        text = QFontMetrics(font).elidedText(name, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)


def _thumbnail(pixels: Pixels) -> QImage:
    """Return the middle square of a picture, small."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    stride = max(1, side // (2 * _THUMB_PIXELS))  # a hundred megapixels must not hold the window up
    square = pixels[top : top + side : stride, left : left + side : stride]
    image = qimage_of(square)
    if side <= _THUMB_PIXELS:
        return image
    smooth = Qt.TransformationMode.SmoothTransformation
    keep = Qt.AspectRatioMode.IgnoreAspectRatio
    return image.scaled(_THUMB_PIXELS, _THUMB_PIXELS, keep, smooth)


def _paint_thumbnail(painter: QPainter, thumb: QImage, box: QRect) -> None:
    ratio = painter.device().devicePixelRatioF()
    side = round(box.width() * ratio)
    scaled = thumb.scaled(
        side,
        side,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap = QPixmap.fromImage(scaled)
    pixmap.setDevicePixelRatio(ratio)
    painter.drawPixmap(box.topLeft(), pixmap)
