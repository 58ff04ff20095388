"""Exemplars of resnet50's layer2: pictures per second, against a full forward for each picture."""

from __future__ import annotations

import copy
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.ratio import Row
from cnnviz_desktop import load_model
from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.datasets import Dataset, Item, open_dataset
from cnnviz_desktop.engine.exemplar_pass import MaximaPass
from cnnviz_desktop.engine.exemplars import fill
from cnnviz_desktop.engine.images import load_image
from cnnviz_desktop.engine.loaded_model import LoadedModel

PICTURES = 16
LAYER = "layer2"
FEW, MANY = 64, 1024


def rows() -> Iterator[Row]:
    """Yield a row from prepared tensors on, one from files on, and one of what memory is needed."""
    model = load_model("resnet50", weights="none")
    plain = copy.deepcopy(model.module).to(memory_format=torch.contiguous_format)
    noise = torch.randn(PICTURES, 3, 224, 224)
    one_by_one = [item.contiguous() for item in torch.split(noise, 1)]
    maxima = MaximaPass(model, [LAYER])
    size = maxima.batch(PICTURES)
    batches = [item.contiguous() for item in torch.split(noise, size)]

    def full() -> None:
        with torch.inference_mode():
            for tensor in one_by_one:
                plain(tensor)

    def truncated() -> None:
        for tensor in batches:
            maxima(tensor)

    yield Row(
        name="exemplars resnet50 layer2",
        contenders={"full forward per picture": full, "cnnviz": truncated},
        target=round(1 / 2.3, 3),
        note=f"batch of {size}, measured",
    )
    yield from _from_files(model, plain)
    yield _memory()


def _from_files(model: LoadedModel, plain: torch.nn.Module) -> Iterator[Row]:
    """Compare whole runs over JPEG files of photographs' size, the index among them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        folder.mkdir()
        numbers = np.random.default_rng(0)
        for number in range(PICTURES):
            coarse = numbers.integers(0, 256, (30, 40, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
            picture.save(folder / f"{number}.jpg", quality=90)
        dataset = open_dataset(folder)

        def full() -> None:
            for path in sorted(folder.iterdir()):
                tensor: Tensor = model.preprocessing(load_image(path))[0]
                with torch.inference_mode():
                    plain(tensor)

        yield Row(
            name="exemplars resnet50 layer2 from files",
            contenders={"decode and full forward": full, "cnnviz": _filling(model, dataset)},
            target=round(1 / 2.3, 3),
        )


def _filling(model: LoadedModel, dataset: Dataset) -> Callable[[], None]:
    def work() -> None:
        with fresh_cache():
            fill(model, dataset, [LAYER], batch=4)

    return work


@contextmanager
def fresh_cache() -> Iterator[None]:
    """Keep indexes in a folder of their own for a while."""
    before = os.environ.get("CNNVIZ_CACHE_DIR")
    with tempfile.TemporaryDirectory() as place:
        os.environ["CNNVIZ_CACHE_DIR"] = place
        try:
            yield
        finally:
            os.environ.pop("CNNVIZ_CACHE_DIR")
            if before is not None:
                os.environ["CNNVIZ_CACHE_DIR"] = before


def _memory() -> Row:
    """Compare the megabytes that many pictures need with those that few need: none more."""

    def peak(count: int) -> float:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.exemplars", str(count)],
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout) / 1000  # a “second” is a gigabyte here

    return Row(
        name="exemplars' memory in MB",
        contenders={f"{FEW} pictures": lambda: peak(FEW), "cnnviz": lambda: peak(MANY)},
        rounds=3,
        target=1.05,
        note=f"ms stands for MB; cnnviz is {MANY} pictures",
        reported=True,
    )


def peak_memory(count: int) -> float:
    """Return the most memory this process needs to look at so many pictures, in MB."""
    model = load_model("bundled", weights="none")

    def read(key: str) -> ImageInput:
        numbers = np.random.default_rng(int(key))
        return ImageInput(numbers.integers(0, 256, (512, 512, 3), dtype=np.uint8))

    items = [Item(str(place)) for place in range(count)]
    with fresh_cache():
        dataset = Dataset("noise", "noise", "noise", items, (), read, place=str(count))
        fill(model, dataset, ["blocks.0"], batch=4)
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells there is the parent's, where that was larger
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(peak_memory(int(sys.argv[1])))
