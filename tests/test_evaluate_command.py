"""The command line finds exemplars in a folder and measures models on it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from drawn_folder import drawn_folder

from cnnviz_desktop import cli, evaluate_command
from cnnviz_desktop.bundled.pictures import CLASSES
from cnnviz_desktop.data import Record
from cnnviz_desktop.engine.remembered_classes import remember


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(place: Path) -> Path:
    """Two generated pictures of each of three classes."""
    return drawn_folder(place / "pictures", 2)


def test_the_bundled_model_knows_generated_pictures(bundled_weights, folder, capsys):
    assert cli.main(["evaluate", "bundled", "--data", "pictures", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["data"], found["pictures"]) == ("pictures", 6)
    (model,) = found["models"]
    assert model["top1"] == model["top5"] == 1
    assert 0 < model["loss"] < 0.5 and model["r2"] > 0.9
    assert np.array(model["confusion"]).tolist() == np.diag([2, 2, 2]).tolist()
    assert [row["label"] for row in model["classes"]] == [CLASSES[place] for place in (0, 3, 7)]
    assert sum(row["pictures"] for row in model["calibration"]) == 6


def test_several_models_side_by_side_as_tables_and_files(bundled_weights, folder, capsys):
    checkpoint = bundled_weights.parent / "checkpoints" / "step-00000.safetensors"
    arguments = ["evaluate", "bundled", str(checkpoint), "--data", "pictures", "--out", "e.png"]
    assert cli.main([*arguments, "--csv", "c.csv", "--pictures", "p.csv", "--dpi", "40"]) == 0

    said = capsys.readouterr().out
    assert "pictures: 6 pictures" in said
    assert "bundled (step-00000)" in said
    assert "most often confused" in said
    with Path("p.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 12
    right = [row for row in rows if row["class"] == row["taken for"]]
    assert len(right) >= 6
    with Path("c.csv").open(encoding="utf-8") as stream:
        assert {row["network"] for row in csv.DictReader(stream)} == {
            "bundled",
            "bundled (step-00000)",
        }
    record = Record.from_json(Path("e.png.json").read_text(encoding="utf-8"))
    assert record.technique == "evaluate"
    assert record.parameters["folder"] == "pictures"
    assert record.parameters["also"] == [str(checkpoint)]


def test_a_file_says_which_folder_is_which_class(bundled_weights, folder, capsys):
    (folder / "striped_star").rename(folder / "mine")
    Path("said.json").write_text(json.dumps({"mine": "striped star"}), encoding="utf-8")
    base = ["evaluate", "bundled", "--data", "pictures", "--json"]

    assert cli.main(base) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 4
    assert cli.main([*base, "--classes", "said.json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pictures"], found["models"][0]["top1"]) == (6, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "nowhere"], "There is no folder"),
        (["--data", "pictures", "--out", "e.gif"], "Figures are written as"),
        (["--data", "pictures", "--classes", "none.json"], "cannot be read"),
        (["pictures"], "pictures is a folder, no model: write --data pictures."),
        (["--data", "pictures", "--csv", "no/c.csv"], "The folder no does not exist"),
        (["--data", "pictures", "--pictures", "no/p.csv"], "The folder no does not exist"),
        (["other", "--factory", "x.py:f", "--data", "pictures"], "--factory makes one model"),
    ],
)
def test_it_refuses_with_a_sentence(folder, capsys, arguments, sentence):
    assert cli.main(["evaluate", "bundled", *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "other", "size"),
    [
        ("net.py:make", "resnet18", None),
        ("net.py:make", "resnet18=none", None),
        ("net.py:make", "net.py:make=b.pth", (64, 64)),
        ("resnet50", "resnet18", (64, 64)),
    ],
)
def test_what_is_said_of_a_files_input_does_not_hold_for_a_network_known_by_name(
    first, other, size
):
    line = ["evaluate", first, other, "--size", "64", "--labels", "own.txt"]
    found = evaluate_command._for_other(cli.build_parser().parse_args(line), other)
    assert found.model == other.partition("=")[0]
    assert found.input_size == size
    assert (found.input_labels is None) == (size is None)


@pytest.mark.parametrize(("weights", "other"), [("a.pth", None), ("none", "none")])
def test_a_file_of_weights_is_the_first_networks_alone(weights, other):
    line = ["evaluate", "resnet50", "resnet18", "--weights", weights]
    found = evaluate_command._for_other(cli.build_parser().parse_args(line), "resnet18")
    assert (found.model, found.weights) == ("resnet18", other)


def test_without_data_pictures_are_generated(bundled_weights, capsys):
    assert cli.main(["evaluate", "bundled", "--generated", "9", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["data"], found["pictures"]) == ("the generator", 9)


def test_other_models_may_be_named_in_an_option_as_the_window_writes_it(
    bundled_weights, folder, capsys
):
    checkpoint = bundled_weights.parent / "checkpoints" / "step-00000.safetensors"
    line = ["evaluate", "bundled", f"--also={checkpoint}", "--folder=pictures", "--json"]
    assert cli.main(line) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert [item["model"] for item in models] == ["bundled", "bundled (step-00000)"]


def test_what_was_said_of_a_folder_before_holds_and_a_file_goes_before_it(
    bundled_weights, folder, capsys
):
    (folder / "striped_star").rename(folder / "mine")
    place = str(folder.resolve())
    remember("folders", place, CLASSES, {"mine": CLASSES[0]})
    base = ["evaluate", "bundled", "--data", "pictures", "--json"]

    assert cli.main(base) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 6
    Path("said.json").write_text("{}", encoding="utf-8")
    assert cli.main([*base, "--classes", "said.json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 4


def test_exemplars_of_a_folder_named_behind_the_model(bundled_weights, folder):
    same = (["pictures"], ["--folder", "pictures"])
    found = []
    for number, given in enumerate(same):
        out = f"{number}.npz"
        first = given if number == 0 else []
        rest = given if number else []
        line = ["exemplars", "bundled", *first, "--layer", "blocks.1", *rest, "--count", "3"]
        assert cli.main([*line, "--out", out]) == 0
        with np.load(out) as data:
            found.append({name: data[name] for name in ("channels", "files", "values")})
    assert found[0]["files"].tolist() == found[1]["files"].tolist()
    assert len(found[0]["channels"]) == 3
    assert all(Path(file).is_file() for file in found[0]["files"].ravel())


def test_what_was_skipped_is_said(bundled_weights, folder, capsys):
    (folder / "striped_star" / "bad.png").write_bytes(b"\x89PNG")

    assert (
        cli.main(["exemplars", "bundled", "pictures", "--layer", "blocks.0", "--out", "x.npz"]) == 0
    )

    assert "1 file could not be read and was skipped." in capsys.readouterr().err
