"""Make images of grown pictures, each when it is first looked at and only when it has changed."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QImage

from cnnviz_desktop.figures import pixels
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.maximise_grown import Grown, GrownPicture, short
from cnnviz_desktop.gui.maximise_sheet import SheetTile
from cnnviz_desktop.gui.qimages import qimage_of

_State = tuple[object, ...]


class GrownImages:
    """Images of the pictures of one run, kept until they change."""

    def __init__(self) -> None:
        self._grown: Grown | None = None
        self._pictures: dict[int, tuple[_State, QImage]] = {}
        self._frames: dict[tuple[int, int], QImage] = {}
        self._tiles: dict[int, tuple[_State, SheetTile]] = {}

    def show(self, grown: Grown | None, *, afresh: bool = True) -> None:
        """Take up what there is by now; `afresh` where it belongs to another run."""
        if afresh:
            self._pictures.clear()
            self._frames.clear()
            self._tiles.clear()
        self._grown = grown

    def grown(self) -> Grown | None:
        """Return what there is."""
        return self._grown

    def is_waiting(self, place: int) -> bool:
        """Tell whether a picture has not begun to grow."""
        return self._picture(place).values is None

    def is_growing(self, place: int) -> bool:
        """Tell whether a picture grows now."""
        return not self.is_waiting(place) and not self._picture(place).final

    def share(self, place: int) -> float:
        """Return how far a picture has grown."""
        picture = self._picture(place)
        steps = self._grown.steps if self._grown is not None else 0
        return 1.0 if picture.final else min(1.0, picture.done / max(1, steps))

    def image(self, place: int) -> QImage | None:
        """Return a picture, None while it waits."""
        picture = self._picture(place)
        if picture.values is None:
            return None
        state = (picture.done, picture.final, picture.values.shape)
        known = self._pictures.get(place)
        if known is None or known[0] != state:
            known = self._pictures[place] = (state, qimage_of(pixels.from_unit(picture.values)))
        return known[1]

    def frames(self, place: int) -> tuple[list[QImage], list[int]]:
        """Return how a picture grew, the present last, and after which steps."""
        picture = self._picture(place)
        images: list[QImage] = []
        steps: list[int] = []
        for frame, step in enumerate(picture.grown):
            if picture.film is None or step >= picture.done:
                continue
            known = self._frames.get((place, step))
            if known is None:
                known = qimage_of(pixels.from_unit(picture.film[frame]))
                self._frames[place, step] = known
            images.append(known)
            steps.append(step)
        now = self.image(place)
        if now is not None:
            images.append(now)
            steps.append(picture.done)
        return images, steps

    def tiles(self) -> list[SheetTile]:
        """Return a tile for each picture, the same object while it has not changed."""
        count = len(self._grown.pictures) if self._grown is not None else 0
        return [self._tile(place) for place in range(count)]

    def _tile(self, place: int) -> SheetTile:
        picture, waiting, share = self._picture(place), self.is_waiting(place), self.share(place)
        state = (picture.name, picture.done, picture.final, share, picture.value)
        known = self._tiles.get(place)
        if known is not None and known[0] == state:
            return known[1]
        value = picture.value
        if not picture.final:
            value = "waiting" if waiting else f"{round(100 * share)}{labels.THIN}%"
        image = None if waiting else partial(self.image, place)
        tile = SheetTile(short(picture.name), value, image, share, picture.amiss)
        self._tiles[place] = (state, tile)
        return tile

    def _picture(self, place: int) -> GrownPicture:
        assert self._grown is not None
        return self._grown.pictures[place]
