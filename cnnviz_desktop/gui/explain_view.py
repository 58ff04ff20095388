"""Show which places of the picture speak for a class; how that is drawn needs no engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Heatmap, Heatmaps
from cnnviz_desktop.engine.stages import stages
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques import CompareMaps, GradCam
from cnnviz_desktop.engine.techniques.compare_maps import METHODS
from cnnviz_desktop.figures import heat, heat_shapes
from cnnviz_desktop.figures.heat import HeatLook
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.colour_bar import ScaleFoot
from cnnviz_desktop.gui.controls import Line, named
from cnnviz_desktop.gui.explain_bar import ExplainBar
from cnnviz_desktop.gui.heat_panels import HeatPanels
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import EXPLAIN, Session
from cnnviz_desktop.gui.work import Answer

_COMPARED = 4  # classes, where the likeliest are put side by side


@dataclass(frozen=True, eq=False)
class Explained:
    """The map that is looked at, the answer it is of, and the technique that gives it alone."""

    answer: Answer
    heatmap: Heatmap
    technique: Technique


class ExplainView(ResultView):
    """The picture with one map or several, and the bar on how they are drawn.

    Signals: `turned` to another map, or to none.
    """

    turned = Signal()
    tab = EXPLAIN
    draws = (Heatmap, Heatmaps)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._answer: Answer | None = None
        self._maps: tuple[Heatmap, ...] = ()
        self._highs: list[float] = []
        self.view = HeatPanels()
        named(
            self.view,
            "explainPicture",
            "Explanation",
            "Wheel zooms, drag moves, 0 fits; O hides the heat; of several maps a click picks one, "
            "a double click or Enter shows it alone",
        )
        self.view.set_empty_text(
            "No explanation yet.",
            "It comes with the model and a picture; where it takes long, press Run (F5).",
        )
        self._bar = ExplainBar(self.bar, self)
        self.controls = self._bar.controls
        self._foot = ScaleFoot("heatValue", "Value under the mouse")
        self.canvas.addWidget(self.view, 1)
        self.canvas.addWidget(Line())
        self.canvas.addWidget(self._foot)
        self._bar.changed.connect(self._redraw)
        self._bar.compare_requested.connect(self._compare)
        self.view.pointed.connect(self._pointed)
        self.view.picked.connect(self._picked)
        session.predictions.added.connect(self._note)

    def explained(self) -> Explained | None:
        """Return the map that is looked at; None where there is none."""
        answer = self._drawn()
        if answer is None:
            return None
        index, result, technique = self.view.picked_index(), answer.result, answer.technique
        if isinstance(result, Heatmaps) and isinstance(technique, CompareMaps):
            technique = technique.part_of(result, index)
        elif isinstance(result, Heatmaps):
            alone = {"classes": 1, "target": self._maps[index].target}
            technique = replace(
                technique, **{k: alone[k] for k in alone if k in technique.values()}
            )
        return Explained(answer, self._maps[index], technique)

    def show_answer(self, answer: Answer) -> None:
        """Show one map on its picture, or several side by side."""
        result, image = answer.result, answer.image
        if image is None or not isinstance(result, (Heatmap, Heatmaps)):
            return
        several = isinstance(result, Heatmaps)
        self._answer = answer
        self._maps = result.maps if isinstance(result, Heatmaps) else (result,)
        captions = result.captions if isinstance(result, Heatmaps) else ("",)
        columns = result.columns if isinstance(result, Heatmaps) else 1
        self._bar.show_kind(
            of_input=all(not item.layer for item in self._maps),
            signed=any(item.signed for item in self._maps),
            colours=any(heat.has_colours(item) for item in self._maps),
            several=several,
        )
        self.view.show_maps(image, self._maps, captions, columns)
        self.view.set_name(self.file_stem())
        self._note()
        self._redraw()
        self.turned.emit()

    def forget(self) -> None:
        """Show no explanation."""
        self._answer, self._maps = None, ()
        self.view.clear()
        self._foot.point_at("")
        self.turned.emit()

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw the maps as a session kept it."""
        super().set_view_settings(values)
        self._bar.follow()
        set_again = values.get("colours")  # the maps on offer may be others now
        super().set_view_settings({"colours": set_again} if set_again is not None else {})
        self._redraw()

    def title(self) -> tuple[str, str]:
        """Return the class, or what is compared, and what it was explained with."""
        answer = self._drawn()
        if answer is None:
            return self.tab, ""
        shown = self._maps[self.view.picked_index()]
        rows, columns = shown.values.shape
        name = answer.image.name if answer.image else ""
        where = ", ".join(shown.layers) or shown.layer
        logit = f"logit {labels.value(shown.score)}"
        method = shown.method or answer.technique.title
        several = isinstance(answer.result, Heatmaps)
        title = answer.result.title if isinstance(answer.result, Heatmaps) else shown.target_label
        own = (shown.target_label, method) if several else (method,)
        said = (item for item in own if item not in title)
        return title, middle(*said, where, f"{rows}×{columns}", logit, name)

    def look(self) -> dict[str, Any]:
        """Return how the maps are drawn."""
        return self._bar.options()

    def picture(self) -> QImage | None:
        """Return the picture with its heat."""
        return self.view.image()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hide the heat while O is held; 1 to 9 explain the first to ninth likeliest class."""
        place = event.key() - Qt.Key.Key_1
        prediction = self.session.predictions.current()
        if event.key() == Qt.Key.Key_O and self._maps:
            self.view.set_bare(True)
        elif 0 <= place < 9 and prediction is not None and place < len(prediction.labels):
            self._explain(prediction.top(9)[place][0])
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show the heat again."""
        if event.key() == Qt.Key.Key_O and not event.isAutoRepeat():
            self.view.set_bare(False)
        else:
            super().keyReleaseEvent(event)

    def _drawn(self) -> Answer | None:
        """Return the tab's answer where its maps are those in view, whichever model has it now."""
        answer = self.answer()
        if answer is None or self._answer is None or not self._maps:
            return None
        return answer if answer.result is self._answer.result else None

    def _explain(self, target: int) -> None:
        """Turn to a class: to its map where several classes are shown, else by another run."""
        targets = [item.target for item in self._maps]
        if len(set(targets)) > 1 and target in targets:
            self.view.pick(targets.index(target))
            self._picked()
        else:
            self.session.pick_target(target)

    def _picked(self) -> None:
        """Follow the map that is looked at."""
        self._show_scale(self._bar.look())
        self.retitled.emit()
        self.turned.emit()

    def _redraw(self) -> None:
        """Draw the maps as the bar says."""
        if not self._maps:
            return
        look = self._bar.look()
        self._highs = heat.highs(self._maps, look, shared=self._bar.shared())
        self.view.set_look(look, self._highs, box=self._bar.boxed())
        self._show_scale(look)

    def _show_scale(self, look: HeatLook) -> None:
        """Say what the colours of the map that is looked at mean, and where it is hot."""
        index = self.view.picked_index()
        shown, high = self._maps[index], self._highs[index]
        signed, mode = look.signed_for(shown), look.mode_for(shown)
        if mode == "masked":
            least = labels.value(look.threshold * high)
            self._foot.show_note(f"Kept: where the map is above {least}")
        elif mode == "colours":
            limit = heat.colours_limit(shown)
            self._foot.show_note("")
            self._foot.bar.show_scale("gray", -limit, limit)
        else:
            self._foot.show_note("")
            cut = heat.is_cut_off(shown) and not signed
            note = f"≥ {labels.value(high)}" if cut else ""
            low = -high if signed else 0.0
            self._foot.bar.show_scale(look.colormap_for(shown), low, high, note=note)
        self._say_place()

    def _say_place(self) -> None:
        """Say where the hot region is, where it is outlined and nothing is pointed at."""
        panel = self.view.panel()
        if panel is None or not self._bar.boxed():
            self._foot.point_at("")
            return
        threshold = self._bar.look().threshold
        self._foot.point_at(heat_shapes.say_box(panel.box(), threshold))

    def _pointed(self, place: tuple[float, float] | None) -> None:
        """Say the value under the mouse."""
        panel = self.view.panel()
        if place is None or panel is None:
            self._say_place()
            return
        x, y = place
        cell = panel.cell(x, y)
        where = f"x {int(x)}, y {int(y)}"
        if cell is None:
            self._foot.point_at(f"Not part of the network's input {labels.DOT} {where}")
            return
        value = labels.value(float(panel.heatmap.values[cell]))
        self._foot.point_at(f"{value} at row {cell[0]}, column {cell[1]} {labels.DOT} {where}")

    def _note(self, *_of_any: object) -> None:
        """Write beside each class how likely it is, where several are shown."""
        prediction, answer = self.session.predictions.current(), self._answer
        current = self.session.pictures.current
        if prediction is None or answer is None or current is None:
            return
        targets = [item.target for item in self._maps]
        if current.image is answer.image and len(set(targets)) > 1:
            shares = prediction.probabilities
            self.view.set_notes(
                [labels.percent(float(shares[i])) if i < len(shares) else "" for i in targets]
            )

    def _compare(self, by: str) -> None:
        """Put maps of several classes, methods or layers side by side."""
        model, shown = self.session.model, self.explained()
        if model is None:
            return
        now = self.session.techniques[EXPLAIN]
        if shown is not None and type(shown.technique) is not type(now):
            now = shown.technique  # the one of a comparison that is looked at
        values = now.values()
        command = now.command if now.command in METHODS else GradCam.command
        layer, target = values.get("layer"), values.get("target")
        layers = (layer,) if layer else ()
        wanted: Technique
        if by == "classes":
            usual = now if "classes" in values else GradCam(layer=layer, target=target)
            count: dict[str, Any] = {"classes": _COMPARED}
            wanted = replace(usual, **count)
        elif by == "methods":
            methods = tuple(dict.fromkeys((command, *CompareMaps().methods)))
            wanted = CompareMaps(methods=methods, layers=layers, target=target)
        else:
            ends = tuple(stage.layer for stage in stages(model.layers, model.default_layer))
            of_layers = command if "layer" in values else GradCam.command
            wanted = CompareMaps(methods=(of_layers,), layers=ends, target=target)
        self.session.set_technique(EXPLAIN, wanted)
        self.session.run(EXPLAIN)
