"""Saliency: how much each pixel can move a class's score.

Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks: Visualising Image
Classification Models and Saliency Maps", 2013, arXiv:1312.6034.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.input_explanation import InputExplanation

if TYPE_CHECKING:
    from cnnviz_desktop.engine.input_pass import Found, Subject


@dataclass(frozen=True, kw_only=True)
class Saliency(InputExplanation):
    """Take the gradient of a class's logit at the input.

    The map is the largest magnitude over the colours of a pixel; `colours` keeps the gradient with
    its sign, per unit of the network's scaled input.
    """

    title: ClassVar[str] = "Saliency"
    command: ClassVar[str] = "saliency"
    summary: ClassVar[str] = "Mark the pixels whose slightest change moves a class's score most."
    paper: ClassVar[str] = "arXiv:1312.6034"
    signed: ClassVar[bool] = False

    def explain(self, subject: Subject) -> list[Found]:
        """Return the largest magnitude of each pixel's gradient, for each class."""
        from cnnviz_desktop.engine.input_pass import Found, InputPass, largest

        seen = InputPass(subject.model, subject.tensor, subject.run)
        slopes, _ = seen.gradients(subject.targets(seen.logits[0]))
        return [
            Found(largest(slope[0]), colours=slope[0], gradient=float(slope.norm()))
            for slope in slopes
        ]
