"""What pictures grow for, by numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from cnnviz_desktop.engine.objectives import Objective, likeness

EVERY = slice(None)
MAPS = torch.tensor(
    [[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 4.0], [0.0, 0.0]]], [[[1.0] * 2] * 2, [[2.0] * 2] * 2]]
)


@pytest.mark.parametrize(
    ("objective", "wanted"),
    [
        (Objective("channel", (0, 1)), [3, 2]),
        (Objective("neuron", (0, 1)), [6, 2]),  # at h // 2, w // 2
        (Objective("neuron", (0, 1), row=0, column=1), [2, 2]),
        (Objective("negative", (0, 1)), [-3, -2]),
        (Objective("layer", (0, 0)), [(1 + 4 + 9 + 36 + 16) / 8, 2.5]),
        (Objective("direction", (0, 1), (1, 0)), [2, 1]),
        (Objective("joint", (0, 1), (1, 0)), [4, 3]),
    ],
    ids=lambda item: item.kind if isinstance(item, Objective) else "",
)
def test_objectives_by_hand(objective, wanted):
    assert objective(MAPS, EVERY).tolist() == pytest.approx(wanted)


def test_likeness_is_one_for_equal_pictures_and_zero_for_unlike_ones():
    same = MAPS[:1].repeat(3, 1, 1, 1)
    assert likeness(same) == pytest.approx(1)
    apart = torch.zeros(2, 2, 1, 1)
    apart[0, 0] = apart[1, 1] = 1
    assert likeness(apart) == 0
    diverse = Objective("diversity", (0, 0, 0))(same, EVERY)
    assert diverse.tolist() == pytest.approx([3 - 100] * 3, rel=1e-5)


def test_logits_are_units_as_well():
    logits = torch.tensor([[1.0, 5.0], [2.0, 7.0]])
    assert Objective("channel", (1, 0))(logits, EVERY).tolist() == [5, 2]
