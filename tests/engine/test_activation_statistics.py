"""The table and the distribution of activations, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from networks import Containers, Functional, Plain, Residual
from torch import nn

from cnnviz_desktop.data import Distribution, ImageInput, Table
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import ActivationStatistics, FeatureMaps
from cnnviz_desktop.errors import LayerError


def rows(table: Any) -> list[dict[str, Any]]:
    """Return a table's rows by column."""
    assert isinstance(table, Table)
    assert len(table.units) == len(table.columns) == len(set(table.columns))
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def grey(*values: int) -> ImageInput:
    """Make a picture of two rows that both hold these fifths."""
    pixels = np.array([values, values], np.uint8) * 51
    return ImageInput(np.repeat(pixels[:, :, None], 3, axis=2))


def test_a_small_network_worked_out_by_hand(load):
    conv = nn.Conv2d(3, 4, 1, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[:, 0, 0, 0] = torch.tensor([5.0, -5.0, 10.0, 0.0])
    model = load(nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten()), size=(2, 4))

    before, after, flat = rows(ActivationStatistics()(model, grey(0, 1, 2, 3)))

    # red x 5 is 0 1 2 3 twice: channels 0 1 2 3, 0 -1 -2 -3, 0 2 4 6, 0 0 0 0
    values = np.array([0, 1, 2, 3, 0, -1, -2, -3, 0, 2, 4, 6, 0, 0, 0, 0], float)
    assert before["mean"] == pytest.approx(values.mean(), rel=1e-6)
    assert before["std"] == pytest.approx(values.std(), rel=1e-6)
    assert before["L1 norm"] == pytest.approx(2 * np.abs(values).sum(), rel=1e-6)
    assert (before["shape"], before["count"], before["channels"]) == ("4×2×4", 32, 4)
    assert before["above zero"] == pytest.approx(100 * 6 / 16)
    # a ReLU follows: the channel that is never above zero is silent
    assert (before["silent"], before["duplicates"], before["saturated"]) == (2, 1, None)
    assert (after["min"], after["max"]) == (0, pytest.approx(6, rel=1e-6))
    assert after["zeros"] == pytest.approx(100 * 10 / 16)
    assert (after["silent"], after["duplicates"]) == (2, 1)
    assert flat["channels"] == 32
    assert flat["duplicates"] is None  # single values point nowhere


def test_saturated_channels_are_counted(load, noise):
    conv = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.copy_(torch.tensor([-9.0, 0.0, 9.0]))

    found = rows(ActivationStatistics()(load(nn.Sequential(conv, nn.Sigmoid())), noise()))

    assert [row["saturated"] for row in found] == [None, 2]


def test_a_layer_that_runs_twice_has_two_rows(load, noise):
    model = load(Residual())

    relu = [row for row in rows(ActivationStatistics()(model, noise())) if row["layer"] == "relu"]

    assert [row["call"] for row in relu] == [0, 1]
    for row in relu:
        maps = FeatureMaps(layer="relu", call=row["call"])(model, noise()).values
        assert row["mean"] == pytest.approx(maps.mean(dtype=np.float64), rel=1e-6)
    spread = ActivationStatistics(show="boxes", layers="rectifiers")(model, noise())
    assert isinstance(spread, Distribution)
    assert spread.layers == ("relu", "relu (2)")


@pytest.mark.parametrize("inplace", [True, False])
def test_every_row_is_of_the_layers_own_values(load, noise, inplace):
    model = load(Plain(inplace=inplace))

    for row in rows(ActivationStatistics()(model, noise())):
        maps = FeatureMaps(layer=row["layer"])(model, noise()).values.astype(np.float64)
        assert row["mean"] == pytest.approx(maps.mean(), rel=1e-6)
        assert row["std"] == pytest.approx(maps.std(), rel=1e-6)
        assert row["L2 norm"] == pytest.approx(np.linalg.norm(maps), rel=1e-6)
        assert (row["min"], row["max"]) == (maps.min(), maps.max())
        assert row["above zero"] == pytest.approx(100 * (maps > 0).mean())


def test_which_layers_are_shown(load, noise):
    model = load(Plain())
    names = {
        which: [row["layer"] for row in rows(ActivationStatistics(layers=which)(model, noise()))]
        for which in ("all", "kernels", "rectifiers")
    }

    assert names["all"] == ["conv1", "relu1", "conv2", "relu2", "pool", "flatten", "fc"]
    assert names["kernels"] == ["conv1", "conv2", "fc"]
    assert names["rectifiers"] == ["relu1", "relu2"]
    with pytest.raises(LayerError, match="no rectifiers that a pass runs as modules: choose all"):
        ActivationStatistics(layers="rectifiers")(load(Functional()), noise())


def test_layers_that_give_containers_or_nothing(load, noise):
    found = [
        row["layer"] for row in rows(ActivationStatistics()(load(Containers("dict")), noise()))
    ]

    assert found == ["conv", "giver", "fc"]


@pytest.mark.parametrize("show", ["histograms", "boxes"])
def test_every_value_is_in_the_distribution(load, noise, show):
    model = load(Plain())

    found = ActivationStatistics(show=show)(model, noise())

    assert isinstance(found, Distribution)
    assert (found.show, found.of) == (show, "activations")
    sizes = [256, 256, 96, 96, 6, 6, 3]
    assert (found.counts.sum(axis=1) + found.zeros).tolist() == sizes
    maps = FeatureMaps(layer="relu1")(model, noise()).values
    assert found.zeros[1] == (maps == 0).sum() > 0
    np.testing.assert_allclose(found.box[1, 4], np.quantile(maps, 0.75), rtol=1e-6)


def test_broken_activations_are_counted(load, noise):
    module = Plain()
    with torch.no_grad():
        module.conv1.bias[0] = math.nan
    model = load(module)

    found = rows(ActivationStatistics()(model, noise()))

    assert found[0]["NaN or infinite"] == 64
    assert math.isfinite(found[0]["mean"])
    assert found[-1]["mean"] is None


def test_progress_counts_layers(load, noise):
    seen = []
    run = Run(on_progress=lambda progress: seen.append((progress.done, progress.total)))

    ActivationStatistics()(load(Residual()), noise(), run)

    assert [done for done, _total in seen] == list(range(1, 9))
    assert {total for _done, total in seen} == {8}


def test_the_real_network_has_silent_channels(load, real):
    import torchvision

    from cnnviz_desktop.engine.images import load_image

    module = torchvision.models.squeezenet1_0(weights=None)
    module.load_state_dict(torch.load(real / "squeezenet1_0-imagenet.pth", weights_only=True))
    model = load(module, (224, 224))

    found = rows(ActivationStatistics()(model, load_image(real / "dog_and_cat.png")))

    by_layer = {row["layer"]: row for row in found}
    assert len(found) == 57
    conv, relu = (by_layer[f"features.9.expand1x1{end}"] for end in ("", "_activation"))
    assert conv["silent"] == relu["silent"] > 0
    assert relu["zeros"] == pytest.approx(100 - relu["above zero"])
