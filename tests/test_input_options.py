"""The command line says how pictures go in, and the doctor's word is on stderr."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from cnnviz_desktop import cli
from cnnviz_desktop.data import Finding, InputSpec
from cnnviz_desktop.input_options import add_input_options, finding_lines, input_spec


def parsed(*words: str) -> InputSpec:
    parser = argparse.ArgumentParser()
    add_input_options(parser)
    return input_spec(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), InputSpec()),
        (("--size", "28"), InputSpec(size=(28, 28))),
        (("--size", "64x128"), InputSpec(size=(64, 128))),
        (("--size=64×128",), InputSpec(size=(64, 128))),
        (("--size", "64X128"), InputSpec(size=(64, 128))),
        (("--mean", "0.5"), InputSpec(mean=(0.5,))),
        (("--mean", "0.485,0.456,0.406"), InputSpec(mean=(0.485, 0.456, 0.406))),
        (("--std=0.5 0.5 .25",), InputSpec(std=(0.5, 0.5, 0.25))),
        (("--labels", "names.txt"), InputSpec(labels=Path("names.txt"))),
    ],
)
def test_options_become_a_spec(words, wanted):
    assert parsed(*words) == wanted


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--size", "big"), "“big” is no size: write 224, or 64x128"),
        (("--size", "1x2x3"), "“1x2x3” is no size"),
        (("--size", "-3"), "“-3” is no size"),
        (("--size", "2.5"), "“2.5” is no size"),
        (("--size", ""), "is no size"),
        (("--mean", "grey"), "“grey” are no numbers: write 0.5, or 0.485,0.456,0.406"),
    ],
)
def test_what_is_no_number_is_told(words, hint, capsys):
    with pytest.raises(SystemExit):
        parsed(*words)
    assert hint in capsys.readouterr().err


def test_findings_are_lines_and_infos_only_where_wanted():
    found = [
        Finding("error", "Broken", "It is.", ("a", "b", "c", "d", "e")),
        Finding("warning", "Odd", "Look."),
        Finding("info", "Fact", "So it is."),
    ]
    lines = ["Broken (a, b, c and 2 more): It is.", "Odd: Look."]
    assert finding_lines(found, infos=False) == lines
    assert finding_lines(found, infos=True) == [*lines, "Fact: So it is."]


@pytest.fixture
def digits(tmp_path, monkeypatch) -> str:
    """A network of one's own: grey, with a softmax at its end."""
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "settings"))
    path = tmp_path / "digits.py"
    path.write_text(
        "import torch\n"
        "from torch import nn\n"
        "def make_model():\n"
        "    torch.manual_seed(0)\n"
        "    return nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),\n"
        "                         nn.Linear(4 * 12 * 12, 10), nn.Softmax(1))\n"
    )
    return f"{path}:make_model"


def test_an_own_network_is_fed_as_it_is_said(digits, sample, tmp_path, capsys):
    names = tmp_path / "names.json"
    names.write_text(json.dumps([f"digit {index}" for index in range(10)]))
    words = ["predict", digits, str(sample), "--trust", "--json"]

    assert cli.main([*words, "--mean", "0.1307", "--std", "0.3081", "--labels", str(names)]) == 0

    out, err = capsys.readouterr()
    labels = [item["label"] for item in json.loads(out)[0]["classes"]]
    assert all(label.startswith("digit ") for label in labels)
    assert "Note: Softmax at the end: The scores before it are used" in err
    assert "Note: Input guessed: The file does not say how pictures go in: 28×28 grey" in err
    assert "mean" not in err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--size", "30"], "does not take pictures of 30×30"),
        (["--mean", "0.1,0.2,0.3"], "grey pictures: --mean needs one"),
        (["--std", "0"], "must be more than 0"),
        (["--labels", "no such file"], "There is no file of class names"),
    ],
)
def test_what_does_not_fit_is_one_sentence(digits, sample, words, hint, capsys):
    assert cli.main(["predict", digits, str(sample), "--trust", *words]) == cli.BAD_INPUT

    err = capsys.readouterr().err
    assert err.startswith("cnnviz: ") and err.count("\n") == 1
    assert hint in err


def test_a_published_network_takes_another_size_and_says_nothing(bundled_weights, sample, capsys):
    assert cli.main(["predict", "bundled", str(sample), "--size", "160", "--json"]) == 0

    assert capsys.readouterr().err == ""
