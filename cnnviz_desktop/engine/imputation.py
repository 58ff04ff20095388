"""Fill in pixels that were taken away, so smoothly that what is left tells little of where.

Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML 2022,
arXiv:2202.00449: every missing pixel is the weighted mean of its eight neighbours, 1/6 at the sides
and 1/12 at the corners (at the border the weights that fall outside are left out), plus noise.

That is a sparse linear system with as many unknowns as pixels are missing, symmetric and positive
definite. Conjugate gradients solve it; a multigrid cycle before each step keeps their number at
about ten, however large the holes are. All masks and colours are solved as one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.engine.run import SILENT, Run

NOISE = 0.01  # in units of the network's input, as the paper adds it

_TOLERANCE = 1e-6  # of what is left of the right-hand side: 1e-4 of the picture's range
_MOST_STEPS = 50
_COARSEST = 4  # pixels along a side: such a grid is not halved again
_DAMPING = 0.8  # of the Jacobi smoother
_ON_THE_COARSEST = 6  # smoothings
_AT_A_TIME = 2**18  # numbers: more of them only fill a processor's caches
_ON_OTHER_DEVICES = 2**24
_TINY = 1e-30  # in place of a zero to divide by


def impute(
    tensor: Tensor, missing: Tensor, *, noise: float = NOISE, seed: int = 0, run: Run = SILENT
) -> Tensor:
    """Return the input (1, C, H, W) once per mask (N, H, W), the pixels missing there filled in.

    Where nothing is left of the picture it becomes its mean colour. The noise is the seed's own, on
    every device.
    """
    on_processor = tensor.device.type == "cpu"
    count = max(1, (_AT_A_TIME if on_processor else _ON_OTHER_DEVICES) // tensor.numel())
    with torch.inference_mode(), _one_thread():
        filled = torch.cat([_solve(tensor, part, run) for part in torch.split(missing, count)])
        if noise:
            generator = torch.Generator().manual_seed(seed)
            grain = torch.randn(filled.shape, generator=generator).to(filled)
            filled += noise * grain * missing[:, None]
    return filled


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread: these thousands of short sums wait for a second one longer than it
    helps, and a hundred times as long where other programs keep the processor busy.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _solve(tensor: Tensor, missing: Tensor, run: Run) -> Tensor:
    height, width = missing.shape[1:]
    levels = 0
    while min(height, width) >> levels > _COARSEST:
        levels += 1
    padding = (0, -width % 2**levels, 0, -height % 2**levels)
    free = functional.pad(missing[:, None].to(tensor), padding)
    known = functional.pad((~missing)[:, None].to(tensor), padding)
    mean = tensor.mean(dim=(2, 3), keepdim=True)  # less is lost in rounding about it
    pictures = functional.pad(tensor - mean, padding) * known
    grids = _grids(free, known, levels)
    solved = _conjugate_gradients(grids, _neighbours(pictures) * free, run)
    filled = (pictures + solved)[..., :height, :width] + mean
    gone = missing[:, None]
    nothing = gone.all(dim=3, keepdim=True).all(dim=2, keepdim=True)
    return torch.where(gone, torch.where(nothing, mean, filled), tensor)


def _conjugate_gradients(grids: list[_Grid], wanted: Tensor, run: Run) -> Tensor:
    """Solve the finest grid's system for every right-hand side (N, C, H, W)."""
    found, left = torch.zeros_like(wanted), wanted
    size = _dot(wanted, wanted).clamp_min(_TINY)
    way = better = _cycle(grids, left)
    gain = _dot(left, better)
    for _ in range(_MOST_STEPS):
        run.check()
        across = grids[0].applied(way)
        length = gain / _dot(way, across).clamp_min(_TINY)
        found = torch.addcmul(found, length, way)
        left = torch.addcmul(left, length, across, value=-1)
        if float((_dot(left, left) / size).max()) < _TOLERANCE**2:
            break
        better = _cycle(grids, left)
        last, gain = gain, _dot(left, better)
        way = torch.addcmul(better, gain / last.clamp_min(_TINY), way)
    return found


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(dim=(2, 3), keepdim=True)


# ---------------------------------------------------------------------------------------- multigrid


@dataclass(frozen=True, eq=False)
class _Grid:
    """The system at one resolution: `free` (N, 1, h, w) is 1 where a value is sought, else 0.

    `weight` is what the neighbours of each value weigh together, those that are known included;
    `smooth` the step of the smoother; `share` what a coarser grid's correction is multiplied by.
    """

    free: Tensor
    weight: Tensor
    smooth: Tensor
    share: Tensor

    def applied(self, values: Tensor) -> Tensor:
        """Return the system's matrix times the values."""
        return torch.addcmul(self.weight * values, self.free, _neighbours(values), value=-1)

    def smoothed(self, values: Tensor, wanted: Tensor) -> Tensor:
        """Return values that are closer to the solution."""
        return torch.addcmul(values, self.smooth, wanted - self.applied(values))


def _grids(free: Tensor, known: Tensor, levels: int) -> list[_Grid]:
    """Return the system at the finest resolution and at `levels` halved ones.

    In two dimensions the same weights join the cells of a grid twice as coarse; what its pixels'
    known neighbours weigh adds up.
    """
    grids = []
    held = _neighbours(known) * free
    for level in range(levels + 1):
        weight = torch.where(free > 0, _neighbours(free) + held, 1)
        ones = torch.ones_like(free[:1, :, ::2, ::2])
        share = free / _finer(ones) if level < levels else free
        grids.append(_Grid(free, weight, _DAMPING * free / weight.clamp_min(_TINY), share))
        if level < levels:
            free = functional.max_pool2d(free, 2)
            held = functional.avg_pool2d(held, 2) * 4
    return grids


def _cycle(grids: list[_Grid], wanted: Tensor) -> Tensor:
    """Solve roughly: smooth, correct by a coarser grid's solution, smooth again."""
    grid, *coarser = grids
    values = grid.smooth * wanted
    if not coarser:
        for _ in range(_ON_THE_COARSEST):
            values = grid.smoothed(values, wanted)
        return values
    left = wanted - grid.applied(values)
    correction = _finer(_cycle(coarser, _coarser(left * grid.share)))
    return grid.smoothed(torch.addcmul(values, grid.share, correction), wanted)


def _neighbours(values: Tensor) -> Tensor:
    """Return the weighted sum of each pixel's eight neighbours, those outside being zero.

    The weights are 1 2 1 across times 1 2 1 down without the middle: sums of shifted arrays, which
    take a tenth of the time of a convolution with one channel.
    """
    down = 2 * values
    down[..., 1:, :] += values[..., :-1, :]
    down[..., :-1, :] += values[..., 1:, :]
    both = 2 * down
    both[..., 1:] += down[..., :-1]
    both[..., :-1] += down[..., 1:]
    return both.sub_(values, alpha=4).mul_(1 / 12)


def _finer(values: Tensor) -> Tensor:
    """Interpolate to twice the resolution, zero beyond the border."""
    return _finer_along(_finer_along(values, 2), 3)


def _finer_along(values: Tensor, axis: int) -> Tensor:
    inner = values.shape[axis] - 1
    first, second = 0.75 * values, 0.75 * values
    first.narrow(axis, 1, inner).add_(values.narrow(axis, 0, inner), alpha=0.25)
    second.narrow(axis, 0, inner).add_(values.narrow(axis, 1, inner), alpha=0.25)
    return torch.stack((first, second), dim=axis + 1).flatten(axis, axis + 1)


def _coarser(values: Tensor) -> Tensor:
    """Add up to half the resolution: the transpose of `_finer`, which keeps the cycle symmetric."""
    return _coarser_along(_coarser_along(values, 2), 3)


def _coarser_along(values: Tensor, axis: int) -> Tensor:
    pairs = values.reshape(*values.shape[:axis], -1, 2, *values.shape[axis + 1 :])
    first, second = pairs.unbind(axis + 1)
    added: Tensor = 0.75 * (first + second)
    inner = added.shape[axis] - 1
    added.narrow(axis, 1, inner).add_(second.narrow(axis, 0, inner), alpha=0.25)
    added.narrow(axis, 0, inner).add_(first.narrow(axis, 1, inner), alpha=0.25)
    return added
