"""A folder's name says its class, by number, name or index; a person has the last word."""

from __future__ import annotations

import pytest

from cnnviz_desktop.engine.class_map import guessed, read_class_map, wordnet_indices
from cnnviz_desktop.errors import ParameterError


@pytest.fixture(scope="module")
def imagenet() -> tuple[str, ...]:
    from torchvision.models import SqueezeNet1_0_Weights

    return tuple(SqueezeNet1_0_Weights.IMAGENET1K_V1.meta["categories"])


def test_wordnet_numbers_names_and_indices_of_imagenet(imagenet):
    folders = ["n02123045", "n02123159 tiger cat", "Egyptian_cat", "285_Egyptian_cat", "340", "x"]

    found = guessed(folders, imagenet)

    assert found.indices == (281, 282, 285, 285, 340, None)
    assert found.how == ("WordNet's number", "WordNet's number", "name", "name", "index", "")
    assert found.missing == ("x",)
    assert found.names == ("tabby", "tiger cat", "Egyptian cat", "Egyptian cat", "zebra", "x")


def test_wordnet_numbers_are_in_the_order_of_imagenets_classes(imagenet):
    numbers = wordnet_indices(imagenet)

    assert len(numbers) == 1000
    assert (numbers["n01440764"], numbers["n15075141"]) == (0, 999)  # tench, toilet tissue
    assert wordnet_indices(("background", *imagenet))["n01440764"] == 1
    assert wordnet_indices(("cat", "dog")) == {}


def test_names_are_compared_without_case_and_separators():
    found = guessed(["wavy_ring", "Dotted-Star"], ["dotted star", "wavy ring", "other"])

    assert found.indices == (1, 0)


def test_a_name_of_two_classes_stands_for_neither():
    labels = ["crane", "crane", "owl"]

    assert guessed(["crane", "owl"], labels).indices == (None, 2)


@pytest.mark.parametrize(
    ("folders", "labels", "indices", "how"),
    [
        (["0", "1", "2"], ["zero", "one", "two"], (0, 1, 2), "index"),
        (["1", "2", "3"], ["zero", "one", "two"], (0, 1, 2), "index"),
        (["1", "2"], ["1", "2", "3"], (0, 1), "name"),
        (["10", "2"], ["a"] * 5 + ["b"], (None, None), ""),
        (["ant", "bee"], ["class 0", "class 1"], (0, 1), "order"),
        (["ant", "bee"], ["class 0", "class 1", "class 2"], (None, None), ""),
        (["ant", "bee"], ["cat", "dog"], (None, None), ""),
    ],
)
def test_indices_and_the_order_of_folders(folders, labels, indices, how):
    found = guessed(folders, labels)

    assert found.indices == indices
    assert set(found.how) == {how}


def test_a_person_has_the_last_word():
    found = guessed(["one", "two", "owl"], ["cat", "dog", "owl"])

    said = found.said({"one": "Dog", "two": 0, "owl": None})

    assert said.indices == (1, 0, None)
    assert said.how == ("said", "said", "")
    assert found.said({"one": "1"}).indices[0] == 1
    with pytest.raises(ParameterError, match=r"no folder “on”\. Did you mean one"):
        found.said({"on": 1})
    with pytest.raises(ParameterError, match=r"no class “dgo”.*Did you mean dog"):
        found.said({"one": "dgo"})
    with pytest.raises(ParameterError, match="no class 3: it knows 3, 0 to 2"):
        found.said({"one": 3})


def test_what_a_person_says_is_read_from_json(tmp_path):
    path = tmp_path / "classes.json"
    path.write_text('{"one": 1, "two": "cat", "three": null}', encoding="utf-8")

    assert read_class_map(path) == {"one": 1, "two": "cat", "three": None}

    for text in ("", "[1]", '{"one": true}', '{"one": [1]}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ParameterError, match="Write it as"):
            read_class_map(path)
    with pytest.raises(ParameterError, match="cannot be read"):
        read_class_map(tmp_path / "gone.json")
