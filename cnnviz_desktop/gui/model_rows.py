"""Hold the rows of the list of networks, and paint them: name, facts, whether weights are here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from cnnviz_desktop.engine.catalogue import TIMM, CatalogueEntry, matching
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.model_choice import ModelChoice

Index = QModelIndex | QPersistentModelIndex

ROW = Qt.ItemDataRole.UserRole
RECENT = "Recent files"
NONE = "–"

_MARGIN = 12
_GAP = 12
_SAMPLES = ("Parameters", "Top-1 %", "Download", "torchvision")  # the widest of each column
_ICON = 16
_NO_NAME = re.compile(r"[<>].*|\d{4}|here|timm|torchvision")  # words of a search that name nothing


@dataclass(frozen=True)
class Heading:
    """A row that parts the list and cannot be chosen."""

    title: str
    about: str = ""


Row: TypeAlias = Heading | CatalogueEntry | ModelChoice


class ModelRows(QAbstractListModel):
    """The networks by family, below the files that were opened last; all that a search fits."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[CatalogueEntry, ...] = ()
        self._recent: tuple[ModelChoice, ...] = ()
        self._words = ""
        self._rows: list[Row] = []
        self.count = 0  # networks of the catalogue that are listed
        self.files = 0  # files opened before that are

    def set_entries(self, entries: Sequence[CatalogueEntry]) -> None:
        """List other networks."""
        self._entries = tuple(entries)
        self._arrange()

    def set_recent(self, recent: Sequence[ModelChoice]) -> None:
        """Offer other files, the latest first."""
        self._recent = tuple(recent)
        self._arrange()

    def search(self, words: str) -> None:
        """Show what these words fit, the best first."""
        if words.split() != self._words.split():
            self._words = words
            self._arrange()

    def row(self, index: Index) -> Row | None:
        """Return what a row stands for."""
        return self._rows[index.row()] if index.isValid() else None

    def first(self) -> QModelIndex:
        """Return the first row that can be chosen, an invalid index where there is none."""
        return self.next(-1, 1)

    def next(self, start: int, step: int) -> QModelIndex:
        """Return the next row that can be chosen, going by `step` from a row."""
        place = start + step
        while 0 <= place < len(self._rows):
            if not isinstance(self._rows[place], Heading):
                return self.index(place)
            place += step
        return QModelIndex()

    def find(self, name: str) -> QModelIndex:
        """Return the row of a network of the catalogue."""
        for place, row in enumerate(self._rows):
            if isinstance(row, CatalogueEntry) and row.name == name:
                return self.index(place)
        return QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """Count the rows."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let no heading be chosen."""
        if isinstance(self.row(index), (Heading, type(None))):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the row, its name, or all of it in words."""
        row = self.row(index)
        roles = Qt.ItemDataRole
        if row is None:
            return None
        if role == ROW:
            return row
        if role == roles.DisplayRole:
            return row.title if isinstance(row, (Heading, ModelChoice)) else row.name
        if role == roles.AccessibleTextRole:
            return _spoken(row)
        if role == roles.ToolTipRole:
            return _tip(row)
        return None

    def _arrange(self) -> None:
        """Sort what the search fits into rows."""
        self.beginResetModel()
        found = matching(self._entries, self._words)
        self.count = len(found)
        self._rows = self._recent_rows()
        self.files = max(0, len(self._rows) - 1)  # less their heading
        for title, about, members in _grouped(found, self._words):
            self._rows += [Heading(title, about), *members]
        self.endResetModel()

    def _recent_rows(self) -> list[Row]:
        words = self._words.lower().split()
        fitting = [
            item
            for item in self._recent
            if all(word in f"{item.title} {item.about}".lower() for word in words)
        ]
        return [Heading(RECENT), *fitting] if fitting else []


Group: TypeAlias = tuple[str, str, list[CatalogueEntry]]


def _grouped(entries: Iterable[CatalogueEntry], words: str) -> list[Group]:
    """Return the families as (title, year, members): those that fit best first."""
    families: dict[str, list[CatalogueEntry]] = {}
    for entry in entries:
        families.setdefault(entry.family or entry.name.removeprefix(TIMM), []).append(entry)
    name = next((word for word in words.lower().split() if not _NO_NAME.fullmatch(word)), "")
    ranks = {
        family: min(_rank(entry, name) for entry in members) for family, members in families.items()
    }
    groups = []
    for family in sorted(families, key=lambda item: (ranks[item], item.lower())):
        members = sorted(families[family], key=lambda item: (_rank(item, name), *_by_size(item)))
        year = str(members[0].year) if members[0].year else ""
        groups.append((family, year, members))
    return groups


def _by_size(entry: CatalogueEntry) -> tuple[bool, list[str | int]]:
    """Return what puts resnet18 before resnet101, and torchvision's before timm's."""
    parts = re.split(r"(\d+)", entry.name)
    return entry.name.startswith(TIMM), [int(part) if part.isdigit() else part for part in parts]


def _rank(entry: CatalogueEntry, word: str) -> int:
    """Return how well a name fits a word: the smaller the better."""
    if entry.source == "bundled":
        return -1 if not word else 1
    if not word:
        return 0
    bare = entry.name.removeprefix(TIMM)
    names = (entry.name, bare, *entry.aliases)
    if word in names:
        return 0
    return 1 if any(name.startswith(word) for name in names) else 2


def facts(entry: CatalogueEntry) -> tuple[str, str, str, str]:
    """Return what the columns say: parameters, accuracy, size of the weights, source."""
    return (
        labels.count(entry.parameters) if entry.parameters else NONE,
        f"{entry.accuracy:.1f}" if entry.accuracy is not None else NONE,
        megabytes(entry.megabytes) if entry.published else NONE,
        "CNNviz" if entry.source == "bundled" else entry.source,
    )


def megabytes(size: float) -> str:
    """Return a size that is given in megabytes."""
    if size >= 1000:
        return f"{size / 1000:.2f}{labels.THIN}GB"
    if 0 < size < 0.05:  # little, but not nothing
        return f"{max(1, round(size * 1000))}{labels.THIN}kB"
    digits = 1 if size < 10 else 0
    return f"{size:.{digits}f}{labels.THIN}MB"


def _spoken(row: Row) -> str:
    """Return a row in words, for those who hear it."""
    if isinstance(row, Heading):
        return " ".join((row.title, row.about)).strip()
    if isinstance(row, ModelChoice):
        return f"{row.title} {row.about}".strip()
    parameters, accuracy, size, source = facts(row)
    parts = [row.name, f"{parameters} parameters"]
    parts += [f"top-1 {accuracy} per cent"] if row.accuracy is not None else []
    parts += [size] if row.published else ["no published weights"]
    return ", ".join((*parts, source, "on this machine" if row.here else "not on this machine"))


def _tip(row: Row) -> str:
    if isinstance(row, Heading):
        return ""
    if isinstance(row, ModelChoice):
        return f"{row.file}\n{row.about}".strip()
    if not row.published:
        return f"{row.name}\nNo weights are published: random ones or a file of your own"
    _parameters, _accuracy, size, _source = facts(row)
    also = f"\nalso called {', '.join(row.aliases)}" if row.aliases else ""
    here = "Its weights are on this machine" if row.here else f"Downloads {size} once"
    return f"{row.name}\n{here}{also}"


@dataclass(frozen=True)
class Columns:
    """Where the columns lie, in pixels: the right edges of the facts, and the icon."""

    rights: tuple[int, ...]
    icon: int
    name_end: int


def columns_in(width: int) -> Columns:
    """Return the columns of a list of that width."""
    metrics = QFontMetrics(theme.font("caption"))
    icon = width - theme.px(_MARGIN) - theme.px(_ICON)
    right = icon - theme.px(_GAP)
    rights = []
    for sample in reversed(_SAMPLES):
        rights.append(right)
        right -= metrics.horizontalAdvance(sample) + theme.px(_GAP)
    return Columns(tuple(reversed(rights)), icon, right)


class RowPainter(QStyledItemDelegate):
    """Paint one row in columns."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Return a row of 26 px with 13 px text: all alike, or a thousand would be measured."""
        return QSize(80, max(theme.px(26), option.fontMetrics.height() + 8))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the row."""
        row = index.data(ROW)
        painter.save()
        if isinstance(row, Heading):
            _paint_heading(painter, option, row)
        else:
            chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            now = theme.current()
            if chosen:
                painter.fillRect(option.rect, now.selection)
            elif option.state & QStyle.StateFlag.State_MouseOver:
                painter.fillRect(option.rect, now.panel)
            text = now.on_selection if chosen else now.text
            muted = now.on_selection if chosen else now.muted
            if isinstance(row, ModelChoice):
                _paint_file(painter, option.rect, row, text, muted)
            else:
                _paint_entry(painter, option.rect, row, text, muted)
        painter.restore()


def paint_head(painter: QPainter, box: QRect) -> None:
    """Paint what the columns are called."""
    columns = columns_in(box.width())
    painter.setFont(theme.font("caption"))
    painter.setPen(theme.current().muted)
    left = box.adjusted(theme.px(_MARGIN), 0, 0, 0)
    painter.drawText(left, _LEFT, "Network")
    for right, words in zip(
        columns.rights, ("Parameters", "Top-1 %", "Download", "From"), strict=True
    ):
        painter.drawText(QRect(0, box.top(), right, box.height()), _RIGHT, words)


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _paint_heading(painter: QPainter, option: QStyleOptionViewItem, row: Heading) -> None:
    box = option.rect.adjusted(theme.px(_MARGIN), theme.px(2), 0, 0)
    painter.setFont(theme.font("strong"))
    painter.setPen(option.palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Text))
    painter.drawText(box, _LEFT, row.title)
    taken = painter.fontMetrics().horizontalAdvance(row.title)
    painter.setFont(theme.font("caption"))
    painter.setPen(theme.current().muted)
    painter.drawText(box.adjusted(taken + 8, 0, 0, 0), _LEFT, row.about)


def _paint_entry(
    painter: QPainter, box: QRect, row: CatalogueEntry, text: QColor, muted: QColor
) -> None:
    columns = columns_in(box.width())
    left = box.left() + theme.px(_MARGIN) * 2
    painter.setFont(theme.font("body"))
    painter.setPen(text)
    name = row.name.removeprefix(TIMM)
    if row.aliases:
        name = f"{name}  ({', '.join(row.aliases)})"
    room = QRect(left, box.top(), columns.name_end - left, box.height())
    _draw(painter, room, name)
    painter.setFont(theme.font("secondary"))
    painter.setPen(muted)
    for right, words in zip(columns.rights, facts(row), strict=True):
        painter.drawText(QRect(0, box.top(), right, box.height()), _RIGHT, words)
    if row.published:
        side = theme.px(14)
        icon, role = ("check", "ok") if row.here else ("drop", "muted")
        role = role if text != theme.current().on_selection else "on_selection"
        ratio = painter.device().devicePixelRatioF()
        top = box.center().y() - side // 2
        painter.drawPixmap(columns.icon, top, theme.icon_pixmap(icon, role, side, ratio))


def _paint_file(
    painter: QPainter, box: QRect, row: ModelChoice, text: QColor, muted: QColor
) -> None:
    left = box.left() + theme.px(_MARGIN) * 2
    half = box.width() * 3 // 5
    painter.setFont(theme.font("body"))
    painter.setPen(text)
    _draw(painter, QRect(left, box.top(), half - left, box.height()), row.title)
    painter.setFont(theme.font("secondary"))
    painter.setPen(muted)
    room = QRect(half + 8, box.top(), box.right() - theme.px(_MARGIN) - half - 8, box.height())
    folder = str(row.file.parent) if row.file is not None else ""
    _draw(painter, room, row.about or folder, _RIGHT)


def _draw(painter: QPainter, room: QRect, words: str, align: Qt.AlignmentFlag = _LEFT) -> None:
    mode = Qt.TextElideMode.ElideMiddle
    painter.drawText(room, align, painter.fontMetrics().elidedText(words, mode, room.width()))
