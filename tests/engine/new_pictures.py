"""Draw five classes that the bundled model was not trained on, on the same clutter."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cnnviz_desktop.bundled.pictures import background

CLASSES = ("arrow", "bowtie", "crescent", "ladder", "spiral")
_LARGE = 4  # drawn this much larger, then reduced: soft edges


def write_pictures(folder: Path, each: int, seed: int = 0) -> Path:
    """Write a folder for each of the five classes, and return the folder of all."""
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            picture = drawn(label, 7_000_000 + seed + 1000 * label + number)
            Image.fromarray(picture).save(folder / name / f"{number}.png", compress_level=1)
    return folder


def drawn(label: int, seed: int) -> np.ndarray:
    """Draw an object of a class in a random place, size, turn and colour."""
    rng = np.random.default_rng(seed)
    scene = Image.fromarray(background(seed)).resize((128 * _LARGE, 128 * _LARGE))
    side = rng.uniform(44, 70) * _LARGE
    stamp = Image.new("L", (round(side), round(side)), 0)
    _SHAPES[CLASSES[label]](ImageDraw.Draw(stamp), side)
    stamp = stamp.rotate(rng.uniform(0, 360), expand=True)
    corner = [int(rng.integers(0, max(1, 128 * _LARGE - size))) for size in stamp.size]
    # Of a few colours the one that stands out: nobody could tell one in the colour of its ground.
    ground = np.asarray(scene)[corner[1] :, corner[0] :][: stamp.height, : stamp.width]
    colours = rng.integers(0, 256, (6, 3))
    apart = np.abs(colours - ground.mean((0, 1))).sum(1)
    inked = tuple(int(c) for c in colours[int(apart.argmax())])
    colour = Image.new("RGB", stamp.size, inked)
    scene.paste(colour, tuple(corner), stamp)
    return np.asarray(scene.resize((128, 128), Image.Resampling.BOX))


def _arrow(draw: ImageDraw.ImageDraw, s: float) -> None:
    draw.polygon([(0, s / 2), (s / 2, 0), (s / 2, s)], fill=255)
    draw.rectangle((s / 2, 0.38 * s, s, 0.62 * s), fill=255)


def _bowtie(draw: ImageDraw.ImageDraw, s: float) -> None:
    draw.polygon([(0, 0.1 * s), (0, 0.9 * s), (s, 0.1 * s), (s, 0.9 * s)], fill=255)


def _crescent(draw: ImageDraw.ImageDraw, s: float) -> None:
    draw.ellipse((0, 0, s, s), fill=255)
    draw.ellipse((0.3 * s, 0.05 * s, 1.15 * s, 0.9 * s), fill=0)


def _ladder(draw: ImageDraw.ImageDraw, s: float) -> None:
    for x in (0.15, 0.72):
        draw.rectangle((x * s, 0, (x + 0.13) * s, s), fill=255)
    for y in np.arange(0.08, 0.95, 0.2):
        draw.rectangle((0.2 * s, y * s, 0.8 * s, (y + 0.08) * s), fill=255)


def _spiral(draw: ImageDraw.ImageDraw, s: float) -> None:
    turns = np.linspace(0, 5 * math.pi, 120)
    radius = turns / turns[-1] * 0.46 * s
    points = [
        (s / 2 + r * math.cos(a), s / 2 + r * math.sin(a))
        for a, r in zip(turns, radius, strict=True)
    ]
    draw.line(points, fill=255, width=round(0.08 * s), joint="curve")


_SHAPES = {
    "arrow": _arrow,
    "bowtie": _bowtie,
    "crescent": _crescent,
    "ladder": _ladder,
    "spiral": _spiral,
}
