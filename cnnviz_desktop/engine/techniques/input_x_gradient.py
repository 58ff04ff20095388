"""Input x gradient: what each pixel adds to a class's score, were the network linear.

Shrikumar, Greenside, Shcherbina and Kundaje, "Not Just a Black Box: Learning Important Features
Through Propagating Activation Differences", 2016, arXiv:1605.01713.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.input_explanation import InputExplanation

if TYPE_CHECKING:
    from cnnviz_desktop.engine.input_pass import Found, Subject


@dataclass(frozen=True, kw_only=True)
class InputXGradient(InputExplanation):
    """Multiply the gradient of a class's logit by the input.

    The input is the network's own, scaled one, in which 0 is the mean colour. The map is the sum
    over colours, with its sign.
    """

    title: ClassVar[str] = "Input × gradient"
    command: ClassVar[str] = "input-x-gradient"
    summary: ClassVar[str] = "Weigh each pixel's gradient by how far the pixel is from the mean."
    paper: ClassVar[str] = "arXiv:1605.01713"

    def explain(self, subject: Subject) -> list[Found]:
        """Return the sum over colours of input times gradient, for each class."""
        from cnnviz_desktop.engine.input_pass import Found, InputPass

        seen = InputPass(subject.model, subject.tensor, subject.run)
        slopes, _ = seen.gradients(subject.targets(seen.logits[0]))
        found = []
        for slope in slopes:
            parts = (subject.tensor * slope)[0]
            found.append(Found(parts.sum(dim=0), colours=parts, gradient=float(slope.norm())))
        return found
