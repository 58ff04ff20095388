"""The rest of the CAM family: gradient methods against their floor, Score-CAM against its peer.

`python -m benchmarks.cams` measures memory instead: what explaining adds to the peak of a process.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import gc
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.grad_cam import MODELS, TARGETS, floor, prepared
from benchmarks.ratio import Row
from cnnviz_desktop import GradCam, GradCamPlusPlus, LayerCam, ScoreCam

SCORE_TARGETS = {"squeezenet1_0": 0.4, "resnet50": 0.55, "vgg16": 0.8}
MEMORY_LIMITS = {"grad-cam": 75, "score-cam": 400}  # MB on vgg16


def rows() -> Iterator[Row]:
    """Yield two rows a model for methods with gradients, then one a model for Score-CAM."""
    for name in MODELS:
        model, image, tensor = prepared(name)
        plain = copy.deepcopy(model.module).to(memory_format=torch.contiguous_format)
        least = floor(plain, plain.get_submodule(model.default_layer), tensor)
        for kind in (GradCamPlusPlus, LayerCam):
            yield Row(
                name=f"{kind.command} {name}",
                contenders={"floor": least, "cnnviz": partial(kind(target=0), model, image)},
                target=TARGETS[name],
            )
    for name, target in SCORE_TARGETS.items():
        model, image, tensor = prepared(name)
        yield Row(
            name=f"score-cam {name}",
            contenders={
                "pytorch-grad-cam": pytorch_grad_cam(model.module, model.default_layer, tensor),
                "cnnviz": partial(ScoreCam(target=0), model, image),
            },
            rounds=3,  # of minutes each
            target=target,
            note="The first contender is the peer: maps are identical.",
        )


def pytorch_grad_cam(module: nn.Module, layer: str, tensor: Tensor) -> Callable[[], Any]:
    """Return pytorch-grad-cam's ScoreCAM as it comes, its progress bar thrown away."""
    plain = copy.deepcopy(module).to(memory_format=torch.contiguous_format)

    def work() -> Any:
        from pytorch_grad_cam import ScoreCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        with (
            contextlib.redirect_stderr(io.StringIO()),
            ScoreCAM(plain, [plain.get_submodule(layer)]) as method,
        ):
            return method(tensor, targets=[ClassifierOutputTarget(0)])

    return work


# ---------------------------------------------------------------------------------------- memory


def main() -> None:
    """Print how much memory each method adds on vgg16, each measured in a process of its own."""
    if len(sys.argv) > 1:
        _report(sys.argv[1])
        return
    for command in MEMORY_LIMITS:
        subprocess.run([sys.executable, "-m", "benchmarks.cams", command], check=True)


def _report(command: str) -> None:
    torch.set_num_threads(2)
    model, image, _tensor = prepared("vgg16")
    with torch.inference_mode():
        model.module(model.prepare(image)[0][:, :, :32, :32])  # what the first pass of all takes
    technique = {kind.command: kind for kind in (GradCam, ScoreCam)}[command](target=0)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # nothing that is free already hides what is taken
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak is counted from here
    technique(model, image)
    peak = _memory("VmHWM") - before
    print(f"{command:<10} {peak:7.1f} MB at the peak (limit {MEMORY_LIMITS[command]})", end="")
    if command != "grad-cam":
        print()
        return
    after = []
    for _ in range(200):
        technique(model, image)
        after.append(_memory("VmRSS") - before)
    print(f", {after[9]:.1f} MB more after 10 runs, {after[-1]:.1f} after 200")


def _memory(key: str) -> float:
    """Return a figure of this process in MB, as Linux tells it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(key))


if __name__ == "__main__":
    main()
