"""Ask for the files that a session or record names and that are not where they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fit_screen, label, named, push_button
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.session_work import (
    LABELS_KEY,
    MODEL_KEY,
    WEIGHTS_KEY,
    Found,
    Gather,
    Lost,
    Search,
)
from cnnviz_desktop.gui.work import Engine
from cnnviz_desktop.model_names import file_in
from cnnviz_desktop.session_places import relocated
from cnnviz_desktop.sessions import SavedModel, SessionState

_KEY = Qt.ItemDataRole.UserRole
_SLOT = "missing files"


class MissingFiles(QObject):
    """Complete a session's files, with the person's help where some are missing.

    Signals: `settled` (`Found`) with what there is; `cancelled` by the person.
    """

    settled = Signal(object)
    cancelled = Signal()

    def __init__(self, jobs: Jobs, engine: Engine, window: QWidget) -> None:
        super().__init__(window)
        self._jobs = jobs
        self._engine = engine
        self._window = window
        self._found: Found | None = None
        self._dialog: MissingDialog | None = None

    def complete(self, found: Found) -> None:
        """Ask for what is missing; where nothing is, there is nothing to ask."""
        if not found.lost:
            self.settled.emit(found)
            return
        if self._dialog is not None:
            self._dialog.reject()
        self._found = found
        dialog = self._dialog = MissingDialog(found.path.name, found.lost, self._window)
        dialog.search_requested.connect(self._search)
        dialog.accepted.connect(self._accepted)
        dialog.rejected.connect(self._rejected)
        dialog.open()

    def _search(self, place: Path) -> None:
        """Look in a folder for what is still missing."""
        if self._found is None or self._dialog is None:
            return
        left = tuple(item for item in self._found.lost if item.key not in self._dialog.places)
        work = Search(self._engine, self._found.state, left, place)
        job = self._jobs.submit(work, f"Looking through {place.name}", _SLOT, Priority.CLICK)
        job.done.connect(self._searched)

    def _searched(self, places: dict[int, Path]) -> None:
        if self._dialog is not None:
            self._dialog.show_found(places)

    def _accepted(self) -> None:
        found, dialog = self._found, self._dialog
        self._found = self._dialog = None
        if found is None or dialog is None:
            return
        self._end_search()
        if not dialog.places:
            self.settled.emit(found)
            return
        state = _moved(found.state, dialog.places)
        present = found.known
        work = Gather(self._engine, state, found.path, present, found.images)
        job = self._jobs.submit(work, f"Opening {found.path.name}", _SLOT, Priority.CLICK)
        job.done.connect(self.settled)
        job.failed.connect(self.cancelled)
        job.cancelled.connect(self.cancelled)

    def _rejected(self) -> None:
        self._found = self._dialog = None
        self._end_search()
        self.cancelled.emit()

    def _end_search(self) -> None:
        """Look no further: the next dialog asks for other files."""
        search = self._jobs.current(_SLOT)
        if search is not None and isinstance(search.work, Search):
            search.supersede()


class MissingDialog(QDialog):
    """The list of missing files. Signals: `search_requested` (folder)."""

    search_requested = Signal(object)

    def __init__(self, name: str, lost: Sequence[Lost], parent: QWidget) -> None:
        super().__init__(parent)
        named(self, "missingDialog", "Files that are not where they were")
        self.setWindowTitle("Files that are not where they were")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.places: dict[int, Path] = {}
        self._lost = tuple(lost)
        count = len(self._lost)
        files = "a file that is" if count == 1 else f"{labels.whole(count)} files that are"
        says = label(
            f"“{name}” names {files} not where it was saved. Say where, or go on without."
            if count == 1
            else f"“{name}” names {files} not where they were saved. Say where, or go on without."
        )
        says.setWordWrap(True)
        self._list = self._make_list()
        self._locate = push_button(
            f"Locate{labels.ELLIPSIS}", "locateFile", "Choose the marked file where it is now"
        )
        self._search = push_button(
            f"Search a folder{labels.ELLIPSIS}",
            "searchFolder",
            "Look through a folder and all below it, by name and by content",
            "search",
        )
        cancel = push_button("Cancel", "cancelMissing", "Open nothing; the window stays as it is")
        self._go_on = push_button("Skip", "skipMissing", "Open what there is")
        self._go_on.setDefault(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._locate)
        row.addWidget(self._search)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self._go_on)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(says)
        column.addWidget(self._list, 1)
        column.addLayout(row)
        fit_screen(self, 600, 320)
        self._locate.clicked.connect(self._choose_file)
        self._search.clicked.connect(self._choose_folder)
        cancel.clicked.connect(self.reject)
        self._go_on.clicked.connect(self.accept)
        self._list.itemDoubleClicked.connect(self._choose_file)
        self._refresh()

    def show_found(self, places: Mapping[int, Path]) -> None:
        """Mark files as found."""
        self.places.update(places)
        self._refresh()

    def _make_list(self) -> QTreeWidget:
        made = QTreeWidget()
        named(made, "missingList", "Missing files")
        made.setRootIsDecorated(False)
        made.setUniformRowHeights(True)
        made.setFrameShape(QFrame.Shape.StyledPanel)
        made.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        made.setHeaderLabels(["File", "Where"])
        made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        made.header().resizeSection(0, theme.px(200))
        for item in self._lost:
            row = QTreeWidgetItem([item.name, ""])
            row.setData(0, _KEY, item.key)
            made.addTopLevelItem(row)
        made.setCurrentIndex(made.model().index(0, 0))
        return made

    def _refresh(self) -> None:
        """Show what is found and what is not."""
        for index, item in enumerate(self._lost):
            row = self._list.topLevelItem(index)
            if row is None:
                continue
            place = self.places.get(item.key)
            was = item.path or "pasted, without a file"
            row.setIcon(0, theme.icon("ok", "ok") if place else theme.icon("warning", "warning"))
            row.setText(1, str(place) if place else f"was {was}")
            row.setToolTip(1, str(place) if place else was)
            state = "found" if place else "missing"
            row.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{item.name}, {state}")
        left = len(self._lost) - len(self.places)
        self._go_on.setText("Open" if not left else f"Skip {left}" if self.places else "Skip")
        set_primary(self._go_on, not left)
        self._locate.setEnabled(bool(left))
        self._search.setEnabled(bool(left))
        if left:
            self._mark_next()

    def _mark_next(self) -> None:
        """Mark the first file that is missing, unless a missing one is marked."""
        current = self._list.currentItem()
        if current is not None and current.data(0, _KEY) not in self.places:
            return
        keys = [item.key for item in self._lost]
        first = next(index for index, key in enumerate(keys) if key not in self.places)
        self._list.setCurrentIndex(self._list.model().index(first, 0))

    def _choose_file(self) -> None:
        """Ask where the marked file is, and look beside it for the others."""
        current = self._list.currentItem()
        if current is None:
            return
        key = current.data(0, _KEY)
        name = next(item.name for item in self._lost if item.key == key)
        chosen, _kind = QFileDialog.getOpenFileName(self, f"Where is {name}?", name)
        if chosen:
            path = Path(chosen)
            self.show_found({key: path})
            if len(self.places) < len(self._lost):
                self.search_requested.emit(path.parent)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Search a folder")
        if chosen:
            self.search_requested.emit(Path(chosen))


def _moved(state: SessionState, places: Mapping[int, Path]) -> SessionState:
    """Return the session with files at other places."""
    pictures = {key: path for key, path in places.items() if key >= 0}
    state = relocated(state, pictures)
    if state.model is None:
        return state
    models = list(state.models)
    models[state.model] = _moved_model(models[state.model], places)
    return replace(state, models=tuple(models))


def _moved_model(model: SavedModel, places: Mapping[int, Path]) -> SavedModel:
    """Return a model with its own files at other places."""
    if WEIGHTS_KEY in places:
        model = replace(model, weights=str(places[WEIGHTS_KEY].absolute()), relative="")
    if MODEL_KEY in places:
        _file, rest = file_in(model.name)
        name = f"{places[MODEL_KEY].absolute()}{rest}"
        model = replace(model, name=name, relative_name="")
    if LABELS_KEY in places:
        said = replace(model.input, labels=str(places[LABELS_KEY].absolute()), relative="")
        model = replace(model, input=said)
    return model
