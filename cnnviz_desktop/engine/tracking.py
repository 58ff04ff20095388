"""Log a network to TensorBoard while anyone's loop trains it, and leave the training as it is.

    with track(model, log_dir="runs/a", images=batch[:8]) as tracker:
        for pictures, targets in loader:
            outputs = model(pictures)
            loss = criterion(outputs, targets)
            ...
            tracker.step(loss=loss, outputs=outputs, targets=targets)

What is looked at besides the numbers that are given comes from a pass of its own over a few fixed
images: hooks are set during that pass alone, and modes, buffers and random numbers are put back.
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from cnnviz_desktop.engine import tracked_images
from cnnviz_desktop.engine.event_files import writer
from cnnviz_desktop.engine.outputs import scores_of
from cnnviz_desktop.engine.recording import first_tensor, forward_from, hooked
from cnnviz_desktop.errors import ParameterError

if TYPE_CHECKING:
    from typing import Self

_MOST_IMAGES = 8
_MOST_LAYERS = 32  # that histograms are written of; of more, some from first to last
_MOST_PICTURED = 4  # layers whose maps are shown
_MOST_CAMS = 4
_SAMPLE = 2**15  # numbers a histogram is made of
_BINS = 64
_KERNELS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
_RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.ELU)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def track(
    model: nn.Module,
    log_dir: Path | str = "runs/cnnviz",
    every: int = 50,
    images: Tensor | None = None,
    *,
    graph: bool = True,
    most: float | None = 0.03,
) -> Tracker:
    """Return what logs a network that is being trained, each `every` steps, into `log_dir`.

    `images` (N, C, H, W) are a few inputs of the network: with them there are activations, dead
    filters, feature maps and CAMs. No more than the share `most` of the training's time is spent:
    steps whose turn comes too soon log their numbers alone; None is no limit. Raises
    `CnnvizError` without TensorBoard.
    """
    return Tracker(model, log_dir, every, images, graph=graph, most=most)


class Tracker:
    """Log a network's numbers and pictures; see `track`."""

    def __init__(
        self,
        model: nn.Module,
        log_dir: Path | str,
        every: int,
        images: Tensor | None,
        *,
        graph: bool,
        most: float | None,
    ) -> None:
        if every < 1:
            raise ParameterError(f"A network is logged every 1 or more steps, not {every}.")
        if images is not None and images.ndim < 3:
            raise ParameterError("The images to track are inputs of the network: (N, C, H, W).")
        self.module = _bare(model)
        self.writer = writer(log_dir)
        self.steps = 0
        self.spent = 0.0  # seconds
        self._every, self._graph, self._most = every, graph, most
        self._images = None if images is None else images[:_MOST_IMAGES].detach().clone()
        self._start = time.perf_counter()
        self._looked = -1  # the last step that was looked at in full
        self._look_takes = 0.0
        self._ended = False  # the log, since it could not be written any more

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def step(
        self,
        loss: Tensor | float | None = None,
        outputs: Any = None,
        targets: Tensor | None = None,
        **scalars: Tensor | float,
    ) -> None:
        """Count a step of the training, and log it when its turn has come.

        Called after `backward` and before the gradients are zeroed there are histograms of these
        too. `outputs` and `targets` are the batch's; further numbers go by their names.
        """
        step, self.steps = self.steps, self.steps + 1
        if step % self._every or self._ended:
            return
        with self._writing():
            self._log(step, loss, outputs, targets, scalars)

    def _log(
        self,
        step: int,
        loss: Tensor | float | None,
        outputs: Any,
        targets: Tensor | None,
        scalars: Mapping[str, Tensor | float],
    ) -> None:
        start = time.perf_counter()
        numbers = {name: float(value) for name, value in scalars.items()}
        if loss is not None:
            numbers["loss"] = float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
        if outputs is not None and targets is not None:
            numbers |= measured(outputs, targets)
        self.scalars({f"{name}/train": value for name, value in numbers.items()}, step)
        if self._may_look(start):
            self._look(step)
        self.spent += time.perf_counter() - start

    def scalars(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers by their tags, such as “loss/held_out”."""
        place = max(0, self.steps - 1) if step is None else step
        with self._writing():
            for tag, value in values.items():
                self.writer.add_scalar(tag, value, place)

    def look(self) -> None:
        """Log weights, and with images what the network makes of them, whatever the turn."""
        with self._writing():
            self._look(self.steps)

    def close(self) -> None:
        """Log the last state and have all on disk."""
        with self._writing():
            late = self.steps and self._looked < self.steps - 1
            if not self._ended and late and self._may_look(time.perf_counter()):
                self._look(self.steps - 1)
        with self._writing():
            self.writer.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let a training go on where its log cannot: a full disk, a folder that is gone."""
        try:
            yield
        except OSError as error:
            if not self._ended:
                reason = error.strerror or str(error)
                warnings.warn(
                    f"{self.writer.log_dir} cannot be written any more ({reason}): the training "
                    "goes on and is no longer logged.",
                    stacklevel=4,
                )
            self._ended = True

    # ------------------------------------------------------------------------------------ looking

    def _may_look(self, now: float) -> bool:
        """Tell whether a full look keeps within the share of time that may be spent."""
        if self._most is None or self._looked < 0:
            return True
        return self.spent + self._look_takes <= self._most * (now - self._start)

    def _look(self, step: int) -> None:
        start = time.perf_counter()
        with _left_alone(self.module), torch.no_grad():
            if self._looked < 0 and self._graph and self._images is not None:
                self._write_graph(self._images)
                start = time.perf_counter()  # once, whatever it takes
            self._write_weights(step)
            if self._images is not None:
                self._write_images(step, self._images)
        self._looked = step
        self._look_takes = time.perf_counter() - start

    def _write_graph(self, images: Tensor) -> None:
        """Write the network's graph; one that cannot be traced has none."""
        quiet = contextlib.redirect_stdout(io.StringIO())
        with warnings.catch_warnings(), quiet, contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            example = self._placed(images[:1]).clone()  # which the network may write into
            self.writer.add_graph(self.module, example, use_strict_trace=False)

    def _placed(self, images: Tensor) -> Tensor:
        example = next(self.module.parameters(), None)
        return images if example is None else images.to(example.device, example.dtype)

    def _write_weights(self, step: int) -> None:
        """Write the weights of layers with kernels, their gradients, and the first filters."""
        for name, layer in _spread(_named(self.module, _KERNELS)):
            weight = layer.weight
            if not isinstance(weight, Tensor):
                continue
            self._write_numbers("weight", name, weight.detach(), step)
            if weight.grad is not None:
                gradient = weight.grad.detach()
                self.writer.add_scalar(f"gradient_norm/{name}", float(gradient.norm()), step)
                self._write_histogram(f"gradients/{name}", gradient, step)
        for name, layer in _named(self.module, (nn.Conv2d,))[:1]:
            weight = layer.weight
            if isinstance(weight, Tensor):
                drawn = tracked_images.filters(weight.detach())
                self.writer.add_image(f"filters/{name}", drawn, step, dataformats="HWC")

    def _write_numbers(self, what: str, name: str, values: Tensor, step: int) -> None:
        flat = values.float()
        spread, mean = torch.std_mean(flat, correction=0)
        self.writer.add_scalar(f"{what}_mean/{name}", float(mean), step)
        self.writer.add_scalar(f"{what}_std/{name}", float(spread), step)
        self._write_histogram(f"{what}s/{name}", flat, step)

    def _write_histogram(self, tag: str, values: Tensor, step: int) -> None:
        flat = values.reshape(-1)
        flat = flat[:: max(1, flat.numel() // _SAMPLE)].cpu().double()
        flat = flat[torch.isfinite(flat)]
        if not flat.numel():
            return
        low, high = (float(item) for item in flat.aminmax())
        ends = (low, high) if high > low else (low - 0.5, high + 0.5)
        counts = torch.histc(flat.float(), _BINS, *ends).numpy()
        # By hand: what add_histogram does takes ten times as long.
        self.writer.add_histogram_raw(
            tag,
            min=low,
            max=high,
            num=flat.numel(),
            sum=float(flat.sum()),
            sum_squares=float(flat.square().sum()),
            bucket_limits=np.linspace(*ends, _BINS + 1)[1:].tolist(),
            bucket_counts=counts.tolist(),
            global_step=step,
        )

    def _write_images(self, step: int, images: Tensor) -> None:
        """Write what one pass over the images shows, and where the network looks."""
        inputs = self._placed(images)
        watched = _watched(self.module)
        names = {layer: name for name, layer in watched}
        shown = _shown(self.module)
        names |= {layer: name for name, layer in shown.items()}
        last = [name for name, _layer in _named(self.module, _KERNELS)[-1:]]

        def look(layer: nn.Module, _inputs: object, output: object) -> None:
            values, name = first_tensor(output), names[layer]
            if values is None:
                return
            self._write_numbers("activation", name, values.detach(), step)
            if name not in last and values.ndim >= 2:
                peaks = values.amax([axis for axis in range(values.ndim) if axis != 1])
                share = float((peaks <= 0).float().mean())
                self.writer.add_scalar(f"dead_filters/{name}", share, step)
            if name in shown and values.ndim == 4:
                drawn = tracked_images.maps(values[0])
                self.writer.add_image(f"maps/{name}", drawn, step, dataformats="HWC")

        with hooked(names, after=look):
            self.module(inputs.clone())
        self._write_cams(step, inputs)

    def _write_cams(self, step: int, inputs: Tensor) -> None:
        """Write Grad-CAM (arXiv:1610.02391) of the likeliest class at the last convolution."""
        layer = next(reversed(_named(self.module, (nn.Conv2d,))), None)
        if layer is None or inputs.ndim != 4:
            return
        pictures = inputs[:_MOST_CAMS]
        with contextlib.suppress(RuntimeError):  # the layer is not run, or decides nothing
            leaf, output = forward_from(self.module, pictures, layer[0], 0)
            scores = scores_of(output)
            if scores is None or leaf.ndim != 4:
                return
            with torch.enable_grad():
                score = scores.amax(1).sum()  # of each picture by itself
            # Of the maps alone: no parameter's gradient is touched.
            (gradient,) = torch.autograd.grad(score, leaf)
            weights = gradient.mean((2, 3), keepdim=True)
            heat = (weights * leaf.detach()).sum(1).relu()
            drawn = [tracked_images.overlay(*pair) for pair in zip(pictures, heat, strict=True)]
            beside = tracked_images.in_a_row(drawn)
            self.writer.add_image(f"cam/{layer[0]}", beside, step, dataformats="HWC")


def measured(outputs: Any, targets: Tensor) -> dict[str, float]:
    """Return accuracy, MSE and R² of a batch: of probabilities, or of numbers where they are."""
    with torch.no_grad():
        targets = targets.detach()
        if targets.is_floating_point() and isinstance(outputs, Tensor):
            if outputs.shape != targets.shape:
                return {}
            found, wanted = outputs.detach().float(), targets.float()
            spread = (wanted - wanted.mean()).square().sum()
            off = (found - wanted).square()
            return {"MSE": float(off.mean()), **_r2(float(off.sum()), float(spread))}
        scores = scores_of(outputs)
        if scores is None or targets.ndim != 1 or len(targets) != len(scores):
            return {}
        shares = scores.detach().float().softmax(1)
        wanted = torch.zeros_like(shares).scatter_(1, targets[:, None].long(), 1)
        off = (shares - wanted).square()
        hits = (scores.argmax(1) == targets).float().mean()
        spread_of_classes = len(targets) * (1 - 1 / scores.shape[1])
        return {
            "accuracy": float(hits),
            "MSE": float(off.mean()),
            **_r2(float(off.sum()), spread_of_classes),
        }


def _r2(off: float, spread: float) -> dict[str, float]:
    return {"R2": 1 - off / spread} if spread else {}


# ------------------------------------------------------------------------------------- left alone


@contextmanager
def _left_alone(module: nn.Module) -> Iterator[None]:
    """Have the network in eval mode, and put modes, buffers and random numbers back."""
    modes = [(part, part.training) for part in module.modules()]
    buffers = [(item, item.detach().clone()) for item in module.buffers()]
    devices = sorted({item.device.index or 0 for item in module.parameters() if item.is_cuda})
    try:
        with torch.random.fork_rng(devices=devices):
            for part, _mode in modes:
                part.training = False
            yield
    finally:
        for part, mode in modes:
            part.training = mode
        with torch.no_grad():
            for item, before in buffers:
                # Only where it changed: writing would tell autograd that what it keeps is stale.
                if not torch.equal(item, before):
                    item.copy_(before)


def _bare(model: nn.Module) -> nn.Module:
    """Return the network inside what DataParallel or torch.compile wrap around it."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(
            model, (nn.DataParallel, nn.parallel.DistributedDataParallel)
        ):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def _named(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> list[tuple[str, nn.Module]]:
    return [
        (name or type(part).__name__, part)
        for name, part in module.named_modules()
        if isinstance(part, kinds)
    ]


def _spread(items: Sequence[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Return at most so many items, evenly from the first to the last."""
    if len(items) <= _MOST_LAYERS:
        return list(items)
    step = (len(items) - 1) / (_MOST_LAYERS - 1)
    return [items[round(step * place)] for place in range(_MOST_LAYERS)]


def _shown(module: nn.Module) -> dict[str, nn.Module]:
    """Return the layers whose maps are shown: a few, evenly over the depth."""
    found = _named(module, (*_RECTIFIERS, nn.Conv2d))
    rectified = [item for item in found if isinstance(item[1], _RECTIFIERS)]
    found = rectified if len(rectified) >= _MOST_PICTURED else found
    if len(found) <= _MOST_PICTURED:
        return dict(found)
    step = (len(found) - 1) / (_MOST_PICTURED - 1)
    return dict(found[round(step * place)] for place in range(_MOST_PICTURED))


def _watched(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the layers whose outputs are measured: what fires, and the last one with weights.

    Where no layer is a rectifier, as with functional ones, the norms stand for them, or what has
    kernels: a filter whose output never rises above zero there is dead behind it as well.
    """
    kernels = _named(module, _KERNELS)
    for kinds in (_RECTIFIERS, _NORMS):
        found = _named(module, kinds)
        if found:
            break
    else:
        found = kernels[:-1]
    return [*_spread(found), *kernels[-1:]]
