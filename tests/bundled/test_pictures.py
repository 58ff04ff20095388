from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from cnnviz_desktop.bundled.pictures import (
    CLASSES,
    HELD_OUT_SEEDS,
    PAIRS,
    SHAPES,
    SIZE,
    TEXTURES,
    TRAINING_SEEDS,
    background,
    draw,
    draw_pair,
    drawings,
    own_label,
)

SEEDS = HELD_OUT_SEEDS[300_000:300_120]


def test_texture_or_shape_alone_never_decides_the_class() -> None:
    assert len(CLASSES) == len(set(CLASSES)) == 12
    textures, shapes = zip(*PAIRS, strict=True)
    assert Counter(textures) == dict.fromkeys(TEXTURES, 2)
    assert Counter(shapes) == dict.fromkeys(SHAPES, 2)


def test_training_and_held_out_seeds_share_none() -> None:
    assert TRAINING_SEEDS.stop <= HELD_OUT_SEEDS.start


def test_a_drawing_has_the_promised_form() -> None:
    drawing = draw(SEEDS[0])
    assert drawing.pixels.shape == (SIZE, SIZE, 3)
    assert drawing.pixels.dtype == np.uint8
    assert drawing.mask.shape == (SIZE, SIZE)
    assert drawing.mask.dtype == np.bool_
    assert drawing.label == own_label(SEEDS[0])
    assert drawing != draw(SEEDS[0])  # compared by identity


@pytest.mark.parametrize("label", range(len(CLASSES)), ids=CLASSES)
def test_the_object_covers_5_to_20_percent_and_touches_no_border(label: int) -> None:
    for seed in SEEDS[:40]:
        mask = draw(seed, label).mask
        assert 0.05 <= mask.mean() <= 0.20
        inside = np.zeros_like(mask)
        inside[1:-1, 1:-1] = True
        assert not (mask & ~inside).any()


def test_the_mask_is_where_the_picture_differs_from_its_background() -> None:
    for seed in SEEDS[:60]:
        drawing = draw(seed)
        differs = (drawing.pixels != background(seed)).any(axis=2)
        assert not (differs & ~drawing.mask).any()
        # A pixel may by chance have its background's colour, above all at the soft edge.
        assert (differs & drawing.mask).sum() > 0.97 * drawing.mask.sum()


def test_the_background_is_the_same_whatever_the_class() -> None:
    seed = SEEDS[0]
    every = [draw(seed, label) for label in range(len(CLASSES))]
    outside = ~np.any([drawing.mask for drawing in every], axis=0)
    assert outside.mean() > 0.4
    for drawing in every:
        np.testing.assert_array_equal(drawing.pixels[outside], background(seed)[outside])


def test_size_and_place_say_little_of_the_class() -> None:
    drawn = {label: [draw(seed, label).mask for seed in SEEDS[:40]] for label in range(12)}
    areas = [np.mean([mask.mean() for mask in masks]) for masks in drawn.values()]
    assert max(areas) - min(areas) < 0.012  # a longer edge covers a few more pixels in part
    for masks in drawn.values():
        rows, columns = zip(*(np.nonzero(mask) for mask in masks), strict=True)
        centre = [np.mean([axis.mean() for axis in places]) for places in (rows, columns)]
        np.testing.assert_allclose(centre, SIZE / 2, atol=12)


def test_the_same_arguments_draw_the_same_picture() -> None:
    first, again = draw(SEEDS[0], 3), draw(SEEDS[0], 3)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert not np.array_equal(first.pixels, draw(SEEDS[1], 3).pixels)


def test_every_class_is_drawn_about_equally_often() -> None:
    counts = np.bincount([own_label(seed) for seed in TRAINING_SEEDS[:2400]], minlength=12)
    assert counts.min() > 140
    assert counts.max() < 260


def test_drawings_are_those_of_draw_and_come_one_at_a_time() -> None:
    (first,) = islice(drawings(iter(SEEDS)), 1)
    np.testing.assert_array_equal(first.pixels, draw(SEEDS[0]).pixels)


def test_pairs_outside_the_classes_can_be_drawn_for_fine_tuning() -> None:
    assert ("ringed", "star") not in PAIRS
    new, known = draw_pair(SEEDS[0], "ringed", "star", 0), draw_pair(SEEDS[0], "dotted", "star", 1)
    np.testing.assert_array_equal(new.mask, known.mask)
    assert not np.array_equal(new.pixels[new.mask], known.pixels[new.mask])
    assert new.label == 0


@pytest.mark.parametrize("texture", TEXTURES)
def test_each_texture_shows_both_colours(texture: str) -> None:
    drawing = draw_pair(SEEDS[1], texture, "disc", 0)
    colours = drawing.pixels[drawing.mask].astype(float)
    brightest = colours[:, colours.std(axis=0).argmax()]
    low, high = np.quantile(brightest, [0.05, 0.95])
    middle = (brightest > low + 0.3 * (high - low)) & (brightest < high - 0.3 * (high - low))
    assert high - low > 25
    assert middle.mean() < 0.35  # two colours with soft edges, no wash
