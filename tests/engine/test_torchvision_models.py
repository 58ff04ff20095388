"""torchvision's vision transformers are built for the size their weights were trained at."""

from __future__ import annotations

import pytest
import torch
import torchvision

from cnnviz_desktop.engine.torchvision_models import (
    _options,
    _trained_alike,
    build_torchvision,
    imagenet_classes,
    published_preprocessing,
)


@pytest.mark.parametrize(
    ("name", "positions", "side", "resize"),
    [
        ("vit_b_16", 14 * 14 + 1, 224, 256),
        ("vit_b_16", 24 * 24 + 1, 384, 384),
        ("vit_h_14", 37 * 37 + 1, 518, 518),
        ("vit_h_14", 16 * 16 + 1, 224, 224),
        ("vit_b_32", 7 * 7 + 1, 224, 256),
        ("vit_b_32", 5, 224, 256),  # of no published size: the usual one, which then does not fit
    ],
)
def test_the_number_of_positions_tells_the_size(name, positions, side, resize):
    usual = torchvision.models.get_model_weights(name).DEFAULT
    state = {"encoder.pos_embedding": torch.zeros(1, positions, 8)}

    found = _trained_alike(name, usual, state)

    assert _options(name, found, state) == {"image_size": side}
    preprocessing = published_preprocessing(found.transforms())
    assert (preprocessing.size, preprocessing.resize) == ((side, side), resize)


def test_other_networks_take_any_size():
    usual = torchvision.models.get_model_weights("resnet50").DEFAULT

    assert _trained_alike("resnet50", usual, {}) is usual
    assert _options("resnet50", usual, {}) == {}


@pytest.mark.slow
def test_the_largest_is_built_for_its_published_weights(monkeypatch):
    """Its usual weights want 518 pixels, torchvision's builder makes it for 224."""
    from cnnviz_desktop.engine import torchvision_models
    from cnnviz_desktop.engine.run import SILENT
    from cnnviz_desktop.engine.skeletons import skeleton

    state = skeleton("vit_h_14").state_dict()
    monkeypatch.setattr(torchvision_models, "_published_file", lambda *_: "w")
    monkeypatch.setattr(torchvision_models, "read_state", lambda _: state)
    built = build_torchvision("vit_h_14", None, SILENT)

    assert built.preprocessing.size == (518, 518)
    assert built.module.image_size == 518
    assert built.labels == imagenet_classes()
