"""Say what the tab of feature maps asks of the engine thread besides the maps themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnnviz_desktop.data import Activation, ImageInput
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.tile_order import statistics
from cnnviz_desktop.gui.work import Answer, Perform

if TYPE_CHECKING:
    from cnnviz_desktop.engine.extremes import Extremes
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.selectivity import Selectivity


@dataclass(frozen=True, eq=False)
class Weigh:
    """Ask how much each channel of a layer speaks for the predicted class -> `Selectivity`."""

    model: LoadedModel
    image: ImageInput
    layer: str
    call: int

    def __call__(self, run: Run) -> Selectivity:
        """Do it."""
        from cnnviz_desktop.engine.selectivity import selectivity

        return selectivity(self.model, self.image, self.layer, call=self.call, run=run)


@dataclass(frozen=True, eq=False)
class FindExtremes:
    """Ask for the least and greatest value of every layer with maps -> `Extremes`."""

    model: LoadedModel
    image: ImageInput

    def __call__(self, run: Run) -> Extremes:
        """Do it."""
        from cnnviz_desktop.engine.extremes import extremes

        return extremes(self.model, self.image, run)


@dataclass(frozen=True, eq=False)
class Pair:
    """The same layer for another picture, and what the first one's maps are beyond that."""

    mine: Answer
    other: Answer
    difference: Activation


@dataclass(frozen=True, eq=False)
class CompareMaps:
    """Record a layer for another picture, unless that is known, and subtract -> `Pair`."""

    mine: Answer
    perform: Perform
    known: Answer | None

    def __call__(self, run: Run) -> Pair:
        """Do it; the numbers of both are measured here, or the window would have to."""
        other = self.known or self.perform(run)
        one, two = self.mine.result, other.result
        assert isinstance(one, Activation)
        assert isinstance(two, Activation)
        if one.values.shape != two.values.shape:
            raise CnnvizError(
                "The two pictures give maps of different sizes, so they cannot be subtracted. "
                "Choose another layer."
            )
        difference = replace(one, values=one.values - two.values)
        for maps in (two, difference):
            statistics(maps).low  # noqa: B018 - measured when it is first asked for
        return Pair(self.mine, other, difference)
