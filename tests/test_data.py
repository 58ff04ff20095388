"""The values that cross between engine, figures and faces."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz_desktop.data import Box, ImageInput, LayerNode, Prediction, Record
from cnnviz_desktop.errors import Cancelled, CnnvizError, did_you_mean

# ---------------------------------------------------------------------------------------- values


def test_a_box_measures_and_cuts():
    box = Box(1, 2, 4, 7)
    pixels = np.arange(5 * 9).reshape(5, 9)

    assert (box.height, box.width) == (3, 5)
    np.testing.assert_array_equal(pixels[box.slices()], pixels[1:4, 2:7])
    assert Box(1, 2, 4, 7) == box and hash(Box(1, 2, 4, 7)) == hash(box)
    with pytest.raises(dataclasses.FrozenInstanceError):
        box.top = 0


def test_a_picture_knows_its_name_its_whole_and_its_fingerprint():
    pixels = np.zeros((4, 6, 3), np.uint8)
    image = ImageInput(pixels, Path("folder/cat.png"))

    assert image.name == "cat.png"
    assert ImageInput(pixels).name == "picture"
    assert image.whole == Box(0, 0, 4, 6)
    assert image.fingerprint == ImageInput(pixels.copy(), Path("other.jpg")).fingerprint
    assert len(image.fingerprint) == 64


def test_a_fingerprint_tells_pixels_and_shapes_apart():
    one = np.zeros((4, 6, 3), np.uint8)
    other = one.copy()
    other[3, 5, 2] = 1
    across = np.zeros((6, 4, 3), np.uint8)
    view = np.zeros((4, 12, 3), np.uint8)[:, ::2]  # not contiguous

    prints = [ImageInput(pixels).fingerprint for pixels in (one, other, across)]

    assert len(set(prints)) == 3
    assert ImageInput(view).fingerprint == prints[0]


def test_pictures_are_compared_by_identity():
    pixels = np.zeros((1, 1, 3), np.uint8)
    image = ImageInput(pixels)
    assert image in (image,)
    assert image != ImageInput(pixels)
    assert len({image, ImageInput(pixels)}) == 2


def test_a_layer_tree_is_walked_parents_first_and_searched_by_name():
    leaf = LayerNode("a.b", "ReLU", (4, 2, 2), 0, 1)
    inner = LayerNode("a", "Block", (4, 1), 3, 1, (leaf,))
    root = LayerNode("", "Net", None, 3, 1, (inner, LayerNode("c", "Linear", (5,), 3, 1)))

    assert [node.name for node in root.walk()] == ["", "a", "a.b", "c"]
    assert root.find("a.b") is leaf
    assert root.find("b") is None
    assert (leaf.label, inner.label, root.label) == ("b", "a", "")
    assert [node.has_maps for node in root.walk()] == [False, False, True, False]


def test_a_prediction_ranks_its_classes_ties_in_order():
    shares = np.array([0.1, 0.4, 0.1, 0.4], np.float32)
    found = Prediction(np.log(shares), shares, ("a", "b", "c", "d"), Box(0, 0, 1, 1))

    ranked = found.top(3)

    assert [(index, label) for index, label, _ in ranked] == [(1, "b"), (3, "d"), (0, "a")]
    assert ranked[0][2] == pytest.approx(0.4)
    assert len(found.top(99)) == 4
    json.dumps(found.top())  # plain numbers, not numpy's


# ---------------------------------------------------------------------------------------- record

texts = st.text(st.characters(codec="utf-8"), max_size=20)
plain = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | texts
)
records = st.builds(
    Record,
    technique=texts,
    parameters=st.dictionaries(texts, plain, max_size=4),
    model=texts,
    model_fingerprint=texts,
    weights=texts,
    image=texts,
    image_fingerprint=texts,
    seed=st.none() | st.integers(0, 2**32),
    versions=st.dictionaries(texts, texts, max_size=3),
)


@given(records)
def test_a_record_goes_through_json(record):
    assert Record.from_json(record.to_json()) == record


def test_a_record_says_its_format():
    text = Record("grad-cam", {"layer": "é"}, "vgg16", "ab").to_json()

    assert json.loads(text)["cnnviz_record"] == 1
    assert "é" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cnnviz_record": 2}, "not a CNNviz record"),
        ({"cnnviz_record": None}, "not a CNNviz record"),
        ({"shoe_size": 43}, "missing or unknown fields"),
        ({"model": None}, "field of the wrong type"),
        ({"technique": 3}, "field of the wrong type"),
        ({"parameters": [1]}, "field of the wrong type"),
        ({"versions": "2"}, "field of the wrong type"),
        ({"seed": "3"}, "field of the wrong type"),
        ({"seed": 1.5}, "field of the wrong type"),
        ({"image": ["a"]}, "field of the wrong type"),
    ],
)
def test_what_is_no_record_is_refused(change, words):
    values = json.loads(Record("grad-cam", {}, "vgg16", "ab").to_json()) | change

    with pytest.raises(ValueError, match=words):
        Record.from_json(json.dumps(values))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "3", "null", '"text"', "{}", "\0"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("9" * 5000, id="long"),
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="not a CNNviz record"):
        Record.from_json(text)


def test_a_record_without_its_model_is_refused():
    values = json.loads(Record("grad-cam", {}, "vgg16", "ab").to_json())
    del values["model"]

    with pytest.raises(ValueError, match="missing or unknown"):
        Record.from_json(json.dumps(values))


# ---------------------------------------------------------------------------------------- errors


def test_did_you_mean_names_what_is_close():
    known = ("vgg16", "vgg19", "resnet50", "Mixed_7c")

    assert did_you_mean("vgg15", known) in (
        " Did you mean vgg19 or vgg16?",
        " Did you mean vgg16 or vgg19?",
    )
    assert did_you_mean("mixed_7C", known) == " Did you mean Mixed_7c?"
    assert did_you_mean("zzz", known) == ""
    assert did_you_mean("", known) == ""
    assert did_you_mean("word", ()) == ""
    assert did_you_mean("vgg", ("vgga", "vggb", "vggc")).count(",") == 1


def test_cancelled_is_an_error_of_ours_with_a_text():
    assert isinstance(Cancelled(), CnnvizError)
    assert str(Cancelled()) == "Cancelled."
