"""Activation maximisation against Lucent's, which the libraries of today build on.

Rows "same work": 128 pixels, Lucent's transforms, upsampled to 224. Rows "native": without the
upsample. Every contender makes the same number of steps. Lucent's default preprocessing and Adam
are ours too, so what differs is how the work is done. What a run does once does not count: from the
time of a run that of another of one step is taken away. The floor is Lucent: a ratio of 0.5 is
twice its steps per second. `python -m benchmarks.maximisation` also measures peak memory, each
contender in a process of its own, what units answer to native pictures, and the hooks left.
"""

from __future__ import annotations

import copy
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.ratio import Row
from cnnviz_desktop import ActivationMaximization, load_model
from cnnviz_desktop.engine.loaded_model import LoadedModel

# In one contender's turn, by channels.
STEPS = {"vgg16": {1: 24, 16: 6}, "squeezenet": {1: 64, 16: 16}}
CHANNELS = 16
_REAL = Path(__file__).parents[2] / "shared" / "real" / "squeezenet1_0-imagenet.pth"


def subjects() -> Iterator[tuple[str, LoadedModel, str]]:
    """Yield networks with the layer whose channels are maximised."""
    yield "vgg16", load_model("vgg16", weights="none"), "features.12"
    if _REAL.exists():
        yield "squeezenet", load_model("squeezenet1_0", weights=str(_REAL)), "features.9"


def rows() -> Iterator[Row]:
    """Yield one channel and sixteen of each network, at the same work and at the native grid."""
    for name, model, layer in subjects():
        for count in (1, CHANNELS):
            steps = STEPS[name][count]
            floor = stepping(partial(lucent, model, layer, count), steps)
            for work, shown in (("same work", "input"), ("native", "native")):
                own = stepping(partial(ours, model, layer, count, shown=shown), steps)
                same = 1 / 2.1 if count == 1 else 1 / 2.3
                yield Row(
                    name=f"maximise {count} of {name} {layer}, {work}",
                    contenders={"lucent": floor, "cnnviz": own},
                    rounds=5,
                    target=same if shown == "input" else 1 / 6,
                    reported=True,
                )


def stepping(made: Callable[[int], Callable[[], object]], steps: int) -> Callable[[], float]:
    """Return how long the steps of a way take, without what its runs do once."""
    one, more = made(1), made(1 + steps)

    def work() -> float:
        start = time.perf_counter()
        one()
        middle = time.perf_counter()
        more()
        return (time.perf_counter() - middle) - (middle - start)

    return work


def ours(
    model: LoadedModel, layer: str, count: int, steps: int, shown: str
) -> Callable[[], object]:
    """Return this project's way."""
    pad = 12 if shown == "input" else 6  # Lucent's own, and ours
    technique = ActivationMaximization(layer=layer, count=count, steps=steps, shown=shown, pad=pad)
    return lambda: technique(model)


def lucent(model: LoadedModel, layer: str, count: int, steps: int) -> Callable[[], object]:
    """Return Lucent's `render_vis`, one channel after the other, as its users run it."""
    module = plain(model)
    name = layer.replace(".", "_")

    def work() -> list[Any]:
        from lucent.optvis import render

        found = []
        for channel in range(count):
            found.append(
                render.render_vis(
                    module,
                    f"{name}:{channel}",
                    thresholds=(steps,),
                    progress=False,
                    show_image=False,
                )
            )
            release(module)
        return found

    return work


def plain(model: LoadedModel) -> nn.Module:
    """Return the network as Lucent's users have it: its parameters trainable, NCHW."""
    module = copy.deepcopy(model.module).to(memory_format=torch.contiguous_format)
    return module.requires_grad_(True)


def release(module: nn.Module) -> int:
    """Take off the hooks that were left, or each run would be slower; return how many."""
    left = 0
    for child in module.modules():
        left += len(child._forward_hooks)
        child._forward_hooks.clear()
    return left


# --------------------------------------------------------------------------- memory, answers, hooks


def lucent_batch(model: LoadedModel, layer: str, count: int, steps: int) -> Callable[[], object]:
    """Return Lucent's `render_vis` with all channels as one batch, its only way to have them so."""
    module = plain(model)
    name = layer.replace(".", "_")

    def work() -> Any:
        from lucent.optvis import objectives, param, render

        parts = [objectives.channel(name, place, batch=place) for place in range(count)]
        return render.render_vis(
            module,
            objectives.Objective.sum(parts),
            lambda: param.image(128, batch=count),
            thresholds=(steps,),
            progress=False,
            show_image=False,
        )

    return work


def _peak(who: str, count: int) -> float:
    """Return the megabytes that two steps take above what the loaded network does."""
    torch.set_num_threads(2)
    model = load_model("vgg16", weights="none")
    # What is loaded once is no part of the work.
    ActivationMaximization(layer="features.0", steps=1, side=32)(model)
    import_module("lucent.optvis.render" if who == "lucent" else "cnnviz_desktop")
    if who == "lucent":
        work = lucent_batch(model, "features.12", count, 2)
    else:
        work = ours(model, "features.12", count, 2, "input")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _answers(name: str, model: LoadedModel, layer: str, steps: int) -> None:
    """Print what units answer to pictures grown natively, against those grown upsampled."""
    made = {
        shown: ActivationMaximization(layer=layer, count=8, steps=steps, shown=shown)(model)
        for shown in ("native", "input")
    }
    # All units together: one that hardly fires has no share to speak of.
    native, upsampled = (float(made[way].objectives[:, -10:].mean()) for way in ("native", "input"))
    print(f"{name} {layer}: native answers {100 * native / upsampled:.0f} % of upsampled ones")


def main() -> None:
    """Print what is not a time."""
    if sys.argv[1:2] == ["peak"]:
        print(json.dumps(_peak(sys.argv[2], int(sys.argv[3]))))
        return
    for count in (1, CHANNELS):
        found = {}
        for who in ("lucent", "cnnviz"):
            command = [sys.executable, "-m", "benchmarks.maximisation", "peak", who, str(count)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found[who] = json.loads(said.splitlines()[-1])
        share = found["cnnviz"] / found["lucent"]
        print(f"peak memory, {count}: {found} MB, {share:.2f} of Lucent's")
    for name, model, layer in subjects():
        _answers(name, model, layer, 64)
        hooks = sum(len(child._forward_hooks) for child in model.module.modules())
        print(f"{name}: {hooks} hooks left")


if __name__ == "__main__":
    main()
