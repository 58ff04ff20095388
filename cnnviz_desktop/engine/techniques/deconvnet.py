"""Deconvnet: the pattern in the picture that a class's score comes from, led back by a deconvnet.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
arXiv:1311.2901. As a rule for rectifiers: Springenberg et al., arXiv:1412.6806.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.input_explanation import InputExplanation

if TYPE_CHECKING:
    from cnnviz_desktop.engine.input_pass import Found, Subject


@dataclass(frozen=True, kw_only=True)
class Deconvnet(InputExplanation):
    """Lead a class's logit back to the input, rectifying it on the way as the forward pass does.

    A rectifier lets pass all g above zero, whatever it was given itself; maxima go back to where
    they came from. Only these places are the picture's own: where a network averages its last maps,
    what comes back says little of where the class is, and may be nothing. Which rectifiers are
    found and what networks are refused is as in guided backpropagation. The map is the largest
    magnitude over the colours of a pixel; `colours` keeps the signs.
    """

    title: ClassVar[str] = "Deconvnet"
    command: ClassVar[str] = "deconvnet"
    summary: ClassVar[str] = "Lead a class's score back through the network, rectified on the way."
    paper: ClassVar[str] = "arXiv:1311.2901"
    signed: ClassVar[bool] = False

    def explain(self, subject: Subject) -> list[Found]:
        """Return the largest magnitude of what comes back to each pixel, for each class."""
        from cnnviz_desktop.engine.input_pass import led_back

        return led_back(subject, "deconvnet")
