"""Guided backpropagation: what in the picture excites the features that speak for a class.

Springenberg, Dosovitskiy, Brox and Riedmiller, "Striving for Simplicity: The All Convolutional
Net", ICLR workshop 2015, arXiv:1412.6806.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.input_explanation import InputExplanation

if TYPE_CHECKING:
    from cnnviz_desktop.engine.input_pass import Found, Subject


@dataclass(frozen=True, kw_only=True)
class GuidedBackprop(InputExplanation):
    """Lead a class's logit back to the input, through rectifiers only what is above zero.

    A rectifier lets pass g where both its input and g are above zero, whoever calls it: ReLU and
    ReLU6 as layers or functions, in place or not, clamp(min=0). Networks without any are refused.
    The map is the largest magnitude over the colours of a pixel; `colours` keeps the signs. It
    shows fine detail and depends little on the class (arXiv:1810.03292).
    """

    title: ClassVar[str] = "Guided backpropagation"
    command: ClassVar[str] = "guided-backprop"
    summary: ClassVar[str] = "Show the detail that excites what speaks for a class."
    paper: ClassVar[str] = "arXiv:1412.6806"
    signed: ClassVar[bool] = False

    def explain(self, subject: Subject) -> list[Found]:
        """Return the largest magnitude of what comes back to each pixel, for each class."""
        from cnnviz_desktop.engine.input_pass import led_back

        return led_back(subject, "guided")
