"""All of torchvision's classifiers can be looked into at their default layer."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.catalogue import model_names
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam
from cnnviz_desktop.errors import CnnvizError

NAMES = [name for name in model_names()[1:] if not name.startswith("timm:")]
MAY_REFUSE = ("vit_", "swin_", "maxvit_")  # in one sentence: what they compute are not all maps


def test_there_are_eighty():
    assert len(NAMES) == 80


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_maps_and_an_explanation_at_the_default_layer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = np.random.default_rng(0)
    image = ImageInput(numbers.integers(0, 256, (256, 320, 3), dtype=np.uint8))
    try:
        model = load_model(name, weights="none")
        maps = FeatureMaps()(model, image)
        heat = GradCam(target=3)(model, image)
    except CnnvizError as error:
        assert name.startswith(MAY_REFUSE), f"{name}: {error}"
        assert str(error).endswith(".")
        return
    node = model.layer(None)

    assert model.default_layer == maps.layer == heat.layer == node.name
    assert maps.values.shape == node.output_shape
    assert maps.values.shape[1] * maps.values.shape[2] > 1
    assert np.isfinite(maps.values).all()
    assert maps.values.any()
    assert heat.values.shape == maps.values.shape[1:]
    assert np.isfinite(heat.values).all()
    if not name.startswith("vit_"):  # torchvision makes their last layer of zeros
        assert heat.values.any(), "the explanation says nothing"
    assert len(model.labels) == 1000
