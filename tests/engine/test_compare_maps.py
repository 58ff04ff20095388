"""Maps side by side: each as its own technique gives it."""

from __future__ import annotations

import numpy as np
import pytest
from networks import Plain

from cnnviz_desktop.engine.techniques import TECHNIQUES, CompareMaps, GradCam
from cnnviz_desktop.engine.techniques.compare_maps import METHODS
from cnnviz_desktop.errors import ParameterError


@pytest.fixture
def model(load):
    return load(Plain())


def test_every_method_that_gives_maps_can_be_compared():
    others = {"compare-maps", "evidence"}
    of_maps = {kind.command for kind in TECHNIQUES if kind.tab == "Explain"} - others
    assert set(METHODS) == of_maps


def test_each_map_is_the_one_of_its_technique(model, noise):
    image, layer = noise(), model.default_layer
    compare = CompareMaps(methods=("grad-cam", "layer-cam", "saliency"), layers=(layer,), target=1)
    result = compare(model, image)
    assert result.captions == ("Grad-CAM", "LayerCAM", METHODS["saliency"].title)
    assert len(compare.parts()) == len(result.maps) == 3
    for index, item in enumerate(result.maps):
        alone = compare.part_of(result, index)
        assert type(alone) is METHODS[compare.methods[index]]
        np.testing.assert_array_equal(alone(model, image).values, item.values)
        assert item.target == alone.target == 1


def test_methods_layers_and_classes_make_a_matrix(model, noise):
    layers = [node.name for node in model.layers.walk() if node.name and node.has_maps][:2]
    compare = CompareMaps(methods=("grad-cam", "hires-cam"), layers=tuple(layers), classes=2)
    result = compare(model, noise())
    assert result.columns == 4 and len(result.maps) == 8
    first = result.captions[0]
    assert first == f"Grad-CAM, {layers[0]}, {result.maps[0].target_label}"
    assert [item.layer for item in result.maps] == 2 * [layers[0], layers[0], layers[1], layers[1]]
    alone = compare.part_of(result, 3)
    assert alone == GradCam(layer=layers[1], target=result.maps[3].target)
    assert result.maps[2].target != result.maps[3].target


def test_layers_of_one_method_have_one_row_each_named(model, noise):
    layers = tuple(n.name for n in model.layers.walk() if n.name and n.has_maps)[:3]
    result = CompareMaps(methods=("grad-cam",), layers=layers)(model, noise())
    assert result.captions == layers
    assert result.title == f"{result.maps[0].target_label}, Grad-CAM"


def test_what_fits_on_no_page_is_refused(model, noise):
    with pytest.raises(ParameterError, match="choose one at least"):
        CompareMaps(methods=())(model, noise())
    with pytest.raises(ParameterError, match="These are 45 maps"):
        CompareMaps(methods=("grad-cam",), layers=tuple("abcde"), classes=9)(model, noise())


def test_few_quick_maps_follow_a_click():
    assert CompareMaps().is_quick()
    assert not CompareMaps(methods=("grad-cam", "score-cam")).is_quick()
    assert not CompareMaps(classes=9).is_quick()
