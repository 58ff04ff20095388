"""Choose the class to explain: the likeliest, one of the top five, or any by name."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, QStringListModel, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCompleter,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fix_size
from cnnviz_desktop.gui.search_field import SearchField

_LIKELIEST = "Likeliest class"


def is_left(event: QFocusEvent) -> bool:
    """Tell whether a field is left for good, not for a menu or another window, to come back."""
    awhile = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
    return event.type() == QEvent.Type.FocusOut and event.reason() not in awhile


class TargetPicker(QWidget):
    """A search in all labels over the likeliest classes, each one click away (`targetPicker`).

    Signals: `target_changed(int | None)` the class index, None for whichever is likeliest.
    """

    target_changed = Signal(object)

    def __init__(self, nobody: str = _LIKELIEST, parent: QWidget | None = None) -> None:
        """Take what no class at all is called."""
        super().__init__(parent)
        self._nobody = nobody
        self.setObjectName("targetPicker")
        self.setAccessibleName("Class to explain")
        self._prediction: Prediction | None = None
        self._labels: tuple[str, ...] = ()
        self._target: int | None = None
        self._names = QStringListModel(self)
        self._search = self._make_search()
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.idClicked.connect(self._picked)
        self._buttons: list[_ClassButton] = []
        self._look: object = None  # of the rows that are there
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._search)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        column.addLayout(self._rows)
        self.setFocusProxy(self._search)
        self.set_prediction(None)

    def set_prediction(self, prediction: Prediction | None) -> None:
        """Offer the likeliest classes of an answer; the target stays what it is."""
        self._prediction = prediction
        if prediction is not None:
            self.set_labels(prediction.labels)
        self._fill_rows()
        self._show_target()

    def set_labels(self, names: tuple[str, ...]) -> None:
        """Offer a model's classes; a target the model does not have is forgotten."""
        if names == self._labels:
            return
        self._labels = names
        self._search.setPlaceholderText(f"Search {labels.whole(len(names))} classes")
        self._names.setStringList([f"{name}  ·  {index}" for index, name in enumerate(names)])
        if self._target is not None and self._target >= len(names):
            self._target = None
        self._show_target()

    def target(self) -> int | None:
        """Return the class to explain, None for the likeliest."""
        return self._target

    def set_target(self, target: int | None) -> None:
        """Choose a class, without a signal."""
        self._target = target
        self._show_target()

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:  # type: ignore[override]
        """Write the chosen class again when the search is left without a choice."""
        if watched is self._search and isinstance(event, QFocusEvent) and is_left(event):
            self._show_target()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the fonts again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fill_rows()
            self._show_target()
        super().changeEvent(event)

    def _make_search(self) -> SearchField:
        search = SearchField("Search classes", "", self)
        search.setObjectName("targetSearch")
        search.setAccessibleName("Find a class")
        search.setToolTip(
            "The class whose evidence is shown. Type part of any class name or its number; "
            "leave it empty for whichever class is likeliest on each picture."
        )
        completer = QCompleter(self._names, search)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(12)
        completer.activated.connect(self._completed)
        search.setCompleter(completer)
        search.textEdited.connect(self._edited)
        search.returnPressed.connect(self._entered)
        search.installEventFilter(self)
        return search

    def _fill_rows(self) -> None:
        """Make a row for the likeliest class and one for each of the top five."""
        top = self._prediction.top(5) if self._prediction is not None else []
        rows = [(-1, self._nobody, "")]
        rows += [(index, label, labels.percent(share)) for index, label, share in top]
        look = (rows, theme.px(100))
        if look == self._look:
            return  # rows that are there already keep the keyboard
        self._look = look
        held = any(button.hasFocus() for button in self._buttons)
        for button in self._buttons:
            self._group.removeButton(button)
            self._rows.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
        for index, label, share in rows:
            button = _ClassButton(label, share, self)
            self._group.addButton(button, index + 1)  # ids of -1 mean "none" to Qt
            self._rows.addWidget(button)
            button.show()
            self._buttons.append(button)
        if held:
            self._buttons[0].setFocus()

    def _picked(self, number: int) -> None:
        self._choose(None if number == 0 else number - 1)

    def _edited(self, text: str) -> None:
        if not text.strip():
            self._choose(None)

    def _entered(self) -> None:
        """Take what was typed."""
        found = class_called(self._search.text(), self._labels)
        if found is not None:
            self._choose(found)

    def _completed(self, text: str) -> None:
        number = text.rpartition("·")[2].strip()
        if number.isdigit():
            self._choose(int(number))

    def _choose(self, target: int | None) -> None:
        changed = target != self._target
        self._target = target
        self._show_target()
        if changed:
            self.target_changed.emit(target)

    def _show_target(self) -> None:
        """Write the chosen class into the search and check its row."""
        known = self._target is not None and self._target < len(self._labels)
        text = self._labels[self._target] if known and self._target is not None else ""
        with QSignalBlocker(self._search):
            if self._search.text() != text:
                self._search.setText(text)
                self._search.setCursorPosition(0)
        number = 0 if self._target is None else self._target + 1
        self._group.setExclusive(False)
        for button in self._buttons:
            button.setChecked(self._group.id(button) == number)
        self._group.setExclusive(True)


def class_called(text: str, labels: Sequence[str]) -> int | None:
    """Return the class that a person typed: a number, a whole label, or the only one with it."""
    text = text.strip().lower()
    if text.isdecimal() and int(text) < len(labels):
        return int(text)
    exact = [index for index, name in enumerate(labels) if name.lower() == text]
    holding = [index for index, name in enumerate(labels) if text in name.lower()]
    found = exact[:1] or (holding if text and len(holding) == 1 else [])
    return found[0] if found else None


class _ClassButton(QToolButton):
    """One class: its label at the left, its probability at the right."""

    def __init__(self, label: str, share: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._share = share
        self._label = label
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setObjectName("targetChoice")
        self.setAccessibleName(f"{label} {share}".strip())
        likeliest = "Explain each picture's likeliest class" if label == _LIKELIEST else label
        tip = f"Explain “{label}” ({share})" if share else likeliest
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        fix_size(self, height=24)

    def text(self) -> str:
        """Return the label."""
        return self._label

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground as any tool button's, then label and number."""
        super().paintEvent(event)
        painter = QPainter(self)
        now = theme.current()
        painter.setFont(theme.font("secondary"))
        if not self.isEnabled():
            painter.setPen(self.palette().color(self.foregroundRole()))
        else:
            painter.setPen(now.on_selection if self.isChecked() else now.text)
        box = self.rect().adjusted(8, 0, -8, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, self._share)
        metrics = painter.fontMetrics()
        room = box.width() - (metrics.horizontalAdvance(self._share) + 8 if self._share else 0)
        text = metrics.elidedText(self._label, Qt.TextElideMode.ElideRight, room)
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignLeft, text)
