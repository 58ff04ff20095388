"""`cnnviz fine-tune` writes a network that the other commands open."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz_desktop import cli
from cnnviz_desktop.engine import fine_tuning
from cnnviz_desktop.engine.fine_tuning import Tally

COLOURS = {"blue": (20, 40, 220), "red": (210, 30, 20)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six plain pictures of each of two colours."""
    monkeypatch.chdir(tmp_path)
    for name, colour in COLOURS.items():
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(6):
            shade = np.full((32, 32, 3), colour, np.uint8) - np.uint8(3 * number)
            Image.fromarray(shade).save(tmp_path / "pictures" / name / f"{number}.png")
    return tmp_path / "pictures"


def test_it_learns_and_the_result_opens(bundled_weights, folder, capsys) -> None:
    arguments = ["fine-tune", "bundled", "pictures", "--out", "new.safetensors"]
    more = [
        "--epochs",
        "20",
        "--batch",
        "4",
        "--curves",
        "curves.csv",
        "--augment",
        "flip, crop",
        "--seed",
        "3",
    ]
    assert cli.main([*arguments, *more, "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["labels"] == ["blue", "red"]
    assert found["accuracy"] == 1
    assert len(found["curves"]["loss/held out"]) == found["epochs"]
    assert said.err.count("epoch ") == found["epochs"]
    lines = Path("curves.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,loss/train,loss/held out,accuracy/train")
    assert len(lines) == 1 + found["epochs"]
    record = json.loads(Path("curves.csv.json").read_text())
    assert record["technique"] == "fine-tune"
    assert record["parameters"]["augment"] == ["flip", "crop"]
    assert cli.main(["predict", "new.safetensors", "pictures/red/0.png", "--json"]) == 0
    said = capsys.readouterr()
    assert '"red"' in said.out
    assert "fine-tuned on pictures for 2 classes" in said.err
    assert cli.main(["grad-cam", "new.safetensors", "pictures/red/0.png", "--out", "g.png"]) == 0


def test_curves_as_a_figure(bundled_weights, folder) -> None:
    arguments = ["fine-tune", "bundled", "pictures", "--out", "new.safetensors", "--epochs", "2"]
    assert cli.main([*arguments, "--curves", "curves.png"]) == 0
    assert Path("curves.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pictures", "--out", "new.pth"], "choose new.safetensors"),
        (["gone", "--out", "new.safetensors"], "There is no folder"),
        (["pictures", "--out", "n.safetensors", "--augment", "turn"], "no augmentation"),
        (["pictures", "--out", "n.safetensors", "--seed", "-1"], "seed must be 0"),
        (["pictures", "--out", "n.safetensors", "--resume"], "to go on from"),
        (["pictures", "--out", "n.safetensors", "--curves", "c.txt"], "choose one of these"),
        (["pictures", "--out", "n.safetensors", "--curves", "no/c.png"], "The folder no does not"),
    ],
)
def test_one_sentence_for_what_cannot_be(bundled_weights, arguments, words, capsys) -> None:
    assert cli.main(["fine-tune", "bundled", *arguments]) == cli.BAD_INPUT
    assert words in capsys.readouterr().err
    assert not Path("n.safetensors").exists()


def test_interrupted_keeps_the_best_and_goes_on(bundled_weights, capsys, monkeypatch) -> None:
    """Ctrl+C in the third epoch: the file is there, and --resume ends as if nothing had been."""
    arguments = ["fine-tune", "bundled", "pictures", "--epochs", "4", "--out"]
    assert cli.main([*arguments, "whole.safetensors"]) == 0
    epochs = [0]
    measured = fine_tuning._Training.measured

    def interrupted(self, rows) -> Tally:
        epochs[0] += 1
        if epochs[0] == 3:
            raise KeyboardInterrupt
        return measured(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(fine_tuning._Training, "measured", interrupted)
        assert cli.main([*arguments, "part.safetensors"]) == cli.INTERRUPTED
    assert "part.safetensors holds the best so far; --resume goes on" in capsys.readouterr().err
    assert Path("part.safetensors").is_file()
    assert cli.main([*arguments, "part.safetensors", "--resume"]) == 0
    assert Path("part.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()
