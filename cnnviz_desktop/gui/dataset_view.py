"""Show what a folder of pictures says of the network: what excites its channels, how well it does.

The pages are those of the method that is chosen; the first is always what the folder is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QStackedWidget, QWidget

from cnnviz_desktop.data import DatasetFacts, Evaluations, Exemplars
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import Segments
from cnnviz_desktop.gui.dataset_folder import FolderPage
from cnnviz_desktop.gui.dataset_opening import DatasetOpening
from cnnviz_desktop.gui.dataset_source import DatasetSource, place_of, replaced
from cnnviz_desktop.gui.evaluation_page import ConfusionPage, NumbersPage
from cnnviz_desktop.gui.exemplar_page import ExemplarPages
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import DATASET, Session

if TYPE_CHECKING:
    from cnnviz_desktop.gui.work import Answer

FOLDER, CHANNELS, CLASSES, NUMBERS, CONFUSION = (
    "folder",
    "channels",
    "classes",
    "numbers",
    "confusion",
)
_PAGES = (
    (FOLDER, "Folder", "What the folder holds, and which class each of its folders is"),
    (CHANNELS, "Channels", "The pictures that excite each channel the most"),
    (CLASSES, "Classes", "Which classes the channels answer to, and two classes compared"),
    (NUMBERS, "Numbers", "How often the network is right, of which classes, and how sure"),
    (CONFUSION, "Confusion", "Which classes are taken for which; a cell shows its pictures"),
)
_OF_EXEMPLARS, _OF_EVALUATION = (CHANNELS, CLASSES), (NUMBERS, CONFUSION)


class DatasetView(ResultView):
    """The pages and the bar that turns them.

    Signals: `used` (path) a folder was chosen or run over; `refused` (a sentence);
    `card_wanted` (`Unit`); `save_requested` (image, name).
    """

    used = Signal(str)
    refused = Signal(str)
    card_wanted = Signal(object)
    save_requested = Signal(QImage, str)

    tab = DATASET
    needs_image = False
    draws: ClassVar[tuple[type, ...]] = (Exemplars, Evaluations)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.source = DatasetSource(session, self)
        self._opening = DatasetOpening(session, self)
        self.pages = Segments(_PAGES, "datasetPages", "What the tab shows")
        self.bar.addWidget(self.pages)
        self.folder = FolderPage()
        self.exemplars = ExemplarPages(session, self.source, self._opening, self.bar)
        self.numbers = NumbersPage()
        self.confusion = ConfusionPage(session)
        self._stack_of = QStackedWidget()
        self._shown: dict[str, QWidget] = {
            FOLDER: self.folder,
            CHANNELS: self.exemplars.channels,
            CLASSES: self.exemplars.classes,
            NUMBERS: self.numbers,
            CONFUSION: self.confusion,
        }
        for page in self._shown.values():
            self._stack_of.addWidget(page)
        self.canvas.addWidget(self._stack_of, 1)
        self.controls = {"page": self.pages}
        self._page = FOLDER
        self._turned = False  # whether the person chose the page
        self._connect(session)
        self._offer_pages()

    def _connect(self, session: Session) -> None:
        self.pages.picked.connect(self._picked_page)
        self.folder.chosen.connect(self.open_folder)
        self.folder.said.connect(self.source.say_classes)
        self.source.described.connect(self._described)
        self.source.known.connect(self._known)
        self.exemplars.card_wanted.connect(self.card_wanted)
        self.exemplars.save_requested.connect(self.save_requested)
        self.exemplars.retitled.connect(self.retitled)
        self.numbers.class_picked.connect(self._show_class)
        self.confusion.picture_chosen.connect(self._opening.open)
        self.confusion.pictures.save_requested.connect(self.save_requested)
        for part in (self.source, self._opening, self.exemplars):
            part.refused.connect(self.refused)
        session.technique_changed.connect(self._changed)
        session.models.changed.connect(self._other_model)
        session.requested.connect(self._requested)

    def open_folder(self, path: str | Path) -> None:
        """Look at another folder or list; "" is the generator."""
        technique = self.session.techniques[DATASET]
        folder = str(path) or None
        if folder is not None:
            self.used.emit(folder)
        self._turned = False
        self.session.set_technique(DATASET, replaced(technique, folder=folder))
        self._turn(FOLDER)

    def page(self) -> str:
        """Return the page in view."""
        return self._page

    def show_answer(self, answer: Answer) -> None:
        """Show a result."""
        found = answer.result
        if isinstance(found, Evaluations):
            self.numbers.show_evaluations(found)
            self.confusion.show_evaluations(found, self._facts_of(answer))
        self._offer_pages()
        if self._page not in self._offered() or (self._page == FOLDER and not self._turned):
            self._turn(self._usual())

    def forget(self) -> None:
        """Show no result."""
        self._turned = False
        self._turn(FOLDER)

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Turn to the page that a session kept."""
        super().set_view_settings(values)
        self.exemplars.set_view_settings(values)
        self._turn(self.pages.value())

    def view_settings(self) -> dict[str, Any]:
        """Return the page and how the rows are shown."""
        return {**super().view_settings(), **self.exemplars.view_settings()}

    def title(self) -> tuple[str, str]:
        """Return the folder or the layer, and what is shown of it."""
        facts = self.source.facts
        if facts is None:
            return self.tab, self.source.problem
        answer = self.answer()
        if self._page in _OF_EXEMPLARS:
            return self.exemplars.title()
        found = answer.result if answer is not None else None
        if self._page in _OF_EVALUATION and isinstance(found, Evaluations):
            shares = ", ".join(labels.percent(item.top1) for item in found.models)
            right = f"top-1 {shares}"
            names = ", ".join(item.model for item in found.models)
            return f"Evaluation on {found.title}", middle(names, right)
        return facts.title, middle(f"{labels.whole(facts.images)} pictures")

    def picture(self) -> QImage | None:
        """Return the page as it is on screen."""
        return self._shown[self._page].grab().toImage()

    def can_export(self) -> bool:
        """Tell whether what is in view is a result: neither what the folder holds nor rows of
        another layer or folder than the result's are one.
        """
        answer, wanted = self.answer(), self.session.techniques[DATASET]
        if self._page == FOLDER or answer is None or type(answer.technique) is not type(wanted):
            return False
        found = answer.result
        if isinstance(found, Exemplars):
            place = place_of(answer.technique.values())
            now = (self.session.layer(DATASET), place_of(wanted.values()))
            if (found.layer, place) != now:
                return False
        return super().can_export()

    def take_keyboard(self) -> None:
        """Give the keyboard to the page."""
        self._shown[self._page].setFocus()

    # --------------------------------------------------------------------------------------- pages

    def _offered(self) -> tuple[str, ...]:
        """Return the pages of the method that is chosen."""
        technique = self.session.techniques.get(DATASET)
        evaluates = technique is not None and "layer" not in technique.values()
        if not evaluates:
            labelled = self.exemplars.is_labelled()
            return (FOLDER, CHANNELS, CLASSES) if labelled else (FOLDER, CHANNELS)
        answer = self.answer()
        known = answer is not None and isinstance(answer.result, Evaluations)
        return (FOLDER, *_OF_EVALUATION) if known else (FOLDER,)

    def _usual(self) -> str:
        """Return the page that says most."""
        offered = self._offered()
        return offered[1] if len(offered) > 1 else FOLDER

    def _offer_pages(self) -> None:
        offered = self._offered()
        for name, _words, _tip in _PAGES:
            self.pages.show_option(name, name in offered)
        self.exemplars.show_bar(shown=self._page in _OF_EXEMPLARS, pictured=self._page == CHANNELS)

    def _turn(self, page: str) -> None:
        offered = self._offered()
        self._page = page if page in offered else FOLDER
        self.pages.set_value(self._page)
        self._stack_of.setCurrentWidget(self._shown[self._page])
        self._offer_pages()
        self.retitled.emit()

    def _picked_page(self, page: str) -> None:
        self._turned = True
        self._turn(page)

    # ------------------------------------------------------------------------------------- changes

    def _described(self) -> None:
        model, source = self.session.model, self.source
        names = model.labels if model is not None else None
        self.folder.show_facts(source.facts, names, source.problem)
        answer = self.answer()
        if answer is not None and (facts := self._facts_of(answer)) is not None:
            self.confusion.pictures.take_facts(facts)
        if source.facts is None and self._page != FOLDER and source.problem:
            self._turn(FOLDER)
        else:
            self._offer_pages()
            self.retitled.emit()

    def _facts_of(self, answer: Answer) -> DatasetFacts | None:
        """Return what the folder of a result is, None while the form names another one."""
        same = place_of(answer.technique.values()) == self.source.place
        return self.source.facts if same else None

    def _known(self) -> None:
        """Show the rows as soon as there are some, unless the person looks at something else."""
        self._offer_pages()
        if self.source.overview is not None and self._page == FOLDER and not self._turned:
            self._turn(CHANNELS)
        elif self._page not in self._offered():
            self._turn(self._usual())
        self.retitled.emit()

    def _changed(self, tab: str) -> None:
        if tab != DATASET:
            return
        self._offer_pages()
        if self._page not in self._offered():
            self._turned = False
            self._turn(self._usual())
            answer = self.answer()
            if answer is not None:
                self._answered(DATASET, answer)

    def _requested(self, tab: str) -> None:
        technique = self.session.techniques.get(DATASET)
        if tab == DATASET and technique is not None:
            folder = technique.values().get("folder")
            if folder:
                self.used.emit(folder)
            self._turned = False  # whoever runs it wants to see what comes of it
            if "layer" in technique.values():
                self._turn(CHANNELS)

    def _other_model(self) -> None:
        if DATASET not in self.session.answers:
            self._turned = False
            self._turn(FOLDER)

    def _show_class(self, index: int) -> None:
        """Turn to the matrix and show what a class is taken for."""
        self._picked_page(CONFUSION)
        self.confusion.show_class(index)
