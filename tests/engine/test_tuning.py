"""What is read out of responses, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz_desktop.data import DETECTS
from cnnviz_desktop.engine.probes import Probe, orientations, probes
from cnnviz_desktop.engine.tuning import best_curves, curves, highest, mean_direction

ANGLES = orientations(12)
TONES = np.array([0.1, 0.2, 0.4], np.float32)
COLOUR, EDGE, SHAPE, TEXTURE = (
    list(DETECTS).index(n) for n in ("colour", "edge", "shape", "texture")
)


def shown() -> tuple[Probe, ...]:
    """36 gratings and one probe of each other family, two of which have a hue."""
    gratings = [
        Probe(f"g{angle}-{tone}", "grating", (), angle, tone)
        for angle in ANGLES.tolist()
        for tone in TONES.tolist()
    ]
    rest = [Probe(name, name, ()) for name in ("line", "texture", "shape", "surface")]
    return (
        *gratings,
        *rest,
        Probe("red", "colour", (), hue=0.0),
        Probe("blue", "colour", (), hue=240.0),
    )


def read(gratings=0.0, line=0.0, texture=0.0, shape=0.0, surface=0.0, red=0.0, blue=0.0):
    row = np.zeros(42, np.float32)
    row[:36] = np.broadcast_to(gratings, (12, 3)).ravel()
    row[36:] = line, texture, shape, surface, red, blue
    return curves(row[None], shown(), ANGLES, TONES, np.zeros(1, np.float32))


def scores(**answers) -> list[float]:
    return np.round(read(**answers).scores[0], 5).tolist()


def at(best: int) -> np.ndarray:
    """Gratings of one orientation alone, at the middle frequency."""
    found = np.zeros((12, 3), np.float32)
    found[best, 1] = 1
    return found


def test_the_mean_direction_of_orientations_goes_around_at_180():
    weights = np.zeros((4, 12), np.float32)
    weights[0, 3] = 1  # 45 degrees alone
    weights[1, [0, 11]] = 1  # 0 and 165: the middle is 172.5
    weights[2, [0, 6]] = 1  # 0 and 90 cancel
    weights[3] = 2  # all alike
    direction, length = mean_direction(weights, ANGLES)

    np.testing.assert_allclose(direction[:2], [45, 172.5], atol=1e-4)
    np.testing.assert_allclose(length, [1, np.cos(np.radians(15)), 0, 0], atol=1e-6)


def test_the_mean_direction_of_a_plain_gradient_is_exact_with_length_one_half():
    for wanted in (0.0, 13.0, 88.5, 179.0):
        energy = np.cos(np.radians(ANGLES - wanted))[None] ** 2
        direction, length = mean_direction(energy.astype(np.float32), ANGLES)
        assert (direction[0] - wanted + 90) % 180 - 90 == pytest.approx(0, abs=1e-3)
        assert length[0] == pytest.approx(0.5, abs=1e-6)


def test_the_peak_lies_on_a_parabola_and_closes_the_circle():
    curve = np.zeros((3, 12), np.float32)
    curve[0, [2, 3, 4]] = 1, 3, 1  # symmetric: 45 itself
    curve[1, [2, 3, 4]] = 1, 3, 2  # bend -3, step (2 - 1) / (2 * 3) = 1/6 of 15 degrees
    curve[2, [11, 0, 1]] = 2, 3, 1
    np.testing.assert_allclose(highest(curve, ANGLES, 180.0), [45, 47.5, 177.5], atol=1e-4)
    assert highest(np.zeros((1, 12), np.float32), ANGLES, 180.0)[0] == 0


def test_curves_are_those_through_the_strongest_grating():
    gratings = np.arange(36, dtype=np.float32).reshape(1, 12, 3)
    by_angle, by_tone = best_curves(gratings)
    np.testing.assert_array_equal(by_angle[0], gratings[0, :, 2])
    np.testing.assert_array_equal(by_tone[0], gratings[0, 11])


def test_bandwidth_is_the_width_at_half_height():
    triangle = np.zeros((12, 3), np.float32)
    triangle[[4, 5, 6, 7, 8], 1] = (
        1,
        2,
        3,
        2,
        1,
    )  # half of 3 between 1 and 2, 1.5 steps off each side
    assert read(gratings=triangle).bandwidth[0] == pytest.approx(3 * 15)
    assert read(gratings=1.0).bandwidth[0] == 180
    assert read(gratings=at(6)).bandwidth[0] == pytest.approx(15)  # half a step to each side


def test_frequency_lies_between_octaves_and_not_beyond_the_ends():
    gratings = np.zeros((12, 3), np.float32)
    gratings[4] = 2, 3, 2
    assert read(gratings=gratings).frequency[0] == pytest.approx(0.2)
    gratings[4] = 1, 3, 2  # a sixth of an octave up
    assert read(gratings=gratings).frequency[0] == pytest.approx(0.2 * 2 ** (1 / 6), rel=1e-5)
    gratings[4] = 1, 2, 3
    assert read(gratings=gratings).frequency[0] == pytest.approx(0.4)


def test_scores_add_up_to_one_and_are_what_the_rule_says():
    assert scores(line=2, gratings=at(3)) == [1, 0, 0, 0]
    # 3 of red against 4 without colour: 9 / 25; the rest is the edge
    assert scores(line=4, gratings=4 * at(3), red=3) == pytest.approx([0.64, 0, 0.36, 0], abs=1e-5)
    # no orientation: shape 9 / (9 + 4 ** 2), since of 5 of texture plain white gives 1
    assert scores(shape=3, texture=5, surface=1) == pytest.approx([0, 16 / 25, 0, 9 / 25], abs=1e-5)
    # one orientation alone, straight lines reach half of a corner: 1.5 * 1, 1 at most, * 1 / 16
    found = scores(shape=2, gratings=at(3))
    assert found == pytest.approx([1 / 16, 0, 0, 15 / 16], abs=1e-5)
    for row in (scores(red=1), scores(surface=1, shape=1), scores(texture=2, shape=1, blue=0.3)):
        assert sum(row) == pytest.approx(1, abs=1e-4)
    assert scores() == [0, 0, 0, 0]


def test_selectivity_of_a_gradient_counts_three_quarters():
    curve = np.abs(np.cos(np.radians(ANGLES - 30)))[:, None] * [0, 1, 0]
    found = read(gratings=curve)
    assert found.selectivity[0] == pytest.approx(0.5, abs=1e-6)
    assert found.scores[0, EDGE] == pytest.approx(0.75, abs=1e-6)
    assert found.orientation[0] == pytest.approx(30, abs=1e-3)


def test_hue_and_colour_selectivity():
    found = read(red=2, shape=1)
    assert found.scores[0, COLOUR] == pytest.approx(0.8)
    assert found.hue[0] == 0
    assert read(red=1, blue=2).hue[0] == 240
    np.testing.assert_array_equal(np.flatnonzero(read(red=1, blue=2).colours[0]), [0, 8])


def test_rounding_is_no_answer():
    row = np.full((2, 42), 1e-4, np.float32)
    row[1] = 10
    found = curves(row, shown(), ANGLES, TONES, np.array([1e-3, 0], np.float32))
    assert not found.responses[0].any() and not found.scores[0].any()
    assert found.responses[1].all()
    tiny = np.stack([np.full(42, 1e-7), np.full(42, 1.0)]).astype(np.float32)
    assert not curves(tiny, shown(), ANGLES, TONES, np.zeros(2, np.float32)).responses[0].any()


def test_the_families_of_probes_are_those_that_labels_know():
    families = {probe.family for probe in probes((32, 32))}
    assert {name for kinds in DETECTS.values() for name in kinds} == families - {"surface"}
    assert families - {"surface"} == {"grating", "line", "texture", "shape", "colour"}
    assert (SHAPE, TEXTURE) == (3, 1)
