"""Draw the pictures the bundled model knows: one textured shape on clutter, numpy and Pillow only.

A picture is a background and an object. The background is drawn from the seed alone, never from
the class, so nothing outside the object tells what the object is. Each texture and each shape
belongs to two classes, so neither alone tells it either.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cnnviz_desktop.data import Floats, Pixels

SIZE = 128
TRAINING_SEEDS = range(0, 1_000_000)
HELD_OUT_SEEDS = range(1_000_000, 2_000_000)

Mask = NDArray[np.bool_]
Colour = NDArray[np.float32]  # RGB, 0 to 255
Point = NDArray[np.float64]  # (x, y) in pixels, x right and y down
Outline = NDArray[np.float64]  # (N, 2) corners around the origin

# A walk around a circle of textures and shapes: each stands in exactly two classes.
PAIRS: tuple[tuple[str, str], ...] = (
    ("striped", "star"),
    ("dotted", "star"),
    ("dotted", "disc"),
    ("wavy", "disc"),
    ("wavy", "ring"),
    ("netted", "ring"),
    ("netted", "triangle"),
    ("ringed", "triangle"),
    ("ringed", "hexagon"),
    ("checked", "hexagon"),
    ("checked", "cross"),
    ("striped", "cross"),
)
CLASSES: tuple[str, ...] = tuple(f"{texture} {shape}" for texture, shape in PAIRS)

# The streams of random numbers of one seed; apart, so that none depends on how many another took.
_CLASS_STREAM, _BACKGROUND_STREAM, _OBJECT_STREAM = range(3)
# The share of the picture an object fills before its soft edge is counted.
_SMALLEST, _LARGEST = 0.08, 0.18
_BACKGROUND_SCALE = 2  # drawn this much larger, then reduced: soft edges
_EDGE_SCALE = 4


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn picture, the class of its object, and the pixels the object covers.

    `pixels` uint8 (128, 128, 3) RGB; `mask` bool (128, 128), True where the object shows at all.
    """

    pixels: Pixels
    label: int
    mask: Mask


def draw(seed: int, label: int | None = None) -> Drawing:
    """Draw the picture of a seed, with an object of class `label` or of the seed's own class."""
    if label is None:
        label = own_label(seed)
    texture, shape = PAIRS[label]
    return draw_pair(seed, texture, shape, label)


def own_label(seed: int) -> int:
    """Return the class a seed draws unless told otherwise; all are equally likely."""
    return int(np.random.default_rng((seed, _CLASS_STREAM)).integers(len(CLASSES)))


def drawings(seeds: Iterable[int]) -> Iterator[Drawing]:
    """Draw the picture of each seed in turn."""
    return map(draw, seeds)


def draw_pair(seed: int, texture: str, shape: str, label: int) -> Drawing:
    """Draw any texture on any shape, also pairs the bundled model never saw, under a `label`."""
    rng = np.random.default_rng((seed, _OBJECT_STREAM))
    area = rng.uniform(_SMALLEST, _LARGEST) * SIZE**2
    outlines = _turn(SHAPES[shape], rng.uniform(0, 2 * math.pi), math.sqrt(area))
    low, high = outlines[0].min(axis=0), outlines[0].max(axis=0)
    # One pixel of margin keeps the soft edge inside the picture.
    centre = 1 - low + rng.uniform(size=2) * (SIZE - 2 - (high - low))
    cover = _coverage(outlines, centre)[..., None]
    period = rng.uniform(0.2, 0.27) * math.sqrt(area)
    ink = _ink(texture, centre, rng.uniform(0, 2 * math.pi), period, rng.uniform(size=2))
    ground, marks = _object_colours(rng)
    scene, grain = _scene(seed)
    mixed = scene + (ground + (marks - ground) * ink[..., None] - scene) * cover
    return Drawing(_as_pixels(mixed + grain), label, cover[..., 0] > 0)


def background(seed: int) -> Pixels:
    """Draw the background of a seed without its object."""
    scene, grain = _scene(seed)
    return _as_pixels(scene + grain)


def _polygon(corners: int, radius: float = 1.0) -> Outline:
    angles = np.arange(corners) * (2 * math.pi / corners) - math.pi / 2
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius


def _star() -> Outline:
    points = _polygon(10)
    points[1::2] *= 0.52
    return points


def _cross() -> Outline:
    arm = np.array([(-0.4, -1.0), (0.4, -1.0), (0.4, -0.4)])
    quarter = np.array([(0.0, 1.0), (-1.0, 0.0)])
    turns = (np.linalg.matrix_power(quarter, count) for count in range(4))
    return np.concatenate([arm @ turn for turn in turns])


def _area(outline: Outline) -> float:
    x, y = outline.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def _of_unit_area(outer: Outline, *holes: Outline) -> tuple[Outline, ...]:
    scale = 1 / math.sqrt(_area(outer) - sum(map(_area, holes)))
    return tuple(outline * scale for outline in (outer, *holes))


# The first outline is filled, the others are cut out of it.
SHAPES: Mapping[str, tuple[Outline, ...]] = MappingProxyType(
    {
        "star": _of_unit_area(_star()),
        "disc": _of_unit_area(_polygon(64)),
        "hexagon": _of_unit_area(_polygon(6)),
        "ring": _of_unit_area(_polygon(64), _polygon(64, 0.42)),
        "triangle": _of_unit_area(_polygon(3)),
        "cross": _of_unit_area(_cross()),
    }
)


def _turn(outlines: Iterable[Outline], angle: float, size: float) -> tuple[Outline, ...]:
    cos, sin = math.cos(angle) * size, math.sin(angle) * size
    return tuple(outline @ np.array([[cos, sin], [-sin, cos]]) for outline in outlines)


def _coverage(outlines: Iterable[Outline], centre: Point) -> Floats:
    """Return how much of each pixel the shape covers, 0 to 1."""
    image = Image.new("L", (SIZE * _EDGE_SCALE, SIZE * _EDGE_SCALE))
    pen = ImageDraw.Draw(image)
    for index, outline in enumerate(outlines):
        pen.polygon(_corners(outline, centre, _EDGE_SCALE), fill=0 if index else 255)
    return np.asarray(image.reduce(_EDGE_SCALE), np.float32) / np.float32(255)


def _corners(outline: Outline, centre: Point, scale: int) -> list[float]:
    """Return a moved and enlarged outline as Pillow wants it: x, y, x, y and so on."""
    corners: list[float] = ((outline + centre) * scale).ravel().tolist()
    return corners


def _bands(along: Floats, period: float, share: float = 0.5) -> Floats:
    """Return the distance to the edge of bands that fill a `share` of each period."""
    distance: Floats = (share / 2 - np.abs((along / period) % 1 - 0.5)) * period
    return distance


def _striped(u: Floats, _v: Floats, period: float) -> Floats:
    return _bands(u, period)


def _wavy(u: Floats, v: Floats, period: float) -> Floats:
    wave = np.sin(v * (math.pi / period))
    return _bands(u + 0.45 * period * wave, period)


def _dotted(u: Floats, v: Floats, period: float) -> Floats:
    x, y = (u / period) % 1 - 0.5, (v / period) % 1 - 0.5
    distance: Floats = (0.31 - np.hypot(x, y)) * period
    return distance


def _checked(u: Floats, v: Floats, period: float) -> Floats:
    across, down = _bands(u, 1.4 * period), _bands(v, 1.4 * period)
    return np.maximum(np.minimum(across, -down), np.minimum(-across, down))


def _netted(u: Floats, v: Floats, period: float) -> Floats:
    return np.maximum(_bands(u, period, 0.28), _bands(v, period, 0.28))


def _ringed(u: Floats, v: Floats, period: float) -> Floats:
    return _bands(np.hypot(u, v), period)


# Given coordinates and a period in pixels, each returns the signed distance to the nearest edge of
# its marks in pixels, above 0 inside them.
TEXTURES: Mapping[str, Callable[[Floats, Floats, float], Floats]] = MappingProxyType(
    {
        "striped": _striped,
        "dotted": _dotted,
        "wavy": _wavy,
        "netted": _netted,
        "ringed": _ringed,
        "checked": _checked,
    }
)
# Rings are about a point, so they start at the object's centre instead of anywhere.
_CENTRED = frozenset({"ringed"})
_ROWS, _COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32) + np.float32(0.5)


def _ink(name: str, centre: Point, angle: float, period: float, phase: Point) -> Floats:
    """Return the share of the texture's marks in each pixel, 0 to 1."""
    x, y = _COLUMNS - np.float32(centre[0]), _ROWS - np.float32(centre[1])
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    along, across = (0.0, 0.0) if name in _CENTRED else phase * (2 * period)
    u = cos * x + sin * y + np.float32(along)
    v = cos * y - sin * x + np.float32(across)
    share: Floats = np.clip(TEXTURES[name](u, v, period) + np.float32(0.5), 0, 1)
    return share


def _colour(hue: float, saturation: float, value: float) -> Colour:
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32) * 255


def _object_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Return a light and a deep colour of unlike hue, in any order."""
    hue = rng.uniform()
    light = _colour(hue, rng.uniform(0.2, 0.7), rng.uniform(0.75, 1.0))
    deep = _colour(hue + rng.uniform(0.12, 0.88), rng.uniform(0.5, 0.95), rng.uniform(0.4, 0.9))
    return (light, deep) if rng.uniform() < 0.5 else (deep, light)


def _scene(seed: int) -> tuple[Floats, Floats]:
    """Return the background of a seed and the film grain that lies on it and on the object."""
    rng = np.random.default_rng((seed, _BACKGROUND_STREAM))
    hue = rng.uniform()
    image = _gradient(rng, hue)
    pen = ImageDraw.Draw(image, "RGBA")
    for _ in range(rng.integers(14, 30)):
        _add_flat_piece(rng, pen, hue)
    scene = np.asarray(image.reduce(_BACKGROUND_SCALE), np.float32)
    scene = _add_faint_texture(rng, scene)
    grain = rng.standard_normal((SIZE, SIZE, 1), np.float32) * np.float32(rng.uniform(0.5, 3))
    return scene, grain


def _muted(rng: np.random.Generator, hue: float) -> Colour:
    return _colour(hue + rng.normal(0, 0.12), rng.uniform(0.05, 0.42), rng.uniform(0.3, 0.8))


def _gradient(rng: np.random.Generator, hue: float) -> Image.Image:
    corners = np.stack([_muted(rng, hue) for _ in range(4)]).reshape(2, 2, 3)
    calm = corners.mean(axis=(0, 1)) * 0.5 + corners * 0.5
    side = SIZE * _BACKGROUND_SCALE
    return Image.fromarray(calm.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)


def _add_flat_piece(rng: np.random.Generator, pen: ImageDraw.ImageDraw, hue: float) -> None:
    """Add a plain shape: one of the classes' own outlines, so that outline alone says nothing."""
    names = list(SHAPES)
    kind = int(rng.integers(len(names) + 2))
    size = float(np.clip(SIZE * 0.16 * math.exp(rng.normal(0, 0.45)), 5, 48))
    centre = rng.uniform(-0.05, 1.05, size=2) * SIZE
    if rng.uniform() < 0.1:
        colour = _colour(rng.uniform(), rng.uniform(0.4, 0.9), rng.uniform(0.5, 1.0))
    else:
        colour = _muted(rng, hue)
    fill = (*(int(part) for part in colour), int(rng.uniform(70, 235)))
    if kind < len(names) and names[kind] == "ring":
        # Pillow fills no polygon with a hole in a translucent colour.
        radius, width = size * 0.62 * _BACKGROUND_SCALE, round(size * 0.36 * _BACKGROUND_SCALE)
        x, y = centre * _BACKGROUND_SCALE
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=fill, width=width)
        return
    outlines = SHAPES[names[kind]] if kind < len(names) else (_scrap(rng),)
    (outline,) = _turn(outlines, rng.uniform(0, 2 * math.pi), size)
    pen.polygon(_corners(outline, centre, _BACKGROUND_SCALE), fill=fill)


def _scrap(rng: np.random.Generator) -> Outline:
    """Return an irregular polygon of no class."""
    outline = _polygon(int(rng.integers(4, 8)))
    scrap: Outline = outline * rng.uniform(0.35, 0.9, size=(len(outline), 1))
    return scrap


def _add_faint_texture(rng: np.random.Generator, scene: Floats) -> Floats:
    """Shade a scrap of the scene with a texture too faint for an object's."""
    name = list(TEXTURES)[int(rng.integers(len(TEXTURES)))]
    centre, angle = rng.uniform(size=2) * SIZE, rng.uniform(0, 2 * math.pi)
    outlines = _turn([_scrap(rng)], angle, SIZE * rng.uniform(0.2, 0.45))
    ink = _ink(name, centre, angle, rng.uniform(6, 14), rng.uniform(size=2)) - np.float32(0.5)
    strength = np.float32(rng.uniform(8, 40))
    shade: Floats = scene + (ink * _coverage(outlines, centre) * strength)[..., None]
    return shade


def _as_pixels(values: Floats) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
