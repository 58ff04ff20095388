"""A folder of pictures of the classes 0 and 1, which every network knows."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image


@cache
def numbered_folder() -> Path:
    """Make two pictures of noise, one in each of two folders that are called by an index."""
    root = Path(tempfile.mkdtemp(prefix="cnnviz-tests-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for label in range(2):
        (root / str(label)).mkdir()
        noise = np.random.default_rng(label).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(noise).save(root / str(label) / "noise.png")
    return root
