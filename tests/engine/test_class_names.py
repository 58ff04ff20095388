"""Class names come out of the files that people have."""

from __future__ import annotations

import json

import pytest

from cnnviz_desktop.engine.class_names import fitted, labels_finding, read_class_names
from cnnviz_desktop.errors import ParameterError


@pytest.fixture
def names(tmp_path):
    def read(content: str | bytes, classes: int = 0, name: str = "names.txt") -> tuple[str, ...]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_class_names(path, classes)

    return read


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cat\ndog\n", ("cat", "dog")),
        ("cat\r\n\r\n  dog  \r\n", ("cat", "dog")),
        ("\ufeffčáp\nkéž", ("čáp", "kéž")),
        ("0 cat\n1 dog", ("cat", "dog")),
        ("1 dog\n0 cat", ("cat", "dog")),
        ("1 cat\n2 dog", ("cat", "dog")),
        ("0: cat\n1: black dog", ("cat", "black dog")),
        ("0,cat\n1,dog", ("cat", "dog")),
        ("0\tcat\n1\tdog", ("cat", "dog")),
        ("7 up\ncola", ("7 up", "cola")),
        ("7 up\n8 up", ("7 up", "8 up")),  # no numbering
        ("0\n1\n2", ("0", "1", "2")),  # the digits themselves
        ("n01440764 tench, Tinca tinca\nn01443537 goldfish", ("tench", "goldfish")),
        ("n01440764\nn01443537", ("n01440764", "n01443537")),
        ("tench, Tinca tinca\ngoldfish", ("tench, Tinca tinca", "goldfish")),
    ],
)
def test_text_of_one_name_a_line(names, text, wanted):
    assert names(text) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (["cat", "dog"], ("cat", "dog")),
        ({"0": "cat", "1": "dog"}, ("cat", "dog")),
        ({"1": "dog", "0": "cat"}, ("cat", "dog")),
        ({"cat": 0, "dog": 1}, ("cat", "dog")),
        ({"dog": 1, "cat": 0}, ("cat", "dog")),
        ({"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}, ("tench", "goldfish")),
        ({"id2label": {"0": "cat", "1": "dog"}, "size": 3}, ("cat", "dog")),
        ([{"name": "cat"}, {"label": "dog"}], ("cat", "dog")),
        ([0, 1, 2], ("0", "1", "2")),
        ({"0": "cat", "3": "dog"}, ("cat", "class 1", "class 2", "dog")),
        ({"1": "cat", "2": "dog"}, ("cat", "dog")),
    ],
)
def test_json_of_all_shapes(names, value, wanted):
    assert names(json.dumps(value)) == wanted
    assert names(json.dumps(value, indent=2), name="names.json") == wanted


def test_numbers_from_one_stay_where_the_network_has_one_class_more():
    """As TensorFlow's networks, whose class 0 is the background."""
    assert _read({"1": "cat", "2": "dog"}, 2) == ("cat", "dog")
    assert _read({"1": "cat", "2": "dog"}, 3) == ("class 0", "cat", "dog")


def _read(value, classes):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names.json"
        path.write_text(json.dumps(value))
        return read_class_names(path, classes)


def test_other_encodings_are_read(names):
    assert names("čáp\nkéž".encode("utf-16")) == ("čáp", "kéž")
    assert names("Bär\nIgel".encode("cp1252")) == ("Bär", "Igel")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n \n",
        b"{",
        b'["cat"',
        b"[]",
        b"{}",
        b"[null]",
        b'{"cat": "dog"}',
        b'{"cat": 0.5}',
        b'{"0": {}}',
        b'{"99999999999": "cat"}',
        b'{"cat": -1}',
        b"[" * 100000,
        b"PK\x03\x04\x00\x00",
    ],
)
def test_what_holds_no_names_is_one_sentence(names, content):
    with pytest.raises(ParameterError) as caught:
        names(content)
    assert len(str(caught.value)) > 30


def test_a_missing_file_and_a_folder_are_sentences(tmp_path):
    with pytest.raises(ParameterError, match="There is no file of class names"):
        read_class_names(tmp_path / "none.txt")
    with pytest.raises(ParameterError, match="cannot be read"):
        read_class_names(tmp_path)


def test_names_are_fitted_to_the_classes():
    assert fitted(("a", "b"), 4) == ("a", "b", "class 2", "class 3")
    assert fitted(("a", "b"), 1) == ("a",)
    assert fitted((), 2) == ("class 0", "class 1")


@pytest.mark.parametrize(
    ("count", "classes", "severity", "words"),
    [
        (9, 10, "warning", "those without one are shown as “class 9”."),
        (8, 10, "warning", "are shown as “class 8” and on."),
        (12, 10, "warning", "the rest is left out"),
        (0, 10, "info", "“class 0” to “class 9”"),
    ],
)
def test_a_count_that_does_not_fit_is_told(count, classes, severity, words):
    found = labels_finding(count, classes)
    assert found is not None and found.severity == severity
    assert words in found.detail and "--labels" in found.detail
    assert labels_finding(classes, classes) is labels_finding(count, 0) is None
