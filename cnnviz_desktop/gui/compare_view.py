"""Show what several networks make of the picture: a column each, all of them moved as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from cnnviz_desktop.data import Compared, Comparison, Heatmap
from cnnviz_desktop.engine.techniques import CompareModels
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figures import heat
from cnnviz_desktop.figures.heat import HeatLook
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.compared_columns import ColumnView, columns
from cnnviz_desktop.gui.compared_head import ComparedHead
from cnnviz_desktop.gui.compared_maps import ComparedMaps
from cnnviz_desktop.gui.compared_presets import Presets
from cnnviz_desktop.gui.compared_start import ComparedStart
from cnnviz_desktop.gui.controls import (
    Line,
    Segments,
    Slide,
    fix_size,
    label,
    named,
    push_button,
)
from cnnviz_desktop.gui.heat_panels import HeatPanels
from cnnviz_desktop.gui.linked_view import PAD, strip_height
from cnnviz_desktop.gui.model_check_list import ModelCheckList
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import COMPARE, Session
from cnnviz_desktop.gui.work import Answer

_EXPLAINED = (
    ("answer", "Answer", "What speaks for the class at each network's default layer"),
    ("depth", "Depth", "What speaks for it at the layers whose maps stand below"),
)
_LARGEST = 0.6  # of the height, for the explanations


class CompareView(ResultView):
    """Names, costs and answers above, explanations below them, then the maps of one depth.

    Signals: those of `ResultView`.
    """

    tab = COMPARE
    draws = (Comparison,)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._found: Comparison | None = None
        self._answer: Answer | None = None
        self._shown: list[Heatmap] = []
        self._moved = False
        self._wanted = 0  # the depth that the person turned to, or a session kept; 0 the deepest
        self.presets = Presets(session, self)
        self._make_bar()
        self._make_canvas()
        self._connect()
        self._offer()

    def _make_bar(self) -> None:
        self.models = ModelCheckList(
            "comparedModels",
            "Models to compare with",
            "Up to three more models; Run (F5) compares them with the present one",
            nothing="Compare with" + labels.ELLIPSIS,
        )
        fix_size(self.models, least=170)
        self.preset = push_button("Presets", "comparedPresets", "Choose models in one click")
        self.preset.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        menu = QMenu(self.preset)
        for words, deed in (
            ("&VGG16, VGG19, ResNet50, Inception v3", self.presets.classic),
            ("This model with &random weights", self.presets.drawn),
            ("The &bundled model as it learned", self.presets.training),
        ):
            menu.addAction(words).triggered.connect(deed)
        self.preset.setMenu(menu)
        self.depth_slide = Slide(
            "Depth", "comparedDepth", "How deep: all columns move together", 1, 2, 1
        )
        self.explained = Segments(_EXPLAINED, "comparedExplained", "Explanation")
        tip = "How much the heat covers the picture"
        self.opacity = Slide("Opacity", "comparedOpacity", tip, 0.0, 1.0, 0.05)
        self.opacity.set_value(0.75)
        for widget in (self.models, self.preset, self.depth_slide, self.explained, self.opacity):
            self.bar.addWidget(widget)
        self.controls = {
            "depth": self.depth_slide,
            "explained": self.explained,
            "opacity": self.opacity,
        }

    def _make_canvas(self) -> None:
        self.head = ComparedHead()
        self.view = HeatPanels()
        self.view.linked = self._columns = ColumnView()
        named(
            self.view,
            "comparedHeat",
            "Explanations",
            "What speaks for the same class in each network; wheel zooms all, drag moves all",
        )
        self.maps = ComparedMaps()
        self.start = ComparedStart()
        self.notes = label("", "caption", muted=True)
        self.notes.setWordWrap(True)
        self.notes.setContentsMargins(16, 4, 16, 6)
        named(self.notes, "comparedNotes", "What could not be compared")
        split = self._split = QSplitter(Qt.Orientation.Vertical)
        split.setObjectName("comparedSplitter")
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.view)
        split.addWidget(self.maps)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setFocusProxy(self.view)
        self._stage = QWidget()
        column = QVBoxLayout(self._stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(Line())
        column.addWidget(split, 1)
        column.addWidget(self.notes)
        self._stage.setFocusProxy(self.view)
        self.canvas.addWidget(self._stage, 1)
        self.canvas.addWidget(self.start, 1)

    def _connect(self) -> None:
        session = self.session
        self.models.ticked.connect(self._chose)
        self.depth_slide.moved.connect(self._turn_depth)
        self.explained.picked.connect(self._show_depth)
        self.opacity.moved.connect(self._redraw)
        self.view.pointed.connect(self.maps.set_here)
        self.maps.pointed.connect(self.maps.set_here)
        self._split.splitterMoved.connect(self._note_moved)
        self.maps.picked.connect(self._picked)
        self.start.classic_wanted.connect(self.presets.classic)
        self.start.drawn_wanted.connect(self.presets.drawn)
        self.start.training_wanted.connect(self.presets.training)
        session.technique_changed.connect(self._follow_form)
        session.models.changed.connect(self._offer)
        session.pictures.selected.connect(self._follow_picture)

    def show_answer(self, answer: Answer) -> None:
        """Show a comparison, or what there is of it so far."""
        found, image = answer.result, answer.image
        if not isinstance(found, Comparison) or image is None:
            return
        self._found, self._answer = found, answer
        wanted = answer.technique
        names = wanted.models if isinstance(wanted, CompareModels) and answer.partial else ()
        self.head.show_models(found.models, found.measures, names[len(found.models) - 1 :])
        self.notes.setText("  ".join(found.notes))
        self.notes.setVisible(bool(found.notes))
        deepest = max(1, found.depths)
        slider = self.depth_slide.slider
        slider.blockSignals(True)
        slider.setRange(0, deepest - 1)
        slider.blockSignals(False)
        self.depth_slide.set_value(min(self._wanted or deepest, deepest))
        self.depth_slide.setEnabled(deepest > 1)
        self._show_depth()
        self._offer()

    def forget(self) -> None:
        """Show nothing."""
        self._found = self._answer = None
        self.head.show_models((), ())
        self._shown = []
        self.view.clear()
        self.maps.show_strips(())
        self._offer()

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw results as a session kept it, at its depth once it is there."""
        super().set_view_settings(values)
        depth = values.get("depth")
        self._wanted = int(depth) if isinstance(depth, int | float) and 1 <= depth < 99 else 0
        self._show_depth()

    def title(self) -> tuple[str, str]:
        """Return the networks, and the picture and class they are compared on."""
        found, answer = self._found, self._answer
        if found is None or answer is None or answer.image is None:
            return self.tab, ""
        names = ", ".join(found.names)
        explained = next((item.heatmap for item in found.models if item.heatmap is not None), None)
        target = explained.target_label if explained is not None else ""
        return names, middle(answer.image.name, target)

    def look(self) -> dict[str, Any]:
        """Return how the explanations are drawn, as options of a plate."""
        return {"opacity": round(self.opacity.value(), 2)}

    def picture(self) -> QImage | None:
        """Return the columns as they are shown."""
        return self._stage.grab().toImage() if self._found is not None else None

    def _turn_depth(self, depth: float) -> None:
        """Show another depth, also of what is compared next."""
        deepest = self.depth_slide.slider.value() == self.depth_slide.slider.maximum()
        self._wanted = 0 if deepest else round(depth)
        self._show_depth()

    def _show_depth(self, *_moved: object) -> None:
        """Show another depth of all networks."""
        found, answer = self._found, self._answer
        if found is None or answer is None or answer.image is None:
            return
        depth = round(self.depth_slide.value()) - 1
        at_depth = self.explained.value() == "depth"
        pairs = [_explanation(item, depth, at_depth) for item in found.models]
        total = self.head.count()
        there = [(place, *pair) for place, pair in enumerate(pairs) if pair is not None]
        self._shown = [heatmap for _place, heatmap, _caption in there]
        self._columns.set_columns(tuple(place for place, *_rest in there), total)
        captions = [caption for _place, _heatmap, caption in there]
        self.view.show_maps(answer.image, self._shown, captions, len(there))
        self.view.setVisible(bool(there))
        strips = [item.strips[depth] if depth < len(item.strips) else None for item in found.models]
        self.maps.show_strips(strips, total)
        self._redraw()
        self._share_room()

    def _share_room(self) -> None:
        """Give the explanations the height that their pictures fill, the maps what is left."""
        answer, total = self._answer, self._split.height()
        if self._moved or answer is None or answer.image is None:
            return
        places = columns(self._split.width(), self.head.count())
        wide = places[0][1] if places else 0
        whole = answer.image.whole
        wanted = round(wide * whole.height / whole.width) + 2 * strip_height() + 3 * PAD
        tall = min(wanted, round(_LARGEST * total))
        self._split.setSizes([tall, total - tall])

    def _note_moved(self, *_moved: object) -> None:
        self._moved = True  # by hand: there it stays

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room anew."""
        super().resizeEvent(event)
        self._share_room()

    def _redraw(self, *_moved: object) -> None:
        look = HeatLook(opacity=round(self.opacity.value(), 2))
        if self._shown:
            highs = heat.highs(tuple(self._shown), look, shared=False)
            self.view.set_look(look, highs, box=False)

    def _chose(self) -> None:
        """Take over what was ticked; refuse more than stand side by side."""
        technique = self.session.techniques[COMPARE]
        assert isinstance(technique, CompareModels)
        try:
            wanted = replace(technique, models=self.models.names())
        except ParameterError as error:
            self.models.choose(technique.models)
            self.session.failed.emit("", error)
            return
        self.session.set_technique(COMPARE, wanted)

    def _picked(self, column: int, channel: int) -> None:
        """Select a channel of the first network: it is the one that all tabs look at."""
        found = self._found
        depth = round(self.depth_slide.value()) - 1
        if column or found is None or depth >= len(found.models[0].strips):
            return
        layer = found.models[0].strips[depth].maps.layer
        self.session.pick_layer(layer, COMPARE)
        self.session.pick_unit(Unit(layer, channel))

    def _follow_form(self, tab: str) -> None:
        if tab == COMPARE:
            self._offer()

    def _follow_picture(self) -> None:
        """Compare on the picture that was turned to, where there is a comparison already."""
        session = self.session
        if session.tab == COMPARE and self._found is not None and session.is_stale(COMPARE):
            session.run(COMPARE)

    def _offer(self, *_changed: object) -> None:
        """Show what the form says, and either a comparison or how to come to one."""
        technique, model = self.session.techniques.get(COMPARE), self.session.model
        if isinstance(technique, CompareModels):
            self.models.choose(technique.models)
        self.models.set_model(model.name if model is not None else "")
        self.start.drawn.setEnabled(model is not None)
        there = self._found is not None
        button = self.start.focusWidget()
        held = button is not None and button.hasFocus()
        self._stage.setVisible(there)
        if there and held:
            self._stage.setFocus()  # or hiding it would give the keyboard to who knows whom
        self.start.setVisible(not there)
        for widget in (self.depth_slide, self.explained, self.opacity):
            widget.setVisible(there)


def _explanation(item: Compared, depth: int, at_depth: bool) -> tuple[Heatmap, str] | None:
    """Return what speaks for the class in a network and what to call it, None for nothing."""
    heatmap = item.heatmap
    if at_depth and item.heatmaps:
        heatmap = item.heatmaps[min(depth, len(item.heatmaps) - 1)]
    return None if heatmap is None else (heatmap, f"{heatmap.layer}: {heatmap.target_label}")
