"""Show what units want to see while it grows: the picture, its curve, its growth, its siblings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPalette
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from cnnviz_desktop.data import Inverted, Maximised
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.figures import pixels
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.controls import Ground, label, named
from cnnviz_desktop.gui.display import CANVAS, reduced
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.maximise_curve import Curve
from cnnviz_desktop.gui.maximise_grown import GalleryGrown, Grown, grown_of, last_value, short
from cnnviz_desktop.gui.maximise_images import GrownImages
from cnnviz_desktop.gui.maximise_sheet import PictureSheet
from cnnviz_desktop.gui.maximise_stage import MaximiseStage
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import MAXIMISE, Session
from cnnviz_desktop.gui.status_bar import duration
from cnnviz_desktop.gui.work import Answer

_TOLD = 4  # curves that have a name
_MANY = 32  # pictures, from which on the sheet is what matters
_CHANNEL = "channel "
_UNITS = (_CHANNEL, "less of ", "the whole ")
_OF_UNIT = re.compile(r"(?:less of )?channel (\d+)(?:,.*)?")  # "channel 12, 3 of 4"


class MaximiseView(ResultView):
    """The picture that grows, and the sheet of all pictures of the run.

    Signals: `card_wanted` (`Unit`) a picture was double-clicked; `growth_wanted` (frames, name) is
    to be saved as a moving picture; `save_requested` (image, name).
    """

    card_wanted = Signal(object)
    growth_wanted = Signal(object, str)
    save_requested = Signal(QImage, str)

    tab = MAXIMISE
    needs_image = False
    draws: ClassVar[tuple[type, ...]] = (Maximised, Inverted)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.hide_bar()
        self.stage = MaximiseStage()
        self.sheet = PictureSheet()
        self._images = GrownImages()
        self._result: Maximised | Inverted | None = None
        self._gathering: tuple[Technique, GalleryGrown] | None = None
        self._chosen = 0
        self._picked = False  # whether the person chose the picture that is watched
        self._counts = ElidedLabel(role="secondary", muted=True)
        named(self._counts, "sheetCounts", "How many pictures are done")
        self._gallery = self._make_gallery()
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.setObjectName("maximiseSplitter")
        self._split.setChildrenCollapsible(False)
        self._split.setHandleWidth(1)
        self._split.addWidget(self.stage)
        self._split.addWidget(self._gallery)
        self._split.setStretchFactor(0, 1)
        self._split.setFocusProxy(self.stage.view)
        self.canvas.addWidget(self._split, 1)
        self._gallery.hide()
        self.sheet.picked.connect(self._pick)
        self.sheet.opened.connect(self._open)
        self.sheet.save_requested.connect(self.save_requested)
        self.stage.view.save_requested.connect(self.save_requested)
        self.stage.original.save_requested.connect(self.save_requested)
        self.stage.strip.frame_pressed.connect(self._compare)
        self.stage.strip.frame_released.connect(self._show_present)
        self.stage.growth_wanted.connect(self._save_growth)

    def show_answer(self, answer: Answer) -> None:
        """Show a result, or what there is of it so far."""
        result = answer.result
        if not isinstance(result, Maximised | Inverted):
            return
        grown = self._taken(answer, result)
        afresh = self._is_other_run(grown)
        self._images.show(grown, afresh=afresh)
        self._result = result
        if afresh:
            self._picked = False
        if not self._picked or self._chosen >= len(grown.names):
            self._chosen = self._watched(len(grown.names))
        several = len(grown.names) > 1
        if several:
            cards = self._unit(0) is not None
            self.sheet.show_tiles(self._images.tiles(), self.file_stem(), cards=cards)
            self.sheet.select(self._chosen)
            self._counts.setText(self._count())
        if several is self._gallery.isHidden():
            self._gallery.setVisible(several)
            self._share_room(len(grown.names))
        self._show_original(answer)
        self._show_chosen(answer)

    def forget(self) -> None:
        """Show nothing."""
        self._images.show(None)
        self._gathering = None
        self._result = None
        self._picked = False
        self.stage.clear()
        self.sheet.show_tiles(())
        self._gallery.hide()

    def view_settings(self) -> dict[str, Any]:
        """Return which picture is watched."""
        return {"watched": self._chosen} if self._picked else {}

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Watch the picture that a session kept."""
        watched, grown = values.get("watched"), self._images.grown()
        if not isinstance(watched, int) or isinstance(watched, bool):
            return
        if grown is not None and 0 <= watched < len(grown.names):
            self._pick(watched)

    def title(self) -> tuple[str, str]:
        """Return the layer or class, and what was grown how."""
        answer, grown = self.answer(), self._images.grown()
        if answer is None or grown is None or self._result is None:
            return self.tab, ""
        layer = self._result.layer
        one = len(grown.names) == 1
        name = layer or (grown.names[0] if one else answer.technique.title)
        what = "pictures" if grown.overall is None else "layers"
        count = "" if one else f"{labels.whole(len(grown.names))} {what}"
        if one and layer and grown.names[0] != layer:
            count = grown.names[0]
        height, width = grown.size
        took = "" if answer.partial else f"{duration(answer.seconds)}"
        size = f"{width}{labels.TIMES}{height} px"
        method = answer.technique.title
        method = method.lower() if method == method.capitalize() else method  # but DeepDream
        return name, middle(method, count, size, took)

    def picture(self) -> QImage | None:
        """Return the picture that is watched."""
        return self._images.image(self._chosen) if self._images.grown() is not None else None

    def chosen(self) -> int:
        """Return which picture is watched."""
        return self._chosen

    def file_stem(self) -> str:
        """Return a name for a file of the pictures."""
        answer = self.answer()
        if answer is None or self._result is None:
            return super().file_stem()
        parts = (answer.model.title, self._result.layer, answer.technique.command)
        return "-".join(part for part in parts if part)

    def _make_gallery(self) -> QWidget:
        """Lay out the sheet under its head."""
        ground = Ground(QPalette.ColorRole.Base)
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 16, 0)
        head.setSpacing(10)
        head.addWidget(label("Pictures", "strong"))
        head.addWidget(self._counts, 1)
        column = QVBoxLayout(ground)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.sheet, 1)
        return ground

    def _share_room(self, count: int) -> None:
        """Give the sheet two rows, or one where there are few pictures."""
        if count > 1:
            columns = max(1, self.sheet.width() // 100)
            rows = -(-count // columns) if self.sheet.width() > 200 else 2
            most = 4 if count > _MANY else 2
            wanted = min(self.sheet.rows_high(min(most, rows)) + 32, self._split.height() * 6 // 10)
            whole = max(self._split.height(), 2 * wanted)
            self._split.setSizes([whole - wanted, wanted])

    def _taken(self, answer: Answer, result: Maximised | Inverted) -> Grown:
        """Return what there is to show; a gallery that fills shows what it waits for as well."""
        filling = answer.partial and answer.technique.command == "gallery"
        if not filling or not isinstance(result, Maximised):
            self._gathering = None
            return grown_of(result, answer.partial)
        if self._gathering is None or self._gathering[0] != answer.technique:
            self._gathering = (answer.technique, GalleryGrown(_channels(answer, result)))
        return self._gathering[1].take(result)

    def _is_other_run(self, grown: Grown) -> bool:
        """Tell whether a result is no continuation of the one that is shown."""
        before = self._images.grown()
        if before is None or before.names != grown.names:
            return True
        pairs = zip(grown.pictures, before.pictures, strict=True)
        return any(now.done < was.done or now.final < was.final for now, was in pairs)

    def _watched(self, count: int) -> int:
        """Return the picture to watch: the one watched while it grows, else the first growing."""
        here = self._chosen if self._chosen < count else 0
        if self._images.is_growing(here):
            return here
        return next((place for place in range(count) if self._images.is_growing(place)), here)

    def _count(self) -> str:
        """Say how many pictures are done, growing and waiting."""
        grown = self._images.grown()
        places = range(len(grown.names)) if grown is not None else ()
        waiting = sum(self._images.is_waiting(place) for place in places)
        growing = sum(self._images.is_growing(place) for place in places)
        done = len(places) - waiting - growing
        parts = [f"{labels.whole(done)} done"] if done or not growing else []
        parts += [f"{labels.whole(growing)} growing"] if growing else []
        parts += [f"{labels.whole(waiting)} waiting"] if waiting else []
        return ", ".join(parts)

    def _show_original(self, answer: Answer) -> None:
        """Show what a picture is compared with: what was inverted, or dreamt on."""
        grown = self._images.grown()
        if grown is not None and grown.original is not None:
            name = answer.image.name if answer.image is not None else "Original"
            drawn = pixels.from_unit(grown.original)
        elif answer.image is not None and answer.technique.needs_image:
            drawn, name = reduced(answer.image, CANVAS)[0].pixels, answer.image.name
        else:
            self.stage.show_original(None)
            return
        self.stage.show_original(drawn, name)

    def _show_chosen(self, answer: Answer) -> None:
        """Show the picture that is watched, with all that belongs to it."""
        grown, place = self._images.grown(), self._chosen
        if grown is None:
            return
        frames, steps = self._images.frames(place)
        self.stage.show_growth(len(frames) > 1, not answer.partial)
        self.stage.strip.show_frames(frames, steps)
        if self.stage.strip.pressed() < 0:
            self._show_present()
        self._show_curves(grown)
        picture = grown.pictures[place]
        said, name = picture.answer, picture.name
        known = said is not None and name in said.labels
        target = said.labels.index(name) if said is not None and known else None
        self.stage.show_answer(said, picture.facts, target)

    def _show_curves(self, grown: Grown) -> None:
        """Show how the objective rose, or what each layer remembers."""
        if grown.overall is not None:
            overall = grown.overall
            curve, count = Curve(overall.values, chosen=True), len(overall.values)
            self.stage.show_curves([curve], count, overall.title, "", overall.unit)
            return
        curves = self._curves(grown)
        growing = sum(self._images.is_growing(place) for place in range(len(grown.pictures)))
        about = f"{labels.whole(growing)} grow together" if growing > 1 else ""
        self.stage.show_curves(curves, grown.steps, "Objective", about)

    def _show_present(self) -> None:
        """Show the picture as it is now."""
        grown, place = self._images.grown(), self._chosen
        if grown is None:
            return
        picture = grown.pictures[place]
        name, done = _capital(picture.name), picture.done
        self.stage.curve.mark_step(-1)
        image = self._images.image(place)
        if image is None or not done:
            self.stage.show_picture(image, name, "waits" if image is None else "")
            return
        reached = labels.value(last_value(picture.objectives))
        way = f"{labels.whole(done)} of {labels.whole(grown.steps)}"
        steps = f"step {way}" if done < grown.steps else f"{labels.whole(done)} steps"
        about = middle(steps, f"objective {reached}" if len(picture.objectives) else "")
        self.stage.show_picture(image, name, about)

    def _compare(self, frame: int) -> None:
        """Show the picture as it was."""
        grown, present = self._images.grown(), self._images.image(self._chosen)
        frames, steps = self._images.frames(self._chosen)
        if grown is None or present is None or frame >= len(frames):
            return
        image = frames[frame]
        if image.size() != present.size():  # frames are kept small
            fit, smooth = Qt.AspectRatioMode, Qt.TransformationMode.SmoothTransformation
            image = image.scaled(present.size(), fit.IgnoreAspectRatio, smooth)
        self.stage.curve.mark_step(steps[frame])
        about = f"as it was after step {labels.whole(steps[frame])}"
        self.stage.show_picture(image, _capital(grown.names[self._chosen]), about)

    def _curves(self, grown: Grown) -> list[Curve]:
        """Return the curves: those that grow now have a name, or all where they are few."""
        names = range(len(grown.pictures))
        together = [place for place in names if self._images.is_growing(place)]
        told = {self._chosen, *(together or (names if len(names) <= _TOLD else ()))}
        told = set(sorted(told, key=lambda place: place != self._chosen)[:_TOLD])
        curves = []
        for place, picture in enumerate(grown.pictures):
            name = short(picture.name) if place in told and len(names) > 1 else ""
            if len(picture.objectives):
                curves.append(Curve(picture.objectives, name, chosen=place == self._chosen))
        return curves

    def _pick(self, place: int) -> None:
        """Watch the picture that was clicked."""
        answer = self.answer()
        self._chosen, self._picked = place, True
        self.sheet.select(place)
        if answer is not None:
            self._show_chosen(answer)

    def _open(self, place: int) -> None:
        """Ask for the card of a picture's unit."""
        unit = self._unit(place)
        if unit is not None:
            self.card_wanted.emit(unit)

    def _unit(self, place: int) -> Unit | None:
        """Return the unit that a picture is of, None where it is of a class, a layer or a pair."""
        grown, layer = self._images.grown(), self._result.layer if self._result is not None else ""
        found = _OF_UNIT.fullmatch(grown.names[place]) if grown is not None and layer else None
        return Unit(layer, int(found[1])) if found is not None else None

    def _save_growth(self) -> None:
        """Ask to save how the picture grew."""
        grown = self._images.grown()
        if grown is not None:
            frames, _steps = self._images.frames(self._chosen)
            name = f"{self.file_stem()}-{grown.names[self._chosen].replace(' ', '-')}"
            self.growth_wanted.emit(frames, name)


def _channels(answer: Answer, result: Maximised) -> list[str]:
    """Name the channels that a gallery is to have."""
    node = answer.model.layers.find(result.layer)
    shape = (node.output_shape if node is not None else None) or (len(result.wanted),)
    asked = answer.technique.values()
    first, count = int(asked["first"]), int(asked["count"])
    end = min(shape[0], first + count) if count else shape[0]
    return [f"{_CHANNEL}{channel}" for channel in range(first, end)]


def _capital(name: str) -> str:
    """Return a name with its first letter large, where it is not a class's or a layer's own."""
    return name[:1].upper() + name[1:] if name.startswith(_UNITS) else name
