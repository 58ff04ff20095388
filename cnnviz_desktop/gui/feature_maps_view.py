"""Show a layer's maps as tiles, with the bar on how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cnnviz_desktop.data import Activation
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.compare_head import CompareHead
from cnnviz_desktop.gui.comparison_export import ComparisonExport
from cnnviz_desktop.gui.feature_grid import FeatureGrid, GridLook
from cnnviz_desktop.gui.grid_foot import GridFoot
from cnnviz_desktop.gui.inspecting import Inspecting
from cnnviz_desktop.gui.map_bar import MapBar
from cnnviz_desktop.gui.map_companions import MapCompanions
from cnnviz_desktop.gui.map_inspector import Fact, MapInspector
from cnnviz_desktop.gui.map_work import Pair
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import FEATURE_MAPS, Session
from cnnviz_desktop.gui.tile_order import Beside, plate_order, reach, statistics
from cnnviz_desktop.gui.work import Answer

_FIRST = {
    "energy": "strongest first",
    "index": "in the layer's order",
    "max": "highest maximum first",
    "mean": "highest mean first",
    "sparsity": "sparsest first",
    "difference": "largest difference first",
}


class FeatureMapsView(ResultView):
    """The tiles, the bar and the inspector below."""

    tab = FEATURE_MAPS
    draws = (Activation,)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._activation: Activation | None = None
        self._compared = -1  # the key of the picture that is compared with
        self._looked_at = -1  # that of the picture in view
        self._said = ""  # what the foot says in place of the order
        self._companions = MapCompanions(session, self)
        self._controls = MapBar(self.bar, self)
        self.controls = self._controls.controls
        self.grid = FeatureGrid()
        self.inspector = MapInspector()
        self._inspecting = Inspecting(session, self.inspector, self)
        self._head = CompareHead(session.pictures)
        self._comparisons = ComparisonExport(session, self)
        self._foot = GridFoot()
        self._below = QWidget()
        below = QVBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.inspector)
        for widget in (self._head, self.grid, self._foot, self._below):
            self.canvas.addWidget(widget, 1 if widget is self.grid else 0)
        self._connect()
        self._redraw()

    def show_answer(self, answer: Answer) -> None:
        """Show a layer's maps."""
        if not isinstance(answer.result, Activation):
            return
        self._activation = answer.result
        self._follow_picture()
        beside, _facts = self._beside()
        self.grid.set_look(self._controls.look(self._net_limit(beside)))
        self.grid.show_maps(answer.result, beside)
        self._show_pins()
        unit = self.session.unit
        if unit is None and self.grid.shown():
            strongest = statistics(answer.result).strongest(self._controls.is_signed())
            unit = Unit(answer.result.layer, strongest)
        if unit is not None and self._activation_of(unit):
            self.grid.select(unit.channel)
        self.grid.paint_now()  # what was picked: the parts around it follow
        node = answer.model.layers.find(answer.result.layer)
        self.inspector.show_maps(answer.result, answer.image, node.kind if node else "")
        self._redraw()
        if unit is not None and unit != self.session.unit:
            self.session.pick_unit(unit)
        else:
            self._show_unit(unit)

    def forget(self) -> None:
        """Show no maps."""
        self._activation = None
        self._compared = self._looked_at = -1
        self._companions.clear()
        self.grid.show_maps(None)
        self.inspector.show_maps(None, None)
        self._redraw()

    def take_keyboard(self) -> None:
        """Give the keyboard to the tiles."""
        super().take_keyboard()
        if self.grid.isVisible():
            self.grid.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the keys of the tiles from the bar as well: a button there may have the keyboard."""
        if not self.grid.request(event):
            super().keyPressEvent(event)

    def view_settings(self) -> dict[str, Any]:
        """Return how the maps are drawn."""
        kept = super().view_settings()
        return {**kept, "tile_side": self._controls.tile_side(), "full": self.grid.full_size()}

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw the maps as a session kept it."""
        super().set_view_settings(values)
        self._controls.follow_sign()
        super().set_view_settings(values)  # the colour map among those that are offered now
        side = values.get("tile_side")
        if isinstance(side, (int, float)) and 0 < side < 1e6:
            self._controls.set_tile_side(round(side))
        self._turn_page(self._controls.page.isChecked())
        self._redraw()
        self.grid.show_full_size(values.get("full") is True)

    def title(self) -> tuple[str, str]:
        """Return the layer, and what it gave for which picture."""
        answer = self.answer()
        if answer is None or self._activation is None:
            return self.session.layer(self.tab) or self.tab, ""
        node = answer.model.layers.find(self._activation.layer)
        channels, height, width = self._activation.values.shape
        maps = f"{labels.whole(channels)} map{'s' if channels != 1 else ''} of {height}×{width}"
        name = answer.image.name if answer.image else ""
        return self._activation.layer, middle(node.kind if node else "", maps, name)

    def look(self) -> dict[str, Any]:
        """Return colours, scale, order and choice, so that a plate shows the same."""
        look = self.grid.look()
        drawn: dict[str, Any] = {
            "colormap": look.map_name,
            "scale": "tile" if look.scale == "tile" else "layer",
            "signed": look.signed,
            "gamma": look.gamma,
            **plate_order(look, self.grid.shown()),
        }
        if look.net > 0:
            drawn["high"] = look.net
        if look.overlay > 0:
            drawn |= {"overlay": True, "opacity": look.overlay}
        return drawn

    def picture(self) -> QImage | None:
        """Return the tiles in sight; of a page of 64, the page alone."""
        return self.grid.picture() if self._activation is not None else None

    def focus_search(self) -> None:
        """Let the person type a channel."""
        self._controls.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._controls.search.selectAll()

    def compare_with(self, key: int) -> None:
        """Show another picture's maps beside these, or with -1 no longer."""
        self._compared = key if key in self.session.pictures else -1
        self._redraw()

    def _connect(self) -> None:
        session, grid, controls = self.session, self.grid, self._controls
        controls.changed.connect(self._redraw)
        controls.page_turned.connect(self._turn_page)
        controls.compare_requested.connect(self._toggle_compare)
        self._head.chosen.connect(self.compare_with)
        self._head.closed.connect(self._stop_comparing)
        self._head.export_requested.connect(self._export_pair)
        self._comparisons.said.connect(self._foot.say)
        self._companions.arrived.connect(self._redraw)
        grid.unit_picked.connect(self._picked_unit)
        grid.unit_opened.connect(self._opened_unit)
        grid.hovered.connect(self.inspector.point_at)
        grid.tile_side_changed.connect(self._resized_tiles)
        grid.pin_requested.connect(self._pin)
        grid.page_requested.connect(controls.page.click)
        grid.overlay_requested.connect(controls.toggle_overlay)
        grid.compare_requested.connect(self._toggle_compare)
        session.marks.pins_changed.connect(self._show_pins)
        session.unit_picked.connect(self._show_unit)
        session.pictures.added.connect(self._count_pictures)
        session.pictures.removed.connect(self._count_pictures)
        session.models.changed.connect(self._ask_again)

    def _ask_again(self) -> None:
        """Ask for what stands beside the maps of an opened session: their model is there now."""
        answer = self.answer()
        if answer is not None and answer.model is self.session.model:
            self.show_answer(answer)

    def _redraw(self) -> None:
        """Draw the maps as the bar says, with what of it is known so far."""
        self._said = ""
        beside, facts = self._beside()
        look = self._controls.look(self._net_limit(beside))
        self.grid.set_look(look)
        self.grid.set_beside(beside)
        self.inspector.set_look(look)
        self.inspector.set_facts(facts)
        self._show_comparison(beside)
        self._tell(look)

    def _beside(self) -> tuple[Beside, list[Fact]]:
        """Return what the tiles are drawn with, asking for what is not known yet."""
        answer = self._mine()
        if answer is None:
            return Beside(), []
        scores: Any = None
        facts: list[Fact] = []
        pair = self._pair(answer)
        order = self._controls.controls["order"].currentData()  # type: ignore[union-attr]
        if order == "selectivity":
            scores = self._selectivity(answer, facts)
        elif order == "difference":
            if pair is not None:
                scores = statistics(pair.difference).energy
            else:
                self._said = "strongest first: compare two pictures (C) to sort by their difference"
        if pair is None:
            return Beside(answer.image, scores), facts
        other = pair.other.result
        assert isinstance(other, Activation)
        name = pair.other.image.name if pair.other.image is not None else ""
        facts += [Fact(name, other.values), Fact("Difference", pair.difference.values)]
        return Beside(answer.image, scores, other, pair.other.image, pair.difference), facts

    def _selectivity(self, answer: Answer, facts: list[Fact]) -> Any:
        found = self._companions.selectivity(answer)
        if found is None:
            self._said = "strongest first until it is known what each channel says for the answer"
            return None
        if isinstance(found, CnnvizError):
            self._said = f"strongest first. {found}"
            return None
        logit = labels.value(found.score)
        self._said = f"first what adds most to “{found.target_label}” (logit {logit})"
        facts.append(Fact(f"For {found.target_label}", found.values))
        return found.values

    def _pair(self, answer: Answer) -> Pair | None:
        pictures = self.session.pictures
        if self._compared not in pictures or pictures[self._compared].image is answer.image:
            return None
        found = self._companions.pair(answer, self._compared)
        return found if isinstance(found, Pair) else None

    def _net_limit(self, beside: Beside) -> float:
        """Return where the scale of the net ends, 0 while it is not known."""
        answer = self._mine()
        if answer is None or not self._controls.wants_net():
            return 0.0
        other = self._companions.pair(answer, self._compared) if beside.other is not None else None
        second = other.other if isinstance(other, Pair) else None
        layer, high = self._companions.widest(answer, second, self._controls.is_signed())
        if not high:
            self._said = "the layer's own scale until the others are measured"
        elif not self._said:
            self._said = f"one scale for all layers, set by {layer}"
        return high

    def _mine(self) -> Answer | None:
        """Return the answer whose maps are shown."""
        answer = self.answer()
        shown = answer is not None and answer.result is self._activation
        return answer if shown and answer is not None and answer.image is not None else None

    def _tell(self, look: GridLook) -> None:
        """Say in the foot how many maps there are, in which order, on which scale."""
        shown = self._activation
        self._foot.setVisible(shown is not None)
        self._controls.show_use(self._compared >= 0)
        if shown is None:
            return
        numbers = statistics(shown)
        total, here = len(shown.values), len(self.grid.shown())
        silent = int(numbers.silent(look.signed).sum())
        self._controls.show_silent(silent)
        count = f"{labels.whole(total)} channel{'s' if total != 1 else ''}"
        if here != total:
            count = f"{labels.whole(here)} of {count}"
        hidden = look.hide_silent and not look.query.strip()
        left = f"{labels.whole(silent)} silent{' left out' if hidden else ''}" if silent else ""
        order = self._said or _FIRST.get(look.order, "")
        self._foot.say(middle(count, left, order))
        high = look.net or float(reach(numbers, look.signed).max(initial=0))
        other = self.grid.beside().other
        if other is not None and not look.net:
            high = max(high, float(reach(statistics(other), look.signed).max(initial=0)))
        own = look.scale == "tile" and shown.values[0].size > 1
        of = "pair" if self.grid.parts() > 1 else "map"
        note = f"each {of}'s farthest from 0" if look.signed else f"each {of}'s maximum"
        low = -high if look.signed else 0.0
        self._foot.bar.show_scale(
            look.map_name, low, high, gamma=look.gamma, note=note if own else ""
        )

    def _show_comparison(self, beside: Beside) -> None:
        answer, pictures = self._mine(), self.session.pictures
        on = self._compared in pictures and answer is not None
        self._head.setVisible(on)
        self._controls.show_pictures(len(pictures), on)
        if not on or answer is None or answer.image is None:
            return
        found = self._companions.pair(answer, self._compared)
        if isinstance(found, CnnvizError):
            legend = str(found)
        elif beside.difference is None:
            legend = f"Recording the same layer{labels.ELLIPSIS}"
        else:
            legend = f"and the difference: above zero where {answer.image.name} gives more"
        self._head.show_pair(answer.image, self._compared, self._looked_at, legend)
        look, high, note = self.grid.look(), 0.0, ""
        if beside.difference is not None:
            high = look.net or float(reach(statistics(beside.difference), True).max(initial=0))
            own = look.scale == "tile" and beside.difference.values[0].size > 1
            note = "each one's largest" if own else ""
        colormap = look.map_name if look.signed else style.SIGNED
        self._head.show_scale(colormap, high, look.gamma, note)

    def _toggle_compare(self) -> None:
        """Compare with the next picture of the session, or no longer."""
        keys = list(self.session.pictures)
        if self._compared >= 0:
            self._stop_comparing()
        elif len(keys) < 2 or self._looked_at not in keys:
            self._foot.say("Open a second picture to compare it with this one")
        else:
            self.compare_with(keys[(keys.index(self._looked_at) + 1) % len(keys)])

    def _export_pair(self) -> None:
        """Write both pictures' maps and their difference."""
        answer = self._mine()
        pair = self._pair(answer) if answer is not None else None
        if pair is not None:
            self._comparisons.ask(pair, self.look())

    def _stop_comparing(self) -> None:
        self.compare_with(-1)
        self.grid.setFocus()

    def _follow_picture(self) -> None:
        """Keep two different pictures in view: what was looked at is compared with then."""
        answer, pictures = self.answer(), self.session.pictures
        image = answer.image if answer is not None else None
        key = next((key for key in pictures if pictures[key].image is image), -1)
        if key == self._compared and key >= 0:
            self._compared = self._looked_at if self._looked_at in pictures else -1
        self._looked_at = key

    def _count_pictures(self) -> None:
        if self._compared >= 0 and self._compared not in self.session.pictures:
            self.compare_with(-1)
        self._controls.show_pictures(len(self.session.pictures), self._compared >= 0)

    def _turn_page(self, on: bool) -> None:
        """Give the page of 64 all of the canvas."""
        self._below.setVisible(not on)

    def _resized_tiles(self, side: int) -> None:
        self._controls.set_tile_side(side)
        if self._controls.page.isChecked():  # zooming leaves the page
            self._controls.page.setChecked(False)
            self._turn_page(False)
            self._redraw()

    def _picked_unit(self, channel: int) -> None:
        if self._activation is not None:
            self.session.pick_unit(Unit(self._activation.layer, channel))

    def _opened_unit(self, _channel: int) -> None:
        self.grid.show_full_size(True)

    def _pin(self, channel: int) -> None:
        if self._activation is not None:
            self.session.marks.toggle_pin(Unit(self._activation.layer, channel))

    def _show_pins(self) -> None:
        """Mark the pinned channels of the layer in sight."""
        layer = self._activation.layer if self._activation is not None else ""
        pins = [pin for pin in self.session.marks.pins() if pin.place.unit.layer == layer]
        colours = {pin.place.unit.channel: pin.colour % len(style.PINS) for pin in pins}
        self.grid.set_pins({channel: QColor(style.PINS[c]) for channel, c in colours.items()})

    def _show_unit(self, unit: Unit | None) -> None:
        old = self._activation
        if unit is None and old is not None and self.session.layer(self.tab) != old.layer:
            return  # another layer's maps are on their way: these would be drawn once for nothing
        shown = self._activation is not None and unit is not None
        channel = unit.channel if unit and self._activation_of(unit) and shown else -1
        if channel != self.grid.selected():
            self.grid.select(channel)
        self.inspector.show_channel(channel)

    def _activation_of(self, unit: Unit) -> bool:
        return self._activation is not None and self._activation.layer == unit.layer
