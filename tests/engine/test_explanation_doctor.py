"""Every complaint about a map has a reason in its numbers, and a next thing to try."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time

import numpy as np
import pytest
from networks import Plain

from cnnviz_desktop.data import Box, Diagnosis, Finding, Heatmap
from cnnviz_desktop.engine.explanation_doctor import Advice, advise
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.techniques import (
    EigenCam,
    EvidenceMatrix,
    GradCam,
    GuidedBackprop,
    HiResCam,
    LayerCam,
)

REGION = Box(0, 0, 8, 8)


@pytest.fixture
def model(load):
    return dataclasses.replace(load(Plain()), weights="pretrained")


@pytest.fixture
def look(model, noise):
    """Return the doctor's advice on a map, by its titles."""

    def ask(technique, values, image=None, model=model, **more) -> dict[str, Advice]:
        known = {"layer": "relu2", "method": technique.title, "diagnosis": Diagnosis()} | more
        heatmap = Heatmap(
            np.array(values, np.float32), target=1, target_label="dog", score=2.5,
            region=REGION, **known,
        )  # fmt: skip
        found = advise(technique, heatmap, model, image or noise())
        order = [("error", "warning", "info").index(item.finding.severity) for item in found]
        assert order == sorted(order)
        for item in found:
            assert bool(item.action) == (item.technique is not None)
            assert item.finding.detail.endswith((".", "?"))
        return {item.finding.title: item for item in found}

    return ask


GOOD = np.arange(16).reshape(4, 4) - 4.0


def test_a_good_map_says_its_range_and_offers_evidence(look):
    found = look(GradCam(), GOOD, diagnosis=Diagnosis(gradient=0.5, channels=6, chosen="asked for"))

    assert not [item for item in found.values() if item.finding.severity != "info"]
    assert found["Values −4 … 11"].finding.detail == (
        "25% of the values are below zero: against the class."
    )
    assert "0.5" in found["The gradient is sound"].finding.detail
    assert found["relu2"].finding.detail == "You chose this layer."
    assert found["Can it be believed?"].technique == EvidenceMatrix(
        methods=("grad-cam", "random", "sobel"), layers=("relu2",)
    )


def test_an_empty_map_explains_itself_and_offers_three_ways_on(look):
    found = look(GradCam(target="dog"), -1 - np.arange(16).reshape(4, 4))

    first = found["Nothing speaks for “dog”"]
    assert first.finding.severity == "error" and "down to −16" in first.finding.detail
    assert (first.action, first.technique) == (
        "Try HiResCAM",
        HiResCam(layer="relu2", target="dog"),
    )
    earlier = found["Look at an earlier layer"]
    assert (earlier.action, earlier.technique) == (
        "Try relu1",
        LayerCam(layer="relu1", target="dog"),
    )
    other = found["Explain another class"]
    assert "2.5" in other.finding.detail
    assert (other.action, other.technique) == ("Explain the likeliest class", GradCam())
    assert "Can it be believed?" not in found


def test_a_gradient_of_zero_sends_to_a_method_without(look, model):
    noticed = Diagnosis(gradient=0.0, channels=6)
    found = look(GradCam(), np.zeros((4, 4)), diagnosis=noticed)["The gradient is zero"]
    assert (found.finding.severity, found.technique) == ("error", EigenCam(layer="relu2"))

    finding = Finding("warning", "Answers are probabilities", "They add up to 1.")
    sure = dataclasses.replace(model, findings=(finding,))
    found = look(GradCam(), np.zeros((4, 4)), diagnosis=noticed, model=sure)
    assert "it answers with probabilities" in found["The gradient is zero"].finding.detail


def test_zeros_and_channels_without_places_are_told_apart(look):
    assert "The map is zero everywhere" in look(GradCam(), np.zeros((4, 4)))
    noticed = Diagnosis(gradient=1.0, channels=6, constant=6)
    assert "All 6 channels are the same everywhere" in look(
        GradCam(), np.zeros((4, 4)), diagnosis=noticed
    )


def test_values_that_are_no_numbers_name_the_module(look):
    values = GOOD.copy()
    values[0, 0] = np.nan
    found = look(GradCam(), values, diagnosis=Diagnosis(broken="conv2"))
    said = found["Values that are no numbers"].finding
    assert said.detail.startswith("1 of 16 values") and said.items == ("conv2",)

    found = look(GradCam(), values)["Values that are no numbers"]
    assert "method's own arithmetic" in found.finding.detail
    assert found.technique == HiResCam(layer="relu2")


def test_a_map_mostly_below_zero_is_a_warning(look):
    values = np.full((4, 4), -1.0)
    values[0, 0] = 0.1
    found = look(GradCam(), values)["Most of the map speaks against the class"]
    assert found.finding.severity == "warning" and "94%" in found.finding.detail


def test_a_vanishing_gradient_is_a_warning(look):
    found = look(GradCam(), GOOD, diagnosis=Diagnosis(gradient=3e-9))
    assert "3e−09" in found["The gradient nearly vanishes"].finding.detail


def test_one_value_everywhere_cannot_show_where(look):
    found = look(GradCam(), np.full((1, 1), 3.0), layer="pool")
    assert found["The same everywhere"].technique == LayerCam(layer="relu2")


def test_a_coarse_map_says_what_a_cell_is_and_offers_a_finer_layer(look):
    found = look(HiResCam(smooth="flips"), GOOD)["4×4 cells"]
    assert "2×2 pixels" in found.finding.detail
    # The same technique with all its parameters; LayerCAM only where that one is no good.
    assert found.technique == HiResCam(layer="relu1", smooth="flips")
    assert look(GradCam(), GOOD)["4×4 cells"].technique == LayerCam(layer="relu1")
    assert "8×8 cells" in look(GradCam(), np.ones((8, 8)) + np.eye(8), layer="relu1")


def test_an_early_layer_is_for_layer_cam(look):
    found = look(GradCam(layer="relu1"), np.ones((8, 8)) + np.eye(8), layer="relu1")
    assert found["An early layer"].technique == LayerCam(layer="relu1")
    assert "An early layer" not in look(LayerCam(layer="relu1"), np.eye(8), layer="relu1")
    assert "An early layer" not in look(GradCam(), GOOD)


def test_channels_that_say_nothing_are_counted(look):
    few = look(GradCam(), GOOD, diagnosis=Diagnosis(constant=2, channels=6))
    assert few["2 channels say nothing here"].finding.severity == "info"
    assert "1 channel says nothing here" in look(
        GradCam(), GOOD, diagnosis=Diagnosis(constant=1, channels=6)
    )
    many = look(GradCam(), GOOD, diagnosis=Diagnosis(constant=5, channels=6))
    assert many["Hardly any channel is alive"].finding.severity == "warning"


def test_heat_along_the_border_is_padding(look):
    values = np.zeros((16, 16))
    values[0] = 1
    found = look(GradCam(), values)
    assert "100% of what is above zero" in found["Hot along the border"].finding.detail
    assert "Hot along the border" not in look(GradCam(), np.ones((16, 16)) + np.eye(16))


def test_random_weights_softmax_crop_and_notes_are_said(look, model, noise):
    drawn = dataclasses.replace(model, weights="none")
    noticed = Diagnosis(softmax=True, notes=("The parts add up to 1.",))
    found = look(GradCam(), GOOD, image=noise(16, 16), model=drawn, diagnosis=noticed)
    assert found["Random weights"].finding.severity == "warning"
    assert "The network ends in a softmax" in found
    assert found["Grad-CAM"].finding.detail == "The parts add up to 1."
    assert "It saw 25% of the picture" in found["The network saw a part"].finding.detail


def test_methods_that_hardly_look_at_the_class_say_so(look):
    assert look(EigenCam(), GOOD)["Not about the class"].technique == HiResCam(layer="relu2")
    found = look(GuidedBackprop(), np.abs(GOOD), layer="", signed=False)
    assert found["Perhaps no more than edges"].technique == EvidenceMatrix(
        methods=("guided-backprop", "sobel"), metrics=("sanity", "ssim", "road")
    )
    assert "Magnitudes" in found["Values 0 … 11"].finding.detail


def test_a_map_that_is_of_no_class_is_not_said_to_speak_against_one(look):
    below = np.full((4, 4), -1.0)
    below[0, 0] = 2
    found = look(EigenCam(), below, diagnosis=Diagnosis(softmax=True))
    assert "neither is for or against a class" in found["Values −1 … 2"].finding.detail
    assert "Most of the map speaks against the class" not in found
    assert "The network ends in a softmax" not in found


def test_the_mean_of_several_layers_is_no_magnitude(look):
    layers = ("relu2", "relu1")
    found = look(GradCam(also=("relu1",)), np.eye(4), layers=layers, signed=False)
    assert "What speaks for the class" in found["Values 0 … 1"].finding.detail


def test_one_of_several_classes_keeps_its_class(look):
    found = look(GradCam(classes=3), GOOD)["4×4 cells"]
    assert found.technique == LayerCam(layer="relu1", target=1)


def test_what_it_offers_runs_on_a_real_pass(load, noise):
    model = load(Plain())
    for technique in (GradCam(), EigenCam(), GuidedBackprop(), HiResCam(layer="conv1")):
        heatmap = technique(model, noise())
        for item in advise(technique, heatmap, model, noise()):
            if item.technique is not None:
                assert item.technique(model, noise())


def test_it_is_quick_and_needs_no_torch(repository, noise):
    model = load_model("bundled", weights="none")
    image = noise(200, 300)
    heatmap = GuidedBackprop()(model, image)
    advise(GuidedBackprop(), heatmap, model, image)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        advise(GuidedBackprop(), heatmap, model, image)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.002
    code = (
        "import sys; import cnnviz_desktop.engine.explanation_doctor; "
        "print(sorted({'torch', 'matplotlib', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
