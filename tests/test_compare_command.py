"""The command line puts several networks side by side."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz_desktop import cli, compare_command
from cnnviz_desktop.bundled.pictures import CLASSES, draw
from cnnviz_desktop.data import Record
from cnnviz_desktop.engine.techniques import CompareModels


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    for label in (3, 7):
        Image.fromarray(draw(1_000_000, label).pixels).save(tmp_path / f"{label}.png")
    return tmp_path


@pytest.fixture
def step(bundled_weights: Path) -> str:
    """Name the bundled network at the beginning of its training."""
    return f"bundled={bundled_weights.parent / 'checkpoints' / 'step-00000.safetensors'}"


def test_models_and_weights_as_text_and_json(bundled_weights, step, capsys):
    assert cli.main(["compare", "bundled", step, "bundled=none", "--image", "7.png"]) == 0

    said = capsys.readouterr().out
    head = said.splitlines()[1]
    assert head.split("  ")[0] == "" and "bundled (step-00000)" in head
    assert "bundled (random weights)" in head
    assert "273,804" in said and "multiply-adds" in said

    words = ["compare", "bundled", step, "--image", "7.png", "--json", "--passes", "2"]
    assert cli.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    trained, fresh = found["models"]
    assert trained["classes"][0]["label"] == CLASSES[7] == trained["explained"]
    assert trained["classes"][0]["probability"] > 0.5 > fresh["classes"][0]["probability"]
    assert fresh["explained"] == CLASSES[7], "the same class"
    assert trained["multiply_adds"] == fresh["multiply_adds"] > 10**7
    assert [item["layer"] for item in trained["depths"]] == [
        item["layer"] for item in fresh["depths"]
    ]
    assert trained["fingerprint"] != fresh["fingerprint"]


def test_one_pair_of_weights_is_for_all_models(bundled_weights, capsys):
    words = ["compare", "bundled", "squeezenet1_0", "--weights", "none", "--image", "7.png"]
    assert cli.main([*words, "--out", "c.npz", "--passes", "0"]) == 0

    assert capsys.readouterr().out == "Wrote c.npz\n"
    with np.load("c.npz") as data:
        assert data["weights"].tolist() == ["none", "none"]
        assert data["models"].tolist()[1] == "squeezenet1_0 (random weights)"
        assert data["0/depth 1/maps"].shape[0] == 12
        assert np.isnan(data["seconds"]).all()
    record = Record.from_json(Path("c.npz.json").read_text(encoding="utf-8"))
    assert record.technique == "compare"
    assert record.parameters["models"] == ["squeezenet1_0=none"]


def test_a_file_of_weights_is_the_first_networks_alone():
    words = ["compare", "net.py:make", "resnet18", "--weights", "a.pth", "--image", "7.png"]
    technique, _files = compare_command._meant(
        cli.build_parser().parse_args(words), CompareModels()
    )
    assert technique.models == ("resnet18",)


def test_several_pictures_go_into_a_folder(bundled_weights, step):
    words = ["compare", "bundled", step, "--image", "3.png", "7.png", "--passes", "0"]
    assert cli.main([*words, "--out", "all", "--dpi", "40"]) == 0

    names = sorted(path.name for path in Path("all").iterdir())
    assert names == ["3.csv", "3.png", "3.png.json", "7.csv", "7.png", "7.png.json"]
    with Path("all/7.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["class 1"] == CLASSES[7]


def test_labelled_pictures_give_scores(bundled_weights, step, place, capsys):
    folder = place / "pictures" / CLASSES[7].replace(" ", "_")
    folder.mkdir(parents=True)
    Image.open("7.png").save(folder / "a.png")
    words = ["compare", "bundled", step, "--image", "7.png", "--data", "pictures", "--json"]
    assert cli.main([*words, "--passes", "0"]) == 0

    trained, fresh = json.loads(capsys.readouterr().out)["models"]
    assert trained["top-1"] == 1.0 and trained["loss"] < fresh["loss"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["bundled", "bundled=none", "7.png"], "--image FILE"),
        (["bundled", "bundled=none"], "There is no picture bundled=none. To compare models"),
        (["bundled", "a", "b", "c", "d", "--image", "7.png"], "At most 4 models"),
        (["bundled", "a", "a", "--image", "7.png"], "named twice"),
        (["bundled", "nobody", "--image", "7.png"], "There is no model “nobody”"),
        (["bundled", "bundled=none", "--image", "3.png", "7.png", "--out", "a.png"], "a folder"),
        (["bundled", "bundled=none", "--image", "no.png"], "no.png"),
    ],
)
def test_what_is_wrong_is_one_sentence(bundled_weights, capsys, words, sentence):
    assert cli.main(["compare", *words]) == 2

    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
