"""Show what a folder is: how many pictures of which classes, and let a person say otherwise."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QRect, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import DatasetFacts
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Ground, Line, icon_button, label, named, push_button
from cnnviz_desktop.gui.dataset_rows import RowCanvas
from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.result_view import middle
from cnnviz_desktop.gui.target_picker import class_called, is_left

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_COUNTS = 84  # pixels of the column of numbers
_HOW = 148
_NOBODY = "No class: left out"
_HOW_SAID = {
    "WordNet's number": "by WordNet's number",
    "name": "by its name",
    "index": "by its number",
    "order": "by its place",
    "said": "as you said",
}


class ClassTable(RowCanvas):
    """A row a folder: its pictures, the network's class it stands for, and by what that is told.

    The picker (`classPicker`) lies over the class of the marked row. Signals: `said` (row, class
    index or None).
    """

    said = Signal(int, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("folderClasses", "Folders and the classes they stand for", parent=parent)
        self._facts: DatasetFacts | None = None
        self._labels: tuple[str, ...] = ()
        self.picker = QComboBox(self.viewport())
        self._typed = QLineEdit()
        self.picker.setEditable(True)
        self.picker.setLineEdit(self._typed)
        self.picker.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.picker.setMaxVisibleItems(20)
        self.picker.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        named(
            self.picker,
            "classPicker",
            "Class of this folder",
            "Type part of a class's name or its number",
        )
        completer = QCompleter(self.picker.model(), self.picker)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(12)
        self.picker.setCompleter(completer)
        self.picker.hide()
        self.picker.activated.connect(self._chose)
        self._typed.returnPressed.connect(self._entered)
        self.picker.installEventFilter(self)
        self.picked.connect(self._place_picker)
        self.opened.connect(self._edit)

    def show_facts(self, facts: DatasetFacts | None, names: tuple[str, ...]) -> None:
        """Show a folder's classes and offer those of a network."""
        if names != self._labels:
            self._labels = names
            with QSignalBlocker(self.picker):
                self.picker.clear()
                self.picker.addItem(_NOBODY, -1)
                for index, name in enumerate(names):
                    self.picker.addItem(f"{name}  {labels.DOT}  {index}", index)
        same = facts is not None and self._facts is not None and facts.place == self._facts.place
        self._facts = facts
        if not same:
            self.select(-1)
        self.set_count(len(facts.classes) if facts is not None else 0)
        self._place_picker()

    def row_height(self) -> int:
        """Return the height of a row, which has room for the picker."""
        return theme.px(30)

    def paint_head(self, painter: QPainter, box: QRect) -> None:
        """Name the columns."""
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().muted)
        heads = ("Folder", "Pictures", "Class of the network", "Told")
        for part, (words, room) in enumerate(zip(heads, self._columns(box), strict=True)):
            painter.drawText(room, _RIGHT if part == 1 else _LEFT, words)

    def paint_row(self, painter: QPainter, row: int, box: QRect) -> None:
        """Paint a folder."""
        facts = self._facts
        if facts is None:
            return
        now, chosen = theme.current(), row == self._selected
        index = facts.indices[row]
        cells = (
            facts.classes[row],
            labels.whole(facts.counts[row]),
            _NOBODY if index is None else self._name(index),
            _HOW_SAID.get(facts.how[row], "" if facts.how[row] else "not recognised"),
        )
        painter.setFont(theme.font("body"))
        metrics = painter.fontMetrics()
        for part, (words, room) in enumerate(zip(cells, self._columns(box), strict=True)):
            missing = index is None and part >= 2
            muted = now.warning if missing else now.muted if part == 3 else now.text
            painter.setPen(now.on_selection if chosen else muted)
            text = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, room.width())
            painter.drawText(room, _RIGHT if part == 1 else _LEFT, text)
        painter.fillRect(0, box.bottom(), box.width(), 1, now.border)

    def told(self, row: int, _point: object) -> str:
        """Say how to change it."""
        assert self._facts is not None
        return f"{self._facts.classes[row]}: click to say which class it is."

    def resizeEvent(self, event: object) -> None:
        """Keep the picker over its row."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._place_picker()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Keep the picker over its row."""
        super().scrollContentsBy(dx, dy)
        self._place_picker()

    def _name(self, index: int) -> str:
        return self._labels[index] if index < len(self._labels) else str(index)

    def _columns(self, box: QRect) -> tuple[QRect, QRect, QRect, QRect]:
        counts, how = theme.px(_COUNTS), theme.px(_HOW)
        words = max(60, (box.width() - counts - how - 32 - 48) // 2)
        lefts = [16, 16 + words, 16 + words + counts + 24, 16 + 2 * words + counts + 48]
        widths = [words, counts, words, how]
        return tuple(  # type: ignore[return-value]
            QRect(left, box.top(), wide, box.height())
            for left, wide in zip(lefts, widths, strict=True)
        )

    def _place_picker(self, *_row: int) -> None:
        facts, row = self._facts, self._selected
        box = self.row_rect(row)
        beneath = box.top() < self.head_height() - 4
        if facts is None or not 0 <= row < len(facts.classes) or beneath:
            self.picker.hide()
            return
        room = self._columns(box)[2].adjusted(-8, 2, 8, -3)
        self.picker.setGeometry(room)
        index = facts.indices[row]
        with QSignalBlocker(self.picker):
            self.picker.setCurrentIndex(0 if index is None else index + 1)
        self.picker.show()

    def _edit(self, _row: int) -> None:
        self.picker.setFocus()
        self._typed.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Write the class of the row again where the field is left without a choice."""
        if watched is self.picker and isinstance(event, QFocusEvent) and is_left(event):
            self._place_picker()
        return super().eventFilter(watched, event)

    def _entered(self) -> None:
        """Take the class that was typed, or part of its name."""
        index = class_called(self._typed.text(), self._labels)
        if index is not None:
            self.picker.setCurrentIndex(index + 1)
            self._chose(index + 1)

    def _chose(self, place: int) -> None:
        if self._facts is not None and 0 <= self._selected < len(self._facts.classes):
            data = self.picker.itemData(place)
            self.said.emit(self._selected, None if data == -1 else data)


class BrokenList(RowCanvas):
    """The files that cannot be read, and why (`brokenFiles`)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("brokenFiles", "Files that cannot be read", parent=parent)
        self._files: tuple[tuple[str, str], ...] = ()

    def show_files(self, files: tuple[tuple[str, str], ...]) -> None:
        """List files with the reason of each."""
        self._files = files
        self.set_count(len(files))

    def paint_head(self, painter: QPainter, box: QRect) -> None:
        """Say how many there are."""
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().warning)
        count = len(self._files)
        words = "file cannot be read and is skipped" if count == 1 else ""
        words = words or "files cannot be read and are skipped"
        painter.drawText(box.adjusted(16, 0, -16, 0), _LEFT, f"{labels.whole(count)} {words}")

    def paint_row(self, painter: QPainter, row: int, box: QRect) -> None:
        """Write a file's name and what is wrong with it."""
        now, (name, why) = theme.current(), self._files[row]
        painter.setFont(theme.font("secondary"))
        metrics = painter.fontMetrics()
        half = (box.width() - 48) // 3
        painter.setPen(now.on_selection if row == self._selected else now.text)
        cut = Qt.TextElideMode.ElideMiddle
        room = QRect(16, box.top(), half, box.height())
        painter.drawText(room, _LEFT, metrics.elidedText(name, cut, half))
        painter.setPen(now.on_selection if row == self._selected else now.muted)
        room = QRect(32 + half, box.top(), 2 * half, box.height())
        cut = Qt.TextElideMode.ElideRight
        painter.drawText(room, _LEFT, metrics.elidedText(why, cut, 2 * half))

    def told(self, row: int, _point: object) -> str:
        """Say it whole."""
        return "\n".join(self._files[row])


class FolderPage(QWidget):
    """The folder's name and size, its classes, and the files that are broken.

    Signals: `chosen` (path) another folder or list; `said` ({folder: class index or None}) which
    class folders are where the guess is wrong.
    """

    chosen = Signal(str)
    said = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: DatasetFacts | None = None
        self.table = ClassTable()
        self.broken = BrokenList()
        self._nothing = EmptyState("No folder was looked at yet.", "It waits for the model.")
        self._name = labels.ElidedLabel(role="title")
        named(self._name, "folderName", "Folder")
        self._about = labels.ElidedLabel(role="secondary", muted=True)
        named(self._about, "folderAbout", "What the folder holds")
        self._notes = label("", "secondary", muted=True)
        self._notes.setWordWrap(True)
        named(self._notes, "folderNotes", "About the folder")
        self.browse = push_button(
            f"Choose folder{labels.ELLIPSIS}",
            "chooseFolder",
            "A folder with a folder for each class, or of pictures alone; drop one here as well",
            "folder",
        )
        self.recent = push_button("Recent", "recentFolders", "Folders that were looked at before")
        self._recent = QMenu(self)
        self._recent.setToolTipsVisible(True)
        self.recent.setMenu(self._recent)
        self.again = icon_button(
            "reload", "guessClasses", "Guess again", "Forget what was said of the classes"
        )
        self._lay_out()
        self.browse.clicked.connect(self._browse)
        self._recent.triggered.connect(self._chose_recent)
        self.again.clicked.connect(self._guess)
        self.table.said.connect(self._said)
        self.setFocusProxy(self.table)

    def show_facts(
        self, facts: DatasetFacts | None, names: tuple[str, ...] | None, problem: str = ""
    ) -> None:
        """Show a folder, or why there is none to show; `names` are None without a network."""
        self._facts = facts
        self.table.show_facts(facts, names or ())
        classes = facts is not None and bool(facts.classes)
        self.table.setVisible(classes)
        self.again.setVisible(facts is not None and facts.indices != facts.guessed)
        broken = facts.broken if facts is not None else ()
        self.broken.show_files(broken)
        self.broken.setVisible(bool(broken))
        self.broken.setMaximumHeight(theme.px(24) + theme.px(22) * min(8, len(broken)) + 2)
        self._nothing.setVisible(not classes)
        self._notes.setVisible(facts is not None and bool(facts.notes))
        if facts is None:
            self._name.setText("Pictures")
            self._about.setText("")
            step = "Choose another folder, or check the path at the right."
            waits = "It waits for the model." if names is None else "Looking at the folder…"
            self._nothing.set_text(problem or waits, step if problem else "")
            return
        self._name.setText(facts.title)
        self._about.setText(self._told(facts))
        self._notes.setText("\n".join(facts.notes))
        self._nothing.set_text(
            "These pictures have no classes.",
            "Exemplars can be found all the same: choose that method and press Run (F5). To see "
            "which classes channels stand for and to evaluate, put the pictures into a folder for "
            "each class.",
        )

    def set_recent(self, paths: list[str]) -> None:
        """Offer folders that were looked at before."""
        self._recent.clear()
        generated = self._recent.addAction("Generated pictures")
        generated.setData("")
        self._recent.addSeparator()
        for path in paths:
            action = self._recent.addAction(Path(path).name.replace("&", "&&"))
            action.setData(path)
            action.setToolTip(path)

    def _told(self, facts: DatasetFacts) -> str:
        """Say what a folder holds."""
        pictures = labels.many(facts.images, "picture")
        count = len(facts.classes)
        classes = f"{labels.whole(count)} class{'es' if count != 1 else ''}" if count else ""
        unknown = sum(index is None for index in facts.indices)
        known = f"{count - unknown} known to the network" if unknown else ""
        broken = f"{labels.whole(len(facts.broken))} broken" if facts.broken else ""
        return middle(pictures, classes, known, broken)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 16, 10)
        head.setSpacing(8)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._name)
        words.addWidget(self._about)
        head.addLayout(words, 1)
        for button in (self.again, self.recent, self.browse):
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            head.addWidget(button)
        ground = Ground(QPalette.ColorRole.Base)
        column = QVBoxLayout(ground)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        self._notes.setContentsMargins(16, 0, 16, 8)
        column.addWidget(self._notes)
        column.addWidget(Line())
        column.addWidget(self.table, 1)
        column.addWidget(self._nothing, 1)
        column.addWidget(self.broken)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(ground)

    def _browse(self) -> None:
        known = self._facts is not None and self._facts.kind != "generated"
        start = self._facts.source if known and self._facts is not None else str(Path.home())
        chosen = QFileDialog.getExistingDirectory(self, "Choose a folder of pictures", start)
        if chosen:
            self.chosen.emit(chosen)

    def _chose_recent(self, action: object) -> None:
        data = getattr(action, "data", str)()
        if isinstance(data, str):
            self.chosen.emit(data)

    def _said(self, row: int, index: int | None) -> None:
        facts = self._facts
        if facts is not None and facts.indices[row] != index:
            now = [*facts.indices]
            now[row] = index
            self.said.emit(_differing(facts, now))

    def _guess(self) -> None:
        self.said.emit({})


def _differing(facts: DatasetFacts, indices: list[int | None]) -> dict[str, int | None]:
    """Return of which folders the class is not the guessed one."""
    every = zip(facts.classes, indices, facts.guessed, strict=True)
    return {folder: index for folder, index, guess in every if index != guess}
