"""Open a checkpoint of 553 MB, and hold the memory that it takes against its size.

Each contender runs in a process of its own and reports what its peak grew by, files mapped into
memory included. A “second” of a row is a gigabyte here, so that its milliseconds are megabytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ratio import Row

_SHARE = 1.2  # of the file's size, which the issue asks for

_SAVE = """
import sys, torch, torchvision
from cnnviz_desktop.engine.weights import undrawn
with undrawn():
    state = torchvision.models.vgg16(weights=None).state_dict()
for value in state.values():
    value.fill_(0.01)
path, how = sys.argv[1:]
if how == "safetensors":
    from safetensors.torch import save_file
    save_file(state, path)
elif how == "checkpoint":
    moments = {key: value.clone() for key, value in list(state.items())[:-6]}
    torch.save({"state_dict": state, "optimizer": {"state": {0: moments}}, "epoch": 3}, path)
else:
    torch.save(state, path, _use_new_zipfile_serialization=how != "legacy")
"""

_OPEN = """
import sys, torch
from cnnviz_desktop.engine.models import load_model
path, how = sys.argv[1:]
load_model("squeezenet1_1", "none")  # what the libraries take, once
def of(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) / 1e6
before = of("VmRSS")
if how == "open":
    model = load_model("vgg16", path)
elif how == "load":
    model = torch.load(path, weights_only=True)
else:
    import torchvision
    model = torchvision.models.vgg16(weights=None)
    model.load_state_dict(torch.load(path, weights_only=True))
print(of("VmHWM") - before)
"""


def _run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def _grown(path: Path, how: str) -> float:
    """Return the gigabytes that the peak of a fresh process grows by."""
    return float(_run(_OPEN, str(path), how))


def rows() -> Iterator[Row]:
    """Yield one row a kind of file; the floor is the size of the file."""
    if not Path("/proc/self/status").is_file():
        return
    with tempfile.TemporaryDirectory() as folder:
        for how in ("state dict", "checkpoint", "legacy", "safetensors"):
            path = Path(folder) / f"{how}.pth"
            _run(_SAVE, str(path), how)
            size = path.stat().st_size / 1e9
            contenders = {
                "size of the file": lambda size=size: size,
                "cnnviz": lambda path=path: _grown(path, "open"),
            }
            if how == "state dict":
                contenders["torch.load"] = lambda path=path: _grown(path, "load")
                contenders["by hand"] = lambda path=path: _grown(path, "by hand")
            yield Row(
                f"open a checkpoint: {how}",
                contenders,
                rounds=3,
                target=_SHARE,
                note="ms stands for MB: what the peak of a fresh process grows by",
                reported=True,
            )
            path.unlink()
