"""Draw the probes: simple pictures of a known kind, to find out what a channel answers to.

Every probe is a pattern of -1..1 times one direction of colour, around plain grey. All patterns
have the contrast that leaves room for it between 0 and 1, opponent colours half of it, without
changing the mean of red, green and blue. Coordinates count pixels from the middle, x to the right
and y up; directions are degrees counter-clockwise from horizontal, those of stripes and edges.
The same size gives the same pictures, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from cnnviz_desktop.data import Floats

GREY = 0.5  # what all probes lie around, of 0..1
PHASES = 4  # of a grating: a quarter of a period apart

GRATING, LINE, TEXTURE = "grating", "line", "texture"
SHAPE, COLOUR, SURFACE = "shape", "colour", "surface"
HUES = (
    *("red", "orange", "yellow", "lime", "green", "emerald"),
    *("cyan", "azure", "blue", "violet", "magenta", "rose"),
)

_LENGTH = math.sqrt(3 / 8)  # the longest that every hue has room for between 0 and 1
# Of that for hues. In photographs colours are weaker than that beside light and dark; as strong as
# black and white they excite most channels of deep layers more than any pattern does.
_SATURATION = 0.5
_FINEST = 0.45  # cycles per pixel; at 0.5 stripes of some phases are plain grey
_COARSEST = 1 / 48
_PERIODS = 2.0  # of the coarsest grating, in the picture
_SPACING = 0.5  # octaves from one frequency to the next
_MOST_FREQUENCIES = 10
_SEED = 20

Pattern = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class Probe:
    """One picture, or the four phases of a grating: what it is called and how it is drawn.

    `direction` is an orientation in degrees, `hue` one in degrees, `frequency` in cycles per pixel;
    None where it has none. `span` is how many pixels around the middle show what it is.
    """

    name: str
    family: str
    patterns: tuple[Pattern, ...]
    direction: float | None = None
    frequency: float | None = None
    hue: float | None = None
    span: float = 48.0

    def draw(self, size: tuple[int, int], channels: int = 3) -> Floats:
        """Return its pictures (phases, channels, H, W) in 0..1 as float32."""
        x, y = _grid(size)
        drawn = np.stack([pattern(x, y) for pattern in self.patterns]).astype(np.float32)
        colour = np.array(self.colour if channels == 3 else self.colour[:1] * channels, np.float32)
        pictures: Floats = GREY + drawn[:, None] * colour[:, None, None]
        return pictures

    @property
    def colour(self) -> tuple[float, ...]:
        """Return the direction of RGB in which its pattern lies."""
        if self.hue is None:
            return (_LENGTH / math.sqrt(3),) * 3
        angle = math.radians(self.hue)
        red, rest = math.cos(angle) / math.sqrt(6), math.sin(angle) / math.sqrt(2)
        length = _SATURATION * _LENGTH
        return length * 2 * red, length * (rest - red), length * (-rest - red)


def orientations(count: int) -> Floats:
    """Return evenly spaced orientations in degrees, from 0 to below 180."""
    return np.arange(count, dtype=np.float32) * np.float32(180 / count)


def frequencies(size: tuple[int, int]) -> Floats:
    """Return the frequencies of gratings for a size, in cycles per pixel, evenly in octaves."""
    side = min(size)
    lowest = min(max(_COARSEST, _PERIODS / side), _FINEST / 2)
    count = 1 + round(math.log2(_FINEST / lowest) / _SPACING)
    count = min(max(count, 2), _MOST_FREQUENCIES)
    return np.geomspace(lowest, _FINEST, count).astype(np.float32)


def hues() -> Floats:
    """Return the hues of the probes in degrees, as in HSV: red 0, green 120, blue 240."""
    return np.arange(len(HUES), dtype=np.float32) * np.float32(360 / len(HUES))


def probes(size: tuple[int, int], channels: int = 3, angles: int = 12) -> tuple[Probe, ...]:
    """Return all probes for an input of that size: gratings first, by orientation and frequency.

    A grey network (1 channel) gets those without colour.
    """
    side = min(size)
    found = [
        *_gratings(orientations(angles), frequencies(size)),
        *_lines(orientations(angles), side),
        *_textures(size),
        *_shapes(side),
        Probe("plain white", SURFACE, (_flat,)),
        Probe("plain black", SURFACE, (_negative(_flat),)),
    ]
    if channels == 3:
        found += _coloured(side)
    return tuple(found)


def _grid(size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return x and y of all pixels, one row and one column."""
    height, width = size
    x = np.arange(width, dtype=np.float32)[None] - np.float32((width - 1) / 2)
    y = np.float32((height - 1) / 2) - np.arange(height, dtype=np.float32)[:, None]
    return x, y


def _sizes(wanted: tuple[float, ...], side: int, share: float) -> tuple[float, ...]:
    """Return the sizes that fit into a share of the side, the share itself where none does."""
    return tuple(size for size in wanted if size <= side * share) or (side * share,)


# ----------------------------------------------------------------------------------------- patterns


def _across(x: Floats, y: Floats, direction: float) -> Floats:
    """Return how far each pixel lies from the line through the middle, positive to its left."""
    angle = math.radians(direction)
    distance: Floats = y * np.float32(math.cos(angle)) - x * np.float32(math.sin(angle))
    return distance


def _soft(distance: Floats) -> Floats:
    """Return 1 inside and -1 outside by a signed distance in pixels, smooth over one pixel."""
    return np.clip(2 * distance, -1, 1)


def _flat(x: Floats, y: Floats) -> Floats:
    return np.ones(np.broadcast_shapes(x.shape, y.shape), np.float32)


def _grating(direction: float, frequency: float, phase: float, x: Floats, y: Floats) -> Floats:
    turns: Floats = np.float32(2 * math.pi * frequency) * _across(x, y, direction)
    wave: Floats = np.sin(turns + np.float32(phase))
    return wave


def _edge(direction: float, x: Floats, y: Floats) -> Floats:
    return _soft(_across(x, y, direction))


def _bar(direction: float, width: float, x: Floats, y: Floats) -> Floats:
    return _soft(np.float32(width / 2) - np.abs(_across(x, y, direction)))


def _disc(radius: float, x: Floats, y: Floats) -> Floats:
    return _soft(np.float32(radius) - np.hypot(x, y))


def _corner(middle: float, x: Floats, y: Floats) -> Floats:
    """Return a right angle whose tip is in the middle and which opens toward a direction."""
    return _soft(np.minimum(_across(x, y, middle - 45), -_across(x, y, middle + 45)))


def _arc(middle: float, radius: float, width: float, x: Floats, y: Floats) -> Floats:
    """Return half a circle, bulging toward a direction, its top in the middle of the picture."""
    angle = math.radians(middle)
    x, y = x + np.float32(radius * math.cos(angle)), y + np.float32(radius * math.sin(angle))
    rim = width / 2 - np.abs(np.hypot(x, y) - radius)
    ahead = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
    return _soft(np.minimum(rim, ahead))


def _checks(side: float, tilt: float, x: Floats, y: Floats) -> Floats:
    turn = math.pi / side
    one, other = _across(x, y, tilt), _across(x, y, tilt + 90)
    drawn: Floats = np.clip(side * np.sin(turn * one) * np.sin(turn * other), -1, 1)
    return drawn


def _clouds(scale: float, seed: int, x: Floats, y: Floats) -> Floats:
    """Return random noise of all directions and one scale, of standard deviation 1."""
    height, width = np.broadcast_shapes(x.shape, y.shape)
    noise = np.random.default_rng((_SEED, seed)).standard_normal((height, width))
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    octaves = np.log2(np.maximum(np.hypot(down, across), 1e-6) * 2 * scale)
    passed = np.fft.irfft2(np.fft.rfft2(noise) * np.exp(-((octaves / 0.3) ** 2)), (height, width))
    spread = max(float(passed.std()), 1e-12)
    clouds: Floats = np.asarray(passed / spread, np.float32)
    return clouds


def _labyrinth(scale: float, x: Floats, y: Floats) -> Floats:
    return np.clip(3 * _clouds(scale, 0, x, y), -1, 1)


def _spots(scale: float, x: Floats, y: Floats) -> Floats:
    return np.clip(4 * (_clouds(scale, 1, x, y) - 1), -1, 1)


def _static(side: int, x: Floats, y: Floats) -> Floats:
    """Return squares that are black or white by chance."""
    height, width = np.broadcast_shapes(x.shape, y.shape)
    numbers = np.random.default_rng((_SEED, 2))
    cells = numbers.integers(0, 2, (-(-height // side), -(-width // side))) * 2.0 - 1
    drawn = cells.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
    return drawn.astype(np.float32)


def _negative(pattern: Pattern) -> Pattern:
    return partial(_inverted, pattern)


def _on_grey(pattern: Pattern, x: Floats, y: Floats) -> Floats:
    return np.float32(0.5) * (pattern(x, y) + np.float32(1))


def _inverted(pattern: Pattern, x: Floats, y: Floats) -> Floats:
    return -pattern(x, y)


# ----------------------------------------------------------------------------------------- families


def _both(
    name: str, family: str, pattern: Pattern, span: float, direction: float | None = None
) -> Iterator[Probe]:
    """Yield a probe light on dark and dark on light."""
    for patterns, said in (((pattern,), "light"), ((_negative(pattern),), "dark")):
        yield Probe(f"{name}, {said}", family, patterns, direction, span=span)


def _gratings(angles: Floats, tones: Floats) -> Iterator[Probe]:
    phases = [2 * math.pi * step / PHASES for step in range(PHASES)]
    for direction in angles.tolist():
        for tone in tones.tolist():
            patterns = tuple(partial(_grating, direction, tone, phase) for phase in phases)
            name = f"stripes {direction:.3g}°, {1 / tone:.3g} px"
            yield Probe(name, GRATING, patterns, direction, tone, span=6 / tone)


def _lines(angles: Floats, side: int) -> Iterator[Probe]:
    widths = _sizes((3, 8), side, 0.4)
    for direction in angles.tolist():
        pattern = partial(_edge, direction)
        yield from _both(f"edge {direction:.3g}°", LINE, pattern, 16, direction)
        for width in widths:
            name, pattern = f"bar {direction:.3g}°, {width:.3g} px", partial(_bar, direction, width)
            yield from _both(name, LINE, pattern, 6 * width, direction)


def _textures(size: tuple[int, int]) -> Iterator[Probe]:
    side = min(size)
    for cell in _sizes((2, 4, 8, 16, 32), side, 0.25):
        for tilt, name in ((0.0, "checks"), (45.0, "tilted checks")):
            said, pattern = f"{name} of {cell:.3g} px", partial(_checks, cell, tilt)
            yield Probe(said, TEXTURE, (pattern,), span=8 * cell)
    for scale in _sizes((2, 4, 8, 16), side, 0.25):
        pattern = partial(_labyrinth, scale)
        yield Probe(f"labyrinth of {scale:.3g} px", TEXTURE, (pattern,), span=12 * scale)
        yield from _both(f"spots of {scale:.3g} px", TEXTURE, partial(_spots, scale), 12 * scale)
    for cell in (1, 2, 4):
        yield Probe(f"static of {cell} px", TEXTURE, (partial(_static, cell),), span=12 * cell)


def _shapes(side: int) -> Iterator[Probe]:
    for radius in _sizes((2, 4, 8, 16, 32, 64), side, 0.33):
        yield from _both(f"blob of {2 * radius:.3g} px", SHAPE, partial(_disc, radius), 4 * radius)
    for middle in range(0, 360, 45):
        yield from _both(f"corner {middle}°", SHAPE, partial(_corner, middle), 16)
    for radius in _sizes((6, 18, 54), side, 0.3):
        for middle in range(0, 360, 45):
            pattern = partial(_arc, middle, radius, max(2.0, radius / 3))
            yield from _both(f"curve {middle}°, {2 * radius:.3g} px", SHAPE, pattern, 4 * radius)


def _coloured(side: int) -> Iterator[Probe]:
    """Yield plain hues, discs of them on grey, and edges to the opposite hue."""
    for name, hue in zip(HUES, hues().tolist(), strict=True):
        opposite = HUES[(HUES.index(name) + len(HUES) // 2) % len(HUES)]
        yield Probe(f"plain {name}", COLOUR, (_flat,), hue=hue)
        for radius in _sizes((4, 16), side, 0.33):
            said = f"{name} blob of {2 * radius:.3g} px"
            pattern = partial(_on_grey, partial(_disc, radius))
            yield Probe(said, COLOUR, (pattern,), hue=hue, span=4 * radius)
        for direction in range(0, 180, 45):
            said = f"{name} above {opposite}, {direction}°"
            yield Probe(said, COLOUR, (partial(_edge, direction),), direction, hue=hue, span=16)
