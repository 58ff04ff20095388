"""What is said of layers without maps and of channels that are not there."""

from __future__ import annotations

import pytest
from networks import Plain

from cnnviz_desktop.engine.channels import channels_of, check_channel, maps_of
from cnnviz_desktop.errors import LayerError, ParameterError


def test_maps_and_vectors_have_channels_and_maps_alone_are_maps(load):
    model = load(Plain())

    assert maps_of(model, model.layer("conv2")) == 6
    assert channels_of(model, model.layer("conv2")) == 6
    assert channels_of(model, model.layer("fc")) == 3
    with pytest.raises(LayerError) as raised:
        maps_of(model, model.layer("fc"), ", so it cannot show where")
    assert str(raised.value) == (
        "fc (Linear) gives no maps, so it cannot show where. Choose a layer with maps such as "
        f"{model.default_layer}."
    )


@pytest.mark.parametrize("channel", [0, 3])
def test_a_channel_that_is_there_is_taken(channel):
    check_channel("conv1", 4, channel)
    check_channel("conv1", 4, channel, least="all")


def test_a_channel_that_is_not_there_is_refused():
    with pytest.raises(ParameterError) as raised:
        check_channel("conv1", 4, 4, "first")
    assert str(raised.value) == "conv1 has 4 channels: first must be 0 to 3, not 4."
    for channel in (-1, "cat"):
        with pytest.raises(ParameterError, match=rf"channel must be 0 to 3, not {channel}\."):
            check_channel("conv1", 4, channel)


def test_below_zero_may_mean_something():
    check_channel("conv1", 4, -1, least="the strongest")
    with pytest.raises(ParameterError, match=r"0 to 3, or -1 for the strongest, not 9\."):
        check_channel("conv1", 4, 9, least="the strongest")
