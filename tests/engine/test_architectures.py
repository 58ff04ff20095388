"""A bare state dict is recognised from its tensors' names and shapes, whatever its head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cnnviz_desktop.engine.architectures import guess, nearest, shapes_of, sketch
from cnnviz_desktop.engine.catalogue import model_names
from cnnviz_desktop.engine.skeletons import skeleton

TORCHVISION = [name for name in model_names()[1:] if not name.startswith("timm:")]


def state(name: str, classes: int | None = None, variant: int = 0) -> dict[str, Tensor]:
    return skeleton(name, classes, variant).state_dict()


@pytest.mark.parametrize("classes", [None, 7])
@pytest.mark.parametrize(
    "name", ["resnet18", "vgg11", "squeezenet1_1", "regnet_y_400mf", "vit_b_32"]
)
def test_a_network_is_known_by_its_state(name, classes):
    assert guess(state(name, classes))[0] == name


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_all_of_torchvisions_are_known_with_their_head_and_another(name):
    for classes in (None, 3, 1001):
        found = guess(state(name, classes))
        assert name in found
        # Twins of torchvision's own come first and have the very same tensors.
        mine = shapes_of(state(name))
        for twin in found:
            assert shapes_of(state(twin, 1000)) == mine


@pytest.mark.slow
def test_timms_are_known_with_another_head():
    names = [name for name in model_names() if name.startswith("timm:")][::20]
    for name in names:
        assert name in guess(state(name, 7)), name


def test_the_bundled_network_is_known():
    from cnnviz_desktop.bundled.network import BundledNet

    mine = BundledNet().state_dict()

    assert guess(mine) == ("bundled",)
    assert guess({**mine, "more": torch.zeros(1)}) == ()


def test_twins_are_all_told_the_likeliest_first():
    found = guess(state("resnet50"))

    assert found[:2] == ("resnet50", "timm:resnet50")
    assert len(found) > 2  # resnetblur50 and resnetaa50 differ in layers without weights
    assert guess(state("timm:efficientnet_b0"))[0] == "timm:efficientnet_b0"
    assert "timm:tf_efficientnet_b0" in guess(state("timm:efficientnet_b0"))


def test_alike_keys_of_other_shapes_are_told_apart():
    assert guess(state("wide_resnet50_2"))[0] == "wide_resnet50_2"
    assert guess(state("resnext50_32x4d"))[0] == "resnext50_32x4d"
    assert set(guess(state("vgg16"))).isdisjoint(guess(state("vgg13")))
    assert "resnet50" not in guess(state("wide_resnet50_2"))


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
@pytest.mark.parametrize("variant", [0, 1])
def test_auxiliary_heads_may_be_there_or_not(name, variant):
    found = state(name, 5, variant)

    assert any(key.lower().startswith("aux") for key in found) is (variant == 0)
    assert guess(found)[0] == name


@pytest.mark.parametrize("name", ["vit_b_16", "vit_l_16", "vit_h_14"])
def test_vision_transformers_are_known_at_each_published_size(name):
    sizes = {state(name, 5, variant)["encoder.pos_embedding"].shape for variant in (0, 1)}

    assert len(sizes) == 2
    for variant in (0, 1):
        assert guess(state(name, 5, variant)) == (name,)


def test_files_without_batch_counters_are_known():
    old = {key: value for key, value in state("resnet18").items() if "num_batches" not in key}

    assert guess(old)[0] == "resnet18"


def test_what_differs_in_more_than_the_class_count_is_not_known():
    known = state("resnet18")

    assert guess({}) == ()
    assert guess(nn.Linear(3, 2).state_dict()) == ()
    assert guess({**known, "more": torch.zeros(1)}) == ()
    assert guess({key: value for key, value in known.items() if key != "fc.bias"}) == ()
    assert guess({**known, "fc.bias": torch.zeros(7)}) == ()  # its weight has 1000 rows
    assert guess({**known, "fc.weight": torch.zeros(7, 256), "fc.bias": torch.zeros(7)}) == ()
    assert guess({**known, "conv1.weight": torch.zeros(64, 1, 7, 7)}) == ()


def test_tensors_without_sizes_are_no_head():
    known = state("resnet18")
    broken = {**known, "fc.weight": torch.zeros(()), "fc.bias": torch.zeros(())}

    assert guess(broken) == ()


# ---------------------------------------------------------------------------------------- nearest


def test_the_closest_is_named_with_what_differs():
    mine = state("resnet18")
    del mine["fc.weight"], mine["layer1.0.conv1.weight"], mine["layer4.1.bn2.bias"]
    mine["head.weight"] = torch.zeros(5, 512)
    mine["bn1.weight"] = torch.zeros(32)

    assert nearest(mine) == (
        "closest is resnet18: 3 tensors missing (first layer1.0.conv1.weight), "
        "1 tensor unexpected (first head.weight), 1 tensor of another shape (first bn1.weight)"
    )


def test_a_grey_network_is_close_to_the_coloured_one():
    mine = state("vgg11") | {"features.0.weight": torch.zeros(64, 1, 3, 3)}

    assert nearest(mine) == (
        "closest is vgg11: 1 tensor of another shape (first features.0.weight)"
    )


def test_nothing_is_close_to_what_no_network_is_like():
    assert nearest({}) == ""
    assert nearest(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(8, 2)).state_dict()) == ""


def test_a_sketch_estimates_the_share_in_common():
    first = {f"layer{index}.weight": (index,) for index in range(400)}
    second = {key: value for key, value in first.items() if value[0] < 200}

    alike = float((sketch(first) == sketch(second)).mean())

    assert alike == pytest.approx(0.5, abs=0.15)  # half of the union is in both
    assert np.array_equal(sketch(first), sketch(dict(reversed(first.items()))))
