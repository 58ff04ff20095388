"""Paint at the head of each network's column its name, what it costs and what it answers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cnnviz_desktop.data import Compared
from cnnviz_desktop.figures.evaluation_table import SHARES
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.compared_columns import columns
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.labels import DOT, THIN
from cnnviz_desktop.gui.model_check_list import said_of

_CLASSES = 5
_TOP = 10
_LEFT, _RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class ComparedHead(QWidget):
    """A column a network, those that are still to come by name. It says nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "comparedHead", "The networks")
        self._models: tuple[Compared, ...] = ()
        self._measures: tuple[str, ...] = ()
        self._coming: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_models(
        self,
        models: tuple[Compared, ...],
        measures: tuple[str, ...],
        coming: Sequence[str] = (),
    ) -> None:
        """Show other networks; `coming` name those that are not there yet."""
        self._models, self._measures, self._coming = models, measures, tuple(coming)
        said = (", ".join(self._told(item)) for item in models)
        self.setAccessibleDescription("; ".join(said))
        self.updateGeometry()
        self.update()

    def count(self) -> int:
        """Return how many columns there are."""
        return len(self._models) + len(self._coming)

    def sizeHint(self) -> QSize:
        """Ask for all lines."""
        rows = max((len(_answer(item)) or 1 for item in self._models), default=_CLASSES)
        lines = 3 + self._has_about() + len(self._measures)
        high = _TOP + theme.px(22) + theme.px(17) * lines + 6 + theme.px(20) * rows + 4
        return QSize(320, high)

    def minimumSizeHint(self) -> QSize:
        """Ask for all lines, however narrow."""
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the columns."""
        painter = QPainter(self)
        places = columns(self.width(), self.count())
        for place, (left, wide) in enumerate(places):
            if place < len(self._models):
                self._paint_column(painter, self._models[place], left, wide)
            else:
                later = place - len(self._models)
                name = self._coming[later]
                self._paint_coming(painter, name, left, wide, first=later == 0)

    def event(self, event: QEvent) -> bool:
        """Tell in a tooltip all that is said of the network under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            for item, (left, wide) in zip(
                self._models, columns(self.width(), self.count()), strict=False
            ):
                if left <= event.pos().x() < left + wide:
                    QToolTip.showText(event.globalPos(), "\n".join(self._told(item)), self)
                    return True
            QToolTip.hideText()
            return True
        return super().event(event)

    def _told(self, item: Compared) -> tuple[str, ...]:
        """Return all that is said of a network."""
        return (item.model, *costs(item), *_answer(item), *_scores(item, self._measures))

    def _has_about(self) -> bool:
        """Tell whether a line is needed for what tells networks of one name apart."""
        return any(item.about for item in self._models)

    def _paint_column(self, painter: QPainter, item: Compared, left: int, wide: int) -> None:
        now, y = theme.current(), _TOP
        self._line(painter, item.name, QRect(left, y, wide, theme.px(22)), "strong", now.text)
        y += theme.px(22)
        about = (item.about,) if self._has_about() else ()
        for words in (*about, *costs(item), *_scores(item, self._measures)):
            box = QRect(left, y, wide, theme.px(17))
            self._line(painter, words, box, "caption", now.muted)
            y += theme.px(17)
        y += 6
        if item.prediction is None:
            box = QRect(left, y, wide, theme.px(20))
            self._line(painter, "No classifier", box, "secondary", now.muted)
            return
        for row, (_index, label, share) in enumerate(item.prediction.top(_CLASSES)):
            box = QRect(left, y, wide, theme.px(20))
            self._paint_bar(painter, box, label, share, first=row == 0)
            y += theme.px(20)

    def _paint_bar(
        self, painter: QPainter, box: QRect, label: str, share: float, *, first: bool
    ) -> None:
        """Paint a class, its probability, and the bar below both."""
        now = theme.current()
        role: theme.FontRole = "strong" if first else "secondary"
        painter.setFont(theme.font("secondary"))
        said = labels.percent(share)
        number = painter.fontMetrics().horizontalAdvance(said)
        painter.setPen(now.text)
        painter.drawText(box, _RIGHT | _MIDDLE, said)
        room = box.adjusted(0, 0, -number - 8, 0)
        self._line(painter, label, room, role, now.text)
        track = QRectF(box.left(), box.bottom() - 1.5, box.width(), 2.5)
        painter.fillRect(track, now.border)
        if share > 0:
            track.setWidth(max(1.0, share * box.width()))
            painter.fillRect(track, now.accent)

    def _paint_coming(
        self, painter: QPainter, name: str, left: int, wide: int, *, first: bool
    ) -> None:
        now = theme.current()
        box = QRect(left, _TOP, wide, theme.px(22))
        self._line(painter, said_of(name), box, "strong", now.muted)
        below = box.translated(0, theme.px(22))
        said = "Comes next" if first else "Waits"
        self._line(painter, said, below, "caption", now.muted)

    @staticmethod
    def _line(
        painter: QPainter, words: str, box: QRect, role: theme.FontRole, colour: QColor
    ) -> None:
        """Write a line, cut in its middle where it is too long."""
        painter.setFont(theme.font(role))
        painter.setPen(colour)
        fitting = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, box.width())
        painter.drawText(box, _LEFT | _MIDDLE, fitting)


def costs(item: Compared) -> tuple[str, ...]:
    """Say what a network costs: its size, its work, its time and memory."""
    time = f"{labels.value(1000 * item.seconds)}{THIN}ms {DOT} "
    timed = "" if math.isnan(item.seconds) else time
    return (
        f"{labels.count(item.parameters)} parameters",
        f"{labels.count(item.multiply_adds)} multiply-adds",
        f"{timed}{item.memory / 1e6:,.0f}{THIN}MB".replace(",", THIN),
    )


def _answer(item: Compared) -> tuple[str, ...]:
    top = item.prediction.top(_CLASSES) if item.prediction is not None else []
    return tuple(f"{label} {labels.percent(share)}" for _index, label, share in top)


def _scores(item: Compared, measures: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{name} {labels.percent(score) if name in SHARES else labels.value(score)}"
        for name, score in zip(measures, item.scores, strict=True)
    )
