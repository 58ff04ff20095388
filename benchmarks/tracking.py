"""Training the bundled network with `track` at its default interval, and without it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.nn import functional

from benchmarks.ratio import Row
from cnnviz_desktop.bundled.network import BundledNet
from cnnviz_desktop.engine.tracking import Tracker, track

BATCH = 32
STEPS = 50  # the default interval: one full look each round


def rows() -> Iterator[Row]:
    """Yield the row: both train for as many steps as lie between two looks, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        images = torch.rand(8, 3, 128, 128, generator=torch.Generator().manual_seed(1))
        tracker_net = BundledNet()
        tracker = track(tracker_net, Path(folder), images=images, most=None)
        plain, tracked = _Loop(BundledNet()), _Loop(tracker_net)

        pair = _Pair(plain, tracked, tracker)

        yield Row(
            name="track a training",
            contenders={"plain loop": pair.plain_time, "cnnviz": pair.tracked_time},
            rounds=7,
            target=1.03,
            note=f"{STEPS} steps of {BATCH} pictures, one full look",
            reported=True,
        )
        tracker.close()


class _Loop:
    """A plain training loop over pictures of noise."""

    def __init__(self, net: BundledNet) -> None:
        self.net = net.train()
        generator = torch.Generator().manual_seed(0)
        self.pictures = torch.rand(BATCH, 3, 128, 128, generator=generator)
        self.targets = torch.randint(12, (BATCH,), generator=generator)
        self.optimiser = torch.optim.SGD(net.parameters(), 0.001)

    def step(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Take one step."""
        outputs = self.net(self.pictures)
        loss = functional.cross_entropy(outputs, self.targets)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        return outputs, self.targets, loss


class _Pair:
    """Two loops whose steps are taken in turns: what slows the machine slows both."""

    def __init__(self, plain: _Loop, tracked: _Loop, tracker: Tracker) -> None:
        self._loops = plain, tracked
        self._tracker = tracker
        self._times: tuple[float, float] | None = None

    def plain_time(self) -> float:
        """Return the seconds of the plain loop."""
        return self._measured()[0]

    def tracked_time(self) -> float:
        """Return the seconds of the tracked loop."""
        return self._measured()[1]

    def _measured(self) -> tuple[float, float]:
        """Return the times of one run to both contenders of a round."""
        if self._times is not None:
            found, self._times = self._times, None
            return found
        plain, tracked = self._loops
        sums = [0.0, 0.0]
        for _ in range(STEPS):
            start = time.perf_counter()
            plain.step()
            middle = time.perf_counter()
            outputs, targets, loss = tracked.step()
            self._tracker.step(loss=loss, outputs=outputs, targets=targets)
            sums[0] += middle - start
            sums[1] += time.perf_counter() - middle
        self._times = sums[0], sums[1]
        return self._times
