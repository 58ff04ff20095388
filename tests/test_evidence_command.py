"""`cnnviz evidence` takes any number of pictures, and a bad one costs the others nothing."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz_desktop import cli
from cnnviz_desktop.figures.records import read_record

QUICK = ["--methods", "grad-cam,random", "--layers", "blocks.2,blocks.3", "--metrics", "drop"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    numbers = np.random.default_rng(0)
    for name in ("one.png", "two.png"):
        pixels = numbers.integers(0, 256, (90, 100, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def run(*words: object) -> int:
    return cli.main(["evidence", "bundled", "--weights", "none", *map(str, words), *QUICK])


def test_each_picture_gets_a_figure_a_table_and_json_and_all_of_them_a_mean(
    pictures, tmp_path, capsys
):
    out = tmp_path / "new" / "evidence"
    (pictures / "broken.png").write_text("no picture")
    shutil.copy(pictures / "one.png", tmp_path / "one.png")

    assert run(pictures, tmp_path / "one.png", "--out", out, "--width", "3.5") == 2

    said = capsys.readouterr()
    assert "broken.png holds text, not a picture" in said.err
    assert "Mean over 3 pictures" in said.out and f"Wrote {out}" in said.out
    names = sorted(path.name for path in out.iterdir())
    stems = ("mean", "one", "one-2", "two")
    assert names == sorted(
        [f"{stem}.{kind}" for stem in stems for kind in ("csv", "json")]
        + [f"{stem}.{kind}" for stem in stems[1:] for kind in ("png", "png.json")]
    )
    rows = list(csv.DictReader((out / "one.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["method"], row["layer"]) for row in rows] == [
        ("Grad-CAM", "blocks.2"),
        ("Grad-CAM", "blocks.3"),
        ("Random map", "blocks.2"),
        ("Random map", "blocks.3"),
    ]
    mean = json.loads((out / "mean.json").read_text(encoding="utf-8"))
    (skipped,) = mean["skipped"]
    assert skipped["picture"].endswith("broken.png") and len(mean["pictures"]) == 3
    drops = [
        json.loads((out / f"{stem}.json").read_text())["cells"][0]["scores"]["drop"]
        for stem in stems[1:]
    ]
    assert mean["rows"][0]["drop ↓"] == pytest.approx(np.mean(drops), abs=1e-5)
    assert read_record(out / "two.png").technique == "evidence"
    with Image.open(out / "two.png") as image:
        assert image.width == 700


def test_one_picture_goes_into_a_file_or_a_folder(pictures, tmp_path):
    picture = pictures / "one.png"
    assert run(picture, "--out", tmp_path / "a.npz") == 0
    with np.load(tmp_path / "a.npz") as data:
        assert data["scores"].shape == (2, 2, 1)
    assert run(picture, "--out", tmp_path / "folder") == 0
    assert (tmp_path / "folder" / "one.csv").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "figure.png"], "goes into a folder"),
        (["--out", "folder", "--gamma", "99"], "Gamma must be"),
        (["--out", "folder", "--layers", "blocks.9"], "no layer “blocks.9”"),
    ],
)
def test_what_is_wrong_for_all_is_said_once_and_before_the_work(
    pictures, tmp_path, monkeypatch, capsys, words, said
):
    monkeypatch.chdir(tmp_path)
    line = ["evidence", "bundled", "--weights", "none", str(pictures), *QUICK, *words]
    assert cli.main(line) == 2
    assert capsys.readouterr().err.count(said) == 1
    assert not list(tmp_path.glob("folder/*"))


def test_nothing_that_can_be_read_is_an_error(tmp_path, capsys):
    (tmp_path / "bad.png").write_text("no picture")
    assert run(tmp_path / "bad.png", "--out", tmp_path / "out") == 2
    assert not list((tmp_path / "out").iterdir())


def test_what_is_done_is_kept_when_it_is_interrupted(pictures, tmp_path, monkeypatch):
    from cnnviz_desktop.engine.techniques import EvidenceMatrix

    gather, calls = EvidenceMatrix.__call__, []

    def interrupted(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return gather(self, *args, **kwargs)

    monkeypatch.setattr(EvidenceMatrix, "__call__", interrupted)
    assert run(pictures, "--out", tmp_path / "out") == 130
    assert len(json.loads((tmp_path / "out" / "mean.json").read_text())["pictures"]) == 1
