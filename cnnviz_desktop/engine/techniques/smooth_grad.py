"""SmoothGrad: saliency without the noise of a single gradient.

Smilkov, Thorat, Kim, Viegas and Wattenberg, "SmoothGrad: removing noise by adding noise", 2017,
arXiv:1706.03825.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.input_explanation import InputExplanation
from cnnviz_desktop.engine.technique import Integer, Number, parameter

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.input_pass import Found, Subject


@dataclass(frozen=True, kw_only=True)
class SmoothGrad(InputExplanation):
    """Average the gradients of a class's logit over noisy copies of the picture.

    Gradients are averaged with their signs, as in the paper, so that what fluctuates cancels out.
    The map is then made as Saliency's is, the largest magnitude over the colours of a pixel, so
    that the two can be compared; `colours` keeps the mean gradient with its sign.
    """

    title: ClassVar[str] = "SmoothGrad"
    command: ClassVar[str] = "smooth-grad"
    summary: ClassVar[str] = "Average the gradients of many noisy copies of the picture."
    paper: ClassVar[str] = "arXiv:1706.03825"
    signed: ClassVar[bool] = False

    samples: int = parameter(Integer(1, 500), 25, "Noisy copies to average over; 20 to 50 do.")
    sigma: float = parameter(
        Number(0, 1, 0.05),
        0.1,
        "Standard deviation of the noise, as a share of the input's largest minus smallest value; "
        "0.1 to 0.2 in the paper.",
    )
    seed: int = parameter(Integer(0, 999_999), 0, "Seed of the noise: the same one, the same map.")

    def is_quick(self) -> bool:
        """Say no: the network runs once for each copy."""
        return False

    def explain(self, subject: Subject) -> list[Found]:
        """Return the largest magnitude of each pixel's mean gradient, for each class."""
        from cnnviz_desktop.engine.input_pass import gradients_at

        _, targets = subject.asked()
        totals: list[Tensor] = []
        found: list[Found] = []
        done = 0
        for copies in subject.batches(self._copies(subject.tensor), self.samples, "Adding noise"):
            slopes = gradients_at(subject.model, copies, targets, subject.run)
            sums = [slope.sum(dim=0) for slope in slopes]
            totals = [one + two for one, two in zip(totals, sums, strict=True)] if totals else sums
            done += len(copies)
            found = [_mean(total / done) for total in totals]
            subject.show(found)
        return found

    def _copies(self, tensor: Tensor) -> Iterator[Tensor]:
        """Yield noisy inputs (1, C, H, W), the same for every device, batch and precision."""
        import torch

        generator = torch.Generator().manual_seed(self.seed)
        deviation = self.sigma * float(tensor.max() - tensor.min())
        for _ in range(self.samples):
            noise = torch.randn(tensor.shape, generator=generator)
            yield tensor + deviation * noise.to(tensor)


def _mean(slope: Tensor) -> Found:
    from cnnviz_desktop.engine.input_pass import Found, largest

    return Found(largest(slope), colours=slope, gradient=float(slope.norm()))
