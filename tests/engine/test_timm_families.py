"""One network of each of timm's families can be looked into at its default layer."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.catalogue import search
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam


def smallest() -> list[str]:
    """Name the network of each family with the fewest parameters."""
    sizes: dict[str, tuple[int, str]] = {}
    for entry in search("timm"):
        here = entry.parameters or 0, entry.name
        sizes[entry.family] = min(sizes.get(entry.family, here), here)
    return sorted(name for _, name in sizes.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", smallest())
def test_maps_and_an_explanation_at_the_default_layer(name: str) -> None:
    numbers = np.random.default_rng(0)
    image = ImageInput(numbers.integers(0, 256, (256, 320, 3), dtype=np.uint8))

    model = load_model(name, weights="none")
    maps = FeatureMaps()(model, image)
    heat = GradCam(target=3)(model, image)

    assert maps.layer == heat.layer == model.default_layer
    assert maps.values.shape[1] * maps.values.shape[2] > 1
    assert np.isfinite(maps.values).all()
    assert maps.values.any()
    assert heat.values.shape == maps.values.shape[1:]
    assert np.isfinite(heat.values).all()
    assert heat.values.any(), "the explanation says nothing"
