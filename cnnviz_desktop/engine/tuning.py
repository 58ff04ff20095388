"""Read from responses to probes what a channel is tuned to and what it detects.

Orientation: the vector average at twice the angle of squared responses to all gratings.
Selectivity: the length of that average over the curve at the channel's best frequency, 0 where all
orientations do alike, 1 where one alone answers, 1/2 for a plain gradient. Peak and bandwidth are
those of that curve. The four scores come from three questions, each dividing what the
one before left, so that they add up to 1; R is the best response to a kind of probe:

- colour or lightness? colour = Rc² / (Rc² + Ra²), opponent colours against all without colour.
- does the orientation of straight lines matter? edge = (1 - colour) e, where e = 1.5 times
  the selectivity, 1 at most, times (Re / Rp)⁴: how near stripes, edges and bars come to the best
  pattern without colour. The power is there since an edge comes within 70 to 85 % of a corner.
- one shape or a surface full of it? of what is left, shape gets Rs² / (Rs² + Rt²): blobs, corners
  and curves against textures, whose pieces are black and white too: theirs counts beyond what a
  plain surface gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnviz_desktop.data import DETECTS, Floats
from cnnviz_desktop.engine.probes import GRATING, SURFACE, Probe, hues

_ASKED = ("colour", "edge", "texture", "shape")
_NOTHING = 1e-5  # of the layer's largest response: rounding, not an answer


@dataclass(frozen=True, eq=False)
class Curves:
    """What responses (N, P) say, one row a channel; the fields are those of `Tuning`."""

    responses: Floats
    gratings: Floats
    colours: Floats
    orientation: Floats
    peak: Floats
    bandwidth: Floats
    selectivity: Floats
    frequency: Floats
    hue: Floats
    scores: Floats


def curves(
    responses: Floats, shown: tuple[Probe, ...], angles: Floats, tones: Floats, rounding: Floats
) -> Curves:
    """Read the tuning out of responses (N, P); up to a channel's `rounding` (N) they count as 0."""
    least = np.maximum(rounding, _NOTHING * responses.max(initial=0))[:, None]
    found = np.where(responses > least, responses, 0).astype(np.float32)
    families = np.array([probe.family for probe in shown])
    shape = (len(found), len(angles), len(tones))
    gratings = np.ascontiguousarray(found[:, families == GRATING].reshape(shape))
    by_angle, by_tone = best_curves(gratings)
    direction, _ = mean_direction(np.square(gratings).sum(axis=2), angles)
    _, selectivity = mean_direction(np.square(by_angle), angles)
    colours = _by_hue(found, shown)
    peak = highest(by_angle, angles, 180.0)
    return Curves(
        responses=found,
        gratings=gratings,
        colours=colours,
        orientation=direction,
        peak=peak,
        bandwidth=_bandwidth(by_angle),
        selectivity=selectivity,
        frequency=_frequency(by_tone, tones),
        hue=highest(colours, hues(), 360.0),
        scores=_scores(found, families, selectivity),
    )


def best_curves(gratings: Floats) -> tuple[Floats, Floats]:
    """Return each channel's orientation curve at its best frequency, and the other way round."""
    count, _, tones = gratings.shape
    best = gratings.reshape(count, -1).argmax(axis=1)
    rows = np.arange(count)
    return gratings[rows, :, best % tones], gratings[rows, best // tones]


def mean_direction(weights: Floats, angles: Floats) -> tuple[Floats, Floats]:
    """Return the mean of orientations (N) in 0..180 and how much weight goes its way, 0..1."""
    turns = np.exp(2j * np.radians(angles.astype(np.float64)))
    total = weights.sum(axis=1, dtype=np.float64)
    vector = (weights * turns).sum(axis=1)
    length = np.abs(vector) / np.where(total > 0, total, 1)
    direction = np.degrees(np.angle(vector)) / 2 % 180
    direction[length < 1e-9] = 0
    return _below(direction, 180.0), length.astype(np.float32)


def highest(values: Floats, angles: Floats, turn: float) -> Floats:
    """Return the angle (N) at which a closed curve is highest, between its points by a parabola."""
    count = values.shape[1]
    best = values.argmax(axis=1)
    step = _vertex(
        *(np.take_along_axis(values, (best[:, None] + by) % count, 1)[:, 0] for by in (-1, 0, 1))
    )
    return _below((angles[best] + step * turn / count) % turn, turn)


def _below(angles: np.ndarray[tuple[int, ...], np.dtype[np.float64]], turn: float) -> Floats:
    """Return angles as float32; rounding must not make one the full turn."""
    rounded: Floats = angles.astype(np.float32)
    rounded[rounded >= turn] = 0
    return rounded


def _vertex(before: Floats, best: Floats, after: Floats) -> Floats:
    """Return where a parabola through three points is highest, in steps from the middle one."""
    bend = before - 2 * best + after
    step: Floats = np.where(bend < 0, (before - after) / (2 * np.where(bend < 0, bend, 1)), 0)
    return np.clip(step, -0.5, 0.5)


def _frequency(by_tone: Floats, tones: Floats) -> Floats:
    """Return the frequency (N) of the highest response, between two by a parabola over octaves."""
    best = by_tone.argmax(axis=1)
    rows, last = np.arange(len(by_tone)), len(tones) - 1
    before = by_tone[rows, np.maximum(best - 1, 0)]
    after = by_tone[rows, np.minimum(best + 1, last)]
    step = _vertex(before, by_tone[rows, best], after)
    step[(best == 0) | (best == last)] = 0
    octaves = np.log2(tones[-1] / tones[0]) / max(1, last)
    return np.asarray(tones[best] * 2 ** (step * octaves), np.float32)


def _bandwidth(by_angle: Floats) -> Floats:
    """Return the full width (N) of the curve around its peak at half its height, at most 180°."""
    count = by_angle.shape[1]
    widths = np.zeros(len(by_angle), np.float32)
    for row, curve in enumerate(by_angle):
        best, half = int(curve.argmax()), float(curve.max()) / 2
        reach = 0.0
        for way in (1, -1):
            steps = [float(curve[(best + way * step) % count]) for step in range(count // 2 + 1)]
            below = next((place for place, value in enumerate(steps) if value < half), None)
            if below is None:
                reach = float(count)
                break
            drop = steps[below - 1] - steps[below]
            reach += below - 1 + (steps[below - 1] - half) / drop
        widths[row] = min(reach * 180 / count, 180)
    return widths


def _by_hue(found: Floats, shown: tuple[Probe, ...]) -> Floats:
    """Return the best response (N, H) to each hue, plain or as a blob; an edge has two hues."""
    colours = np.zeros((len(found), len(hues())), np.float32)
    for place, hue in enumerate(hues().tolist()):
        columns = [
            column
            for column, probe in enumerate(shown)
            if probe.hue == hue and probe.direction is None
        ]
        if columns:
            colours[:, place] = found[:, columns].max(axis=1)
    return colours


def _scores(
    found: Floats, families: np.ndarray[tuple[int], np.dtype[np.str_]], selectivity: Floats
) -> Floats:
    """Return the scores (N, 4) in the order of `DETECTS`."""

    def best(*kinds: str) -> Floats:
        answers: Floats = found[:, np.isin(families, kinds)].max(axis=1, initial=0)
        return answers

    hue, line, texture, shape = (best(*DETECTS[name]) for name in _ASKED)
    pattern = np.maximum(np.maximum(line, texture), shape)
    plain = best(SURFACE)
    colour = _share(hue, np.maximum(pattern, plain))
    near = line / np.where(pattern > 0, pattern, 1)
    edge = np.asarray(np.minimum(1, 1.5 * selectivity) * near**4, np.float32)
    single = _share(shape, np.maximum(texture - plain, 0))
    left = (1 - colour) * (1 - edge)
    by_name: dict[str, Floats] = {
        "colour": colour,
        "edge": (1 - colour) * edge,
        "shape": left * single,
        "texture": left * (1 - single),
    }
    scores: Floats = np.stack([by_name[name] for name in DETECTS], axis=1).astype(np.float32)
    scores[found.max(axis=1, initial=0) <= 0] = 0
    return scores


def _share(one: Floats, other: Floats) -> Floats:
    """Return the share of one energy in two, 0 where there is none."""
    total = one**2 + other**2
    return np.asarray(one**2 / np.where(total > 0, total, 1), np.float32)
