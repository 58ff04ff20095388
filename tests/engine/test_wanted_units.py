"""What units of trained networks want: every one of the bundled model's is brought to fire."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from cnnviz_desktop.bundled.network import normalised
from cnnviz_desktop.bundled.pictures import HELD_OUT_SEEDS, drawings
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.percentiles import high_values
from cnnviz_desktop.engine.recording import record
from cnnviz_desktop.engine.techniques import ActivationMaximization

PICTURES = 500
LAYERS = {  # the last three convolutions, and the ReLUs behind them
    "blocks.2.conv2": "blocks.2.act2",
    "blocks.3.conv1": "blocks.3.act1",
    "blocks.3.conv2": "blocks.3.act2",
}


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_every_unit_that_fires_ends_above_999_in_1000_of_its_values(bundled_weights, layer):
    model = load_model("bundled")
    wanted = {layer: 1, LAYERS[layer]: 1}
    values, fires = [], torch.zeros(0)
    for start in range(0, PICTURES, 50):
        pixels = np.stack([item.pixels for item in drawings(HELD_OUT_SEEDS[start : start + 50])])
        found = record(
            model.module, normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2)), wanted
        )
        values.append(found[layer][0].transpose(0, 1).flatten(1).clone())
        now = found[LAYERS[layer]][0].amax((0, 2, 3)) > 0
        fires = now if not len(fires) else fires | now
    high = np.quantile(torch.cat(values, 1).numpy(), 0.999, axis=1)
    units = np.flatnonzero(fires.numpy())
    assert len(units) > 0.9 * len(high)

    responses = np.full(len(high), -np.inf)
    for first in range(0, len(high), 64):
        make = ActivationMaximization(
            layer=layer, channel=first, count=64, objective="neuron", steps=96
        )
        found = make(model).responses
        responses[first : first + len(found)] = found
    for unit in units[responses[units] <= high[units]]:  # which need all the steps
        make = ActivationMaximization(layer=layer, channel=int(unit), objective="neuron")
        responses[unit] = make(model).responses[0]

    low = units[responses[units] <= high[units]]
    assert len(low) == 0, f"{low} give {responses[low]}, not above {high[low]}"


def test_the_threshold_is_the_percentile_over_a_folders_pictures(bundled_weights, tmp_path):
    model = load_model("bundled")
    tensors = []
    for seed in HELD_OUT_SEEDS[:3]:
        (item,) = drawings([seed])
        Image.fromarray(item.pixels).save(tmp_path / f"{seed}.png")
        tensors.append(torch.from_numpy(item.pixels).permute(2, 0, 1))
    maps = record(model.module, normalised(torch.stack(tensors)), {"blocks.1": 1})["blocks.1"][0]

    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = high_values(model, "blocks.1", 0, (3, 5), tmp_path)
    made = ActivationMaximization(layer="blocks.1", channel=5, steps=2, folder=str(tmp_path))(model)

    values = maps[:, [3, 5]].transpose(0, 1).flatten(1).numpy()
    np.testing.assert_allclose(found, np.quantile(values, 0.999, axis=1), rtol=1e-4)
    assert made.threshold[0] == pytest.approx(found[1])


@pytest.mark.slow
def test_a_real_networks_channels_are_coloured_and_no_noise(squeezenet):
    grown = ActivationMaximization(layer="features.7", channel=40, count=4, steps=96)(squeezenet)

    for picture in grown.pictures:
        assert picture.std() > 0.15  # no grey square
        assert np.ptp(picture, axis=2).mean() > 0.05  # coloured
        spectrum = np.abs(np.fft.rfft2(picture.mean(2) - picture.mean())) ** 2
        fast = spectrum[32:96, :].sum() / spectrum.sum()  # rows of half the highest frequency
        assert fast < 0.3  # noise has half of it there


@pytest.mark.slow
def test_a_real_networks_class_is_recognised(squeezenet):
    grown = ActivationMaximization(target=207, steps=48)(squeezenet)

    assert grown.answers[0].top(1)[0][0] == 207
    assert grown.answers[0].top(1)[0][2] > 0.9
