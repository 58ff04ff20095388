from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from cnnviz_desktop.bundled.network import (
    INPUT_SIZE,
    MEAN,
    STD,
    BundledNet,
    normalised,
    preprocessing,
)
from cnnviz_desktop.bundled.pictures import CLASSES, HELD_OUT_SEEDS, draw
from cnnviz_desktop.bundled.training import SAMPLE_SEEDS, Evaluation, evaluate
from cnnviz_desktop.resources import resource

FRESH = HELD_OUT_SEEDS[310_000:]
CHECKPOINTS = sorted(resource("bundled/checkpoints").glob("*.safetensors"))


@pytest.fixture(scope="module")
def shipped() -> BundledNet:
    net = BundledNet()
    net.load_state_dict(load_file(resource("bundled/bundled.safetensors")))
    return net.eval()


@pytest.fixture(scope="module")
def measured(shipped: BundledNet) -> Evaluation:
    return evaluate(shipped, FRESH[:300], FRESH[:800])


def test_blocks_halve_the_picture_and_are_named_as_in_the_layer_tree() -> None:
    net = BundledNet().eval()
    x = torch.zeros(1, 3, INPUT_SIZE, INPUT_SIZE)
    shapes = []
    for block in net.blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 64, 64), (32, 32, 32), (64, 16, 16), (128, 8, 8)]
    assert [name for name, _ in net.named_children()] == ["blocks", "pool", "head"]
    parts = [name for name, _ in net.get_submodule("blocks.0").named_children()]
    assert parts == ["conv1", "bn1", "act1", "conv2", "bn2", "act2"]
    assert not any(m.inplace for m in net.modules() if isinstance(m, nn.ReLU))


def test_each_map_cell_lies_in_the_middle_of_its_receptive_field() -> None:
    # With all weights alike the gradient of a cell is symmetric about the field's middle.
    net = BundledNet().eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.01)
    x = torch.ones(1, 3, INPUT_SIZE, INPUT_SIZE, requires_grad=True)
    net.blocks(x)[0, 0, 4, 3].backward()
    assert x.grad is not None
    field = x.grad[0, 0]
    rows, columns = (torch.nonzero(field.sum(axis))[:, 0] for axis in (1, 0))
    assert (rows[0] + rows[-1] + 1).item() / 2 == 4.5 * 16
    assert (columns[0] + columns[-1] + 1).item() / 2 == 3.5 * 16


def test_normalisation_is_that_of_the_published_preprocessing() -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    np.testing.assert_allclose(normalised(pixels)[0, :, 0], [[-2.0, 2.0]] * 3)
    settings = preprocessing()
    assert settings.size == (128, 128)
    assert (settings.mean, settings.std) == (MEAN, STD)


def test_any_number_of_classes_can_be_told_apart() -> None:
    net = BundledNet(classes=5).eval()
    assert net(torch.zeros(2, 3, INPUT_SIZE, INPUT_SIZE)).shape == (2, 5)


def test_the_shipped_files_are_small() -> None:
    assert resource("bundled/bundled.safetensors").stat().st_size <= 2_000_000
    folders = (resource("bundled"), resource("samples"))
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 4_000_000


def test_the_shipped_labels_are_the_drawn_classes() -> None:
    assert json.loads(resource("bundled/labels.json").read_text("utf-8")) == list(CLASSES)


def test_the_shipped_network_knows_fresh_pictures(measured: Evaluation) -> None:
    assert measured.accuracy >= 0.97
    assert min(measured.class_accuracy.values()) >= 0.85


def test_its_evidence_lies_on_the_object(measured: Evaluation) -> None:
    assert measured.pointing >= 0.95


def test_the_background_says_nothing_of_the_class(measured: Evaluation) -> None:
    chance = 1 / len(CLASSES)
    spread = (chance * (1 - chance) / measured.background_count) ** 0.5
    assert abs(measured.background_accuracy - chance) < 4 * spread


@pytest.mark.parametrize("path", CHECKPOINTS, ids=[path.stem for path in CHECKPOINTS])
def test_each_shipped_checkpoint_loads(path: object) -> None:
    net = BundledNet()
    net.load_state_dict(load_file(str(path)))
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())


def test_the_checkpoints_tell_of_a_training(shipped: BundledNet) -> None:
    accuracies = []
    for path in CHECKPOINTS:
        net = BundledNet()
        net.load_state_dict(load_file(path))
        accuracies.append(evaluate(net.eval(), FRESH[:60], FRESH[:1]).accuracy)
    assert len(accuracies) == 4
    assert accuracies == sorted(accuracies)
    assert accuracies[0] < 0.25
    final = load_file(CHECKPOINTS[-1])["head.weight"].float()
    torch.testing.assert_close(final, shipped.head.weight.detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", SAMPLE_SEEDS)
def test_each_sample_is_held_out_and_recognised(shipped: BundledNet, name: str) -> None:
    seed, label = SAMPLE_SEEDS[name], CLASSES.index(name)
    assert seed in HELD_OUT_SEEDS
    file = f"{name.replace(' ', '-')}.png"
    with Image.open(resource(f"samples/{file}")) as image:
        pixels = np.array(image)
    with Image.open(resource(f"samples/masks/{file}")) as image:
        mask = np.array(image)
    drawing = draw(seed, label)
    # Not compared bit by bit: another platform's sine may round a few pixels otherwise.
    assert np.abs(pixels.astype(int) - drawing.pixels).mean() < 0.1
    assert (mask != drawing.mask).mean() < 0.001
    probabilities = shipped(normalised(torch.from_numpy(pixels).movedim(2, 0)[None])).softmax(1)
    assert probabilities[0, label] > 0.9
