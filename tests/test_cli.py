"""Every command, through `main`: what it prints and writes, and one sentence for each bad input."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnviz_desktop
from cnnviz_desktop import cli, terminal
from cnnviz_desktop.cli import main
from cnnviz_desktop.data import Record
from cnnviz_desktop.engine.run import Progress
from cnnviz_desktop.engine.techniques import (
    TECHNIQUES,
    Evaluate,
    EvidenceMatrix,
    FeatureMaps,
    GradCam,
)
from cnnviz_desktop.figures.export import encode
from cnnviz_desktop.figures.records import read_record

COMMANDS = [
    "tour",
    "models",
    "weights",
    "layers",
    "predict",
    *(kind.command for kind in TECHNIQUES),
]
RANDOM = ["--weights", "none"]


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on stderr of a command that refused."""
        assert self.code == 2, self
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("cnnviz: ")
        assert lines[0].endswith((".", "?"))
        return lines[0].removeprefix("cnnviz: ")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def call(*words: object) -> Done:
        try:
            code = main([str(word) for word in words])
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    numbers = np.random.default_rng(3)
    Image.fromarray(numbers.integers(0, 256, (150, 140, 3), dtype=np.uint8)).save(path)
    return path


# ---------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, command):
    done = run(command, "--help")

    assert done.code == 0
    assert done.out.startswith(f"usage: cnnviz {command} ")
    assert "[options]" in done.out.partition("\n\n")[0]
    assert done.err == ""


def test_help_lists_every_command_and_version_tells_the_version(run):
    done = run("--help")
    for command in COMMANDS:
        assert re.search(rf"^    {command}\s", done.out, re.MULTILINE)
    assert "cnnviz tour --out tour" in done.out
    assert run("--version").out == f"cnnviz {cnnviz_desktop.__version__}\n"


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.command)
def test_help_of_a_technique_explains_every_parameter(run, kind):
    text = "".join(run(kind.command, "--help").out.split())  # lines break at hyphens too
    for item in kind.parameters():
        assert item.option in text
        assert "".join(item.help.split()) in text


# ------------------------------------------------------------------------------------- reading


def test_models_lists_bundled_first(run, bundled_weights):
    done = run("models")
    lines = done.out.splitlines()

    assert (done.code, done.err) == (0, "")
    assert lines[0].split() == ["model", "year", "parameters", "top-1", "size", "weights"]
    assert lines[1].startswith("bundled ") and lines[1].endswith("on this machine")
    vgg = next(line for line in lines if line.startswith("vgg16 "))
    words = ["vgg16", "2014", "138.4", "M", "71.6", "%", "553 MB  downloads once"]
    assert vgg.split(maxsplit=6) == words
    assert "none published" in next(line for line in lines if line.startswith("timm:lcnet_035 "))

    entries = json.loads(run("models", "--json").out)
    assert [entry["name"] for entry in entries] == [line.split()[0] for line in lines[1:]]
    assert entries[0]["here"] is True


def test_models_are_searched_by_words_that_all_fit(run, bundled_weights):
    names = [
        line.split()[0]
        for line in run("models", "resnet", "torchvision", "<=2015").out.splitlines()
    ]

    assert names == ["model", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50"]
    assert [item["name"] for item in json.loads(run("models", "here", "--json").out)] == ["bundled"]
    sentence = run("models", "resnet", "zzz").sentence
    assert sentence.startswith("No model fits “resnet zzz”: every word has to.")


def test_weights_that_are_downloaded_are_listed_and_deleted(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    done = run("weights")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("No weights are downloaded.")
    assert json.loads(run("weights", "--json").out) == []
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "vgg16-397923af.pth").write_bytes(bytes(2_000_000))
    (folder / "own.pth").write_bytes(bytes(1_000_000))

    lines = run("weights").out.splitlines()
    assert lines[0].split() == ["model", "size", "used", "file"]
    assert lines[1].split()[:3] == ["vgg16", "2.0", "MB"]
    assert lines[1].endswith(str(folder / "vgg16-397923af.pth"))
    assert lines[2].startswith("not of the catalogue  1.0 MB")
    assert lines[3] == "3 MB in all."
    assert json.loads(run("weights", "--json").out)[0]["model"] == "vgg16"

    assert run("weights", "--delete", "vgg61").sentence.startswith("No weights of “vgg61” are")
    assert run("weights", "--delete", "vgg16").out.startswith("Deleted ")
    assert [path.name for path in folder.iterdir()] == ["own.pth"]
    assert run("weights", "--delete", "own.pth").code == 0
    assert list(folder.iterdir()) == []


def test_layers_shows_the_tree(run):
    done = run("layers", "bundled", *RANDOM)

    assert (done.code, done.err) == (0, "")
    assert re.search(r"conv1 +Conv2d +16×64×64 +1[,. ]?728\b", done.out), done.out
    assert "blocks" in done.out.splitlines()[-1]  # the default layer and why

    rows = json.loads(run("layers", "bundled", "--json", *RANDOM).out)
    by_name = {row["name"]: row for row in rows}
    assert by_name["blocks.0.conv1"] == {
        "name": "blocks.0.conv1",
        "kind": "Conv2d",
        "output_shape": [16, 64, 64],
        "parameters": 3 * 16 * 36,
        "calls": 1,
        "alias": "",
    }
    assert by_name["head"]["output_shape"] == [12]


def test_summary_prints_its_table_where_no_file_is_asked_for(run, tmp_path):
    done = run("summary", "bundled", *RANDOM)

    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "Architecture of bundled"
    conv = next(line for line in lines if line.startswith("blocks.0.conv1 "))
    assert conv.split()[1:] == ["Conv2d", "16×64×64", "1,728", "7,077,888", "6×6", "2", "0.262"]
    total = next(line for line in lines if line.startswith("total "))
    assert total.split()[1] == "273,804"
    assert lines[-2] == "8 Conv2d, 8 BatchNorm2d, 8 ReLU, 1 AdaptiveAvgPool2d, 1 Linear."
    assert lines[-1].startswith("274 k parameters; 63.7 M multiply-adds")

    blocks = run("summary", "bundled", "--no-leaves-only", *RANDOM).out
    assert re.search(r"^blocks\.0 +Block ", blocks, re.MULTILINE)

    out = tmp_path / "table.csv"
    done = run("summary", "bundled", *RANDOM, "--out", out)
    assert (done.code, done.out) == (0, f"Wrote {out}\n")
    rows = list(csv.reader(io.StringIO(out.read_bytes().decode(), newline="")))
    assert rows[0][:4] == ["layer", "kind", "output", "parameters"]
    assert rows[1][:5] == ["blocks.0.conv1", "Conv2d", "16×64×64", "1728", "7077888"]
    assert len(rows) == 27


def test_summary_of_vgg16_counts_its_layers(run):
    done = run("summary", "vgg16", *RANDOM)

    assert "13 Conv2d, 15 ReLU, 5 MaxPool2d" in done.out and "3 Linear" in done.out
    assert "138 M parameters" in done.out
    assert re.search(r"^features\.28 .* 196×196 +16 .* block5_conv3$", done.out, re.MULTILINE)


def test_layers_shows_the_literatures_names_and_techniques_take_them(run, tmp_path):
    done = run("layers", "vgg11", *RANDOM)

    assert re.search(r"^  8 +Conv2d .* block3_conv2$", done.out, re.MULTILINE), done.out
    rows = json.loads(run("layers", "vgg11", "--json", *RANDOM).out)
    assert {row["name"]: row["alias"] for row in rows}["features.8"] == "block3_conv2"
    out = tmp_path / "kernels.npz"
    assert run("filters", "vgg11", *RANDOM, "--layer", "block3_conv2", "--out", out).code == 0
    with np.load(out) as data:
        assert str(data["layer"]) == "features.8"


def test_layers_counts_the_calls_of_a_reused_layer(run):
    rows = json.loads(run("layers", "resnet18", "--json", *RANDOM).out)

    assert {row["name"]: row["calls"] for row in rows}["layer1.0.relu"] == 2


def test_predict_prints_a_table(run, picture):
    done = run("predict", "bundled", picture, picture, "--top", "2", *RANDOM)
    lines = done.out.splitlines()

    assert (done.code, done.err) == (0, "")
    assert lines[0].split() == ["file", "1.", "confidence", "2.", "confidence"]
    assert len(lines) == 3
    assert lines[1] == lines[2]
    assert lines[1].startswith(str(picture))
    shares = [float(share) for share in re.findall(r"([\d.]+)%", lines[1])]
    assert len(shares) == 2 and 100 >= shares[0] >= shares[1] > 0


def test_predict_gives_json_and_csv_that_agree(run, picture, tmp_path):
    table = tmp_path / "table.csv"

    done = run("predict", "bundled", picture, "--json", "--csv", table, "--top", "12", *RANDOM)

    (answer,) = json.loads(done.out)
    assert answer["file"] == str(picture)
    assert len(answer["classes"]) == 12
    assert sum(row["probability"] for row in answer["classes"]) == pytest.approx(1, abs=1e-5)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == [str(rank) for rank in range(1, 13)]
    for row, wanted in zip(rows, answer["classes"], strict=True):
        assert row["file"] == str(picture)
        assert int(row["index"]) == wanted["index"]
        assert row["label"] == wanted["label"]
        assert float(row["probability"]) == wanted["probability"]


def test_predict_takes_folders_in_natural_order(run, picture, tmp_path):
    for name in ("img10.png", "img2.png", "notes.txt"):
        (tmp_path / name).write_bytes(picture.read_bytes())

    done = run("predict", "bundled", tmp_path, "--json", *RANDOM)

    files = [Path(answer["file"]).name for answer in json.loads(done.out)]
    assert files == ["img2.png", "img10.png"]


def test_predict_answers_for_the_good_files_beside_a_bad_one(run, picture, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("not a picture")

    done = run("predict", "bundled", picture, bad, picture, "--json", *RANDOM)

    assert done.code == 2
    assert "bad.jpg" in done.sentence
    assert [answer["file"] for answer in json.loads(done.out)] == [str(picture)] * 2


def test_predict_of_more_classes_than_there_are_shows_all(run, picture):
    done = run("predict", "bundled", picture, "--top", "500", "--json", *RANDOM)
    assert len(json.loads(done.out)[0]["classes"]) == 12
    table = run("predict", "bundled", picture, "--top", "500", *RANDOM)
    assert table.code == 0
    assert "12." in table.out and "13." not in table.out


def test_the_bundled_model_knows_its_samples(run, bundled_weights, sample):
    done = run("predict", "bundled", sample.parent, "--json", "--top", "1")

    answers = json.loads(done.out)
    assert len(answers) >= 3
    for answer in answers:
        (best,) = answer["classes"]
        assert Path(answer["file"]).stem.startswith(best["label"].replace(" ", "-"))


def test_the_real_squeezenet_sees_a_dog_or_a_cat(run, real):
    weights = real / "squeezenet1_0-imagenet.pth"

    done = run("predict", "squeezenet1_0", real / "dog_and_cat.png", "--weights", weights, "--json")

    assert {243, 281, 282, 285} & {row["index"] for row in json.loads(done.out)[0]["classes"]}


# ---------------------------------------------------------------------------------- techniques


FEW = {"steps": "--steps=2", "count": "--count=1", "octaves": "--octaves=1"}


def technique_words(kind: Any, picture: Path) -> list[object]:
    # Each cell of the evidence asks the network dozens of times; what grows takes many steps.
    few = ["--methods", "grad-cam,random", "--metrics", "increase"]
    names = [item.name for item in kind.parameters()]
    grown = [word for name, word in FEW.items() if name in names and kind.tab == "Maximise"]
    words: list[object] = few if kind is EvidenceMatrix else grown
    return [kind.command, "bundled", *([picture] if kind.needs_image else []), *RANDOM, *words]


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.command)
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".npz", ".PNG"])
def test_a_technique_writes_its_file_and_the_record_beside_it(run, kind, suffix, picture, tmp_path):
    out = tmp_path / f"figure{suffix}"

    how = [] if suffix == ".npz" else ["--dpi", "50"]
    done = run(*technique_words(kind, picture), "--out", out, *how)

    assert done.code == 0
    said = done.err.splitlines()  # of random weights an explanation may be doubted
    assert all(line.startswith("Note: ") for line in said) if kind.tab == "Explain" else not said
    said = done.out.splitlines(keepends=True)
    assert said[-1] == f"Wrote {out}\n"
    assert len(said) == 1 or kind is Evaluate  # which prints its table all the same
    record = Record.from_json((tmp_path / f"figure{suffix}.json").read_text(encoding="utf-8"))
    assert record.technique == kind.command
    assert (record.model, record.weights) == ("bundled", "none")
    head = out.read_bytes()[:5]
    magic = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF-", ".npz": b"PK"}
    assert head.startswith(magic[suffix.lower()])
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, f"{out.name}.json"]


def test_options_reach_the_technique(run, picture, tmp_path):
    out = tmp_path / "cam.npz"

    done = run(
        *technique_words(GradCam, picture),
        *("--layer", "blocks.1.conv2", "--target", "wavy ring", "--call=-1", "--out", out),
    )

    assert done.code == 0
    model = cnnviz_desktop.load_model("bundled", weights="none")
    wanted = GradCam(layer="blocks.1.conv2", target="wavy ring")(
        model, cnnviz_desktop.load_image(picture)
    )
    with np.load(out) as data:
        np.testing.assert_array_equal(data["values"], wanted.values)
        assert str(data["layer"]) == "blocks.1.conv2"
        assert int(data["target"]) == model.labels.index("wavy ring")


def test_dots_per_inch_scale_the_figure(run, picture, tmp_path):
    sizes = []
    for dpi in (50, 100):
        out = tmp_path / f"{dpi}.png"
        assert run(*technique_words(GradCam, picture), "--out", out, "--dpi", dpi).code == 0
        with Image.open(out) as image:
            sizes.append(image.size)

    assert sizes[1][0] == pytest.approx(2 * sizes[0][0], abs=2)
    assert sizes[1][1] == pytest.approx(2 * sizes[0][1], abs=2)


def test_a_dark_figure_is_dark(run, picture, tmp_path):
    corners = []
    for words in ((), ("--dark",)):
        out = tmp_path / f"{len(words)}.png"
        assert (
            run(*technique_words(GradCam, picture), "--out", out, "--dpi", "40", *words).code == 0
        )
        with Image.open(out) as image:
            corners.append(sum(image.convert("RGB").getpixel((1, 1))))

    light, dark = corners
    assert light > 600
    assert dark < 150


def test_a_figure_is_drawn_as_the_options_say(run, picture, tmp_path):
    out = tmp_path / "figure.png"
    options = {"width": 3.5, "colormap": "viridis", "columns": 2, "limit": 4, "caption": "Words."}
    words = [f"--{name}={value}" for name, value in options.items()]
    more = ["--no-colour-bar", "--transparent", "--dpi=60", "--title=Mine"]

    done = run(*technique_words(FeatureMaps, picture), "--out", out, *words, *more)

    assert (done.code, done.err) == (0, "")
    model = cnnviz_desktop.load_model("bundled", weights="none")
    image = cnnviz_desktop.load_image(picture)
    figure = cnnviz_desktop.plate(
        FeatureMaps()(model, image), image, title="Mine", colour_bar=False, **options
    )
    assert out.read_bytes().endswith(encode(figure, ".png", 60, None, True)[-500:])
    with Image.open(out) as drawn:
        assert drawn.width == 210
        assert drawn.convert("RGBA").getpixel((1, 1))[3] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_predict_writes_names_that_are_no_sound_text(run, picture, tmp_path):
    odd = tmp_path / os.fsdecode(b"b\xff.png")
    odd.write_bytes(picture.read_bytes())
    table = tmp_path / "table.csv"

    assert run("predict", "bundled", odd, *RANDOM, "--csv", table).code == 0
    assert "b\\udcff.png" in table.read_text(encoding="utf-8")


def test_options_that_change_nothing_are_told(run, picture, tmp_path):
    words = [*technique_words(FeatureMaps, picture), "--limit", "2"]
    done = run(*words, "--out", tmp_path / "maps.png", "--dpi", "50", "--mode", "heat", "--box")
    assert (done.code, done.err) == (0, "Note: --mode, --box change nothing about maps.png.\n")

    done = run(*words, "--out", tmp_path / "maps.npz")
    assert done.err == "Note: --limit changes nothing about maps.npz.\n"


def test_a_map_that_cannot_show_where_says_so(run, picture, tmp_path):
    words = ["grad-cam", "squeezenet1_0", picture, *RANDOM, "--layer", "classifier.3"]
    done = run(*words, "--size", "64", "--out", tmp_path / "map.npz")
    assert "classifier.3 gives one value for the whole picture" in done.err


def test_tiles_is_another_word_for_the_limit():
    words = ["feature-maps", "bundled", "a.png", "--out", "b.png"]
    options = [cli.build_parser().parse_args([*words, w, "9"]) for w in ("--tiles", "--limit")]
    assert options[0] == options[1]


def test_a_slide_has_the_shape_of_one(run, picture, tmp_path):
    out = tmp_path / "slide.png"
    words = technique_words(GradCam, picture)
    assert run(*words, "--out", out, "--slide", "--dpi", "72").code == 0
    with Image.open(out) as image:
        assert image.size == (960, 540)


def test_predict_draws_the_answer_for_one_picture(run, picture, tmp_path):
    out = tmp_path / "answer.png"
    done = run("predict", "bundled", picture, *RANDOM, "--out", out, "--dpi", "50")
    assert (done.code, done.err) == (0, "")
    assert read_record(out).technique == "predict"
    table = tmp_path / "answer.csv"
    assert run("predict", "bundled", picture, *RANDOM, "--out", table).code == 0
    assert table.read_text(encoding="utf-8").startswith("class,label,probability,logit")


def test_fit_changes_what_the_network_sees(run, tmp_path):
    wide = tmp_path / "wide.png"
    numbers = np.random.default_rng(4)
    Image.fromarray(numbers.integers(0, 256, (128, 256, 3), dtype=np.uint8)).save(wide)
    regions = {}
    for fit in ("crop", "squash", "pad"):
        out = tmp_path / f"{fit}.npz"
        words = technique_words(GradCam, wide)
        assert run(*words, "--fit", fit, "--out", out).code == 0
        with np.load(out) as data:
            regions[fit] = data["region"].tolist()

    assert regions["crop"] == [0, 64, 128, 192]
    assert regions["squash"] == [0, 0, 128, 256]
    assert regions["pad"] == [-64, 0, 192, 256]


def test_notes_on_a_picture_are_told(run, tmp_path):
    deep = tmp_path / "deep.png"
    Image.fromarray(np.arange(40000, dtype=np.uint16).reshape(200, 200)).save(deep)

    done = run(*technique_words(GradCam, deep), "--out", tmp_path / "a.npz")

    assert done.code == 0
    assert done.err.startswith("Note: ")


def test_an_equal_command_writes_equal_bytes(run, picture, tmp_path):
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for out in (first, second):
        assert run(*technique_words(GradCam, picture), "--out", out, "--dpi", "50").code == 0

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow  # the main job of the README, which CI runs by itself as well
def test_tour_writes_a_page_with_every_technique(
    run, bundled_weights, sample, tmp_path, monkeypatch
):
    out = tmp_path / "new" / "tour"

    done = run("tour", "--out", out)

    assert (done.code, done.err) == (0, "")
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "{{" not in page
    for kind in TECHNIQUES:
        assert f'id="{kind.command}"' in page
    for name in re.findall(r'src="([^"]+)"', page):
        assert (out / name).is_file(), name
    assert not re.search(r'(src|href)="https?://(?!arxiv\.org)', page)
    monkeypatch.chdir(out)  # the command below a figure makes it again
    command = re.search(r"cnnviz (filters bundled [^<]*)--out ([^<]*)", page)
    assert run(*command[1].split(), "--out", "again.png").code == 0
    with Image.open("again.png") as again, Image.open(command[2]) as first:
        assert np.array_equal(np.asarray(again), np.asarray(first))


# ----------------------------------------------------------------------------------- bad input


BROKEN = ("missing.png", "empty.png", "cut.png", "text.jpg", "head.jpg")


@pytest.fixture
def broken(tmp_path: Path, picture: Path) -> dict[str, Path]:
    content = {
        "empty.png": b"",
        "cut.png": picture.read_bytes()[:2000],
        "text.jpg": b"These are words, not a picture.",
        "head.jpg": b"\xff\xd8\xff\xe0",
    }
    paths = {name: tmp_path / name for name in content}
    for name, path in paths.items():
        path.write_bytes(content[name])
    return paths | {"missing.png": tmp_path / "missing.png", "folder": tmp_path}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *(("predict", name) for name in BROKEN),
        *(("grad-cam", name) for name in (*BROKEN, "folder")),
    ],
)
def test_a_bad_picture_is_one_sentence(run, broken, name, command, tmp_path):
    out = tmp_path / "never.png"
    rest = [] if command == "predict" else ["--out", out]

    done = run(command, "bundled", broken[name], *RANDOM, *rest)

    assert str(broken[name]) in done.sentence
    assert not out.exists()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_a_picture_of_any_kind_is_classified(run, tmp_path, picture, mode):
    path = tmp_path / ("odd.tif" if mode == "CMYK" else "odd.png")
    with Image.open(picture) as image:
        odd = (
            Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
            if mode == "I;16"
            else image.convert(mode)
        )
        odd.save(path)

    done = run("predict", "bundled", path, "--json", *RANDOM)

    assert done.code == 0
    assert json.loads(done.out)[0]["classes"]


BAD = {
    "unknown model": (["layers", "resnet5"], "There is no model “resnet5”. Did you mean resnet"),
    "unknown layer": (
        ["feature-maps", "bundled", "PICTURE", *RANDOM, "--layer", "blocks.9", "--out", "OUT"],
        "bundled has no layer “blocks.9”. Did you mean blocks.",
    ),
    "unknown class": (
        ["grad-cam", "bundled", "PICTURE", *RANDOM, "--target", "wavy rong", "--out", "OUT"],
        "bundled has no class “wavy rong”. Did you mean wavy ring",
    ),
    "class out of range": (
        ["grad-cam", "bundled", "PICTURE", *RANDOM, "--target", "12", "--out", "OUT"],
        "bundled has no class 12: it knows 12 classes, 0 to 11.",
    ),
    "negative class": (
        ["grad-cam", "bundled", "PICTURE", *RANDOM, "--target=-1", "--out", "OUT"],
        "bundled has no class -1",
    ),
    "superscript class": (
        ["grad-cam", "bundled", "PICTURE", *RANDOM, "--target", "²", "--out", "OUT"],
        "bundled has no class “²”. Name one of its classes or an index, 0 to 11.",
    ),
    "layer without kernels": (
        ["filters", "bundled", *RANDOM, "--layer", "blocks.0.act1", "--out", "OUT"],
        "blocks.0.act1 (ReLU) has no kernels to show.",
    ),
    "layer without maps": (
        ["grad-cam", "bundled", "PICTURE", *RANDOM, "--layer", "head", "--out", "OUT"],
        "head (Linear) gives no maps",
    ),
    "call out of range": (
        ["feature-maps", "bundled", "PICTURE", *RANDOM, "--call", "7", "--out", "OUT"],
        "blocks runs once in a pass",
    ),
    "call far out of range": (
        ["feature-maps", "bundled", "PICTURE", *RANDOM, "--call", "7000", "--out", "OUT"],
        "Call must be a whole number from -1 to 999, not 7000.",
    ),
    "missing weights": (
        ["layers", "bundled", "--weights", "TMP/nowhere.pth"],
        "There is no file",
    ),
    "wrong weights": (
        ["layers", "squeezenet1_1", "--weights", "TMP/other.pth"],
        "other.pth does not fit squeezenet1_1",
    ),
    "truncated weights": (
        ["layers", "bundled", "--weights", "TMP/cut.pth"],
        "cut.pth is a damaged or cut-off archive.",
    ),
    "a picture for weights": (
        ["layers", "bundled", "--weights", "PICTURE"],
        "noise.png is a picture",
    ),
    "unknown device": (["layers", "bundled", *RANDOM, "--device", "gpu"], "no device “gpu”"),
    "unknown suffix": (
        ["filters", "bundled", *RANDOM, "--out", "TMP/figure.bmp"],
        "Figures are written as .png, .svg or .pdf",
    ),
    "no suffix": (["filters", "bundled", *RANDOM, "--out", "TMP/figure"], "without a suffix"),
    "missing folder": (["filters", "bundled", *RANDOM, "--out", "TMP/no/a.png"], "The folder"),
    "too many dots": (
        ["filters", "bundled", *RANDOM, "--dpi", "999999", "--out", "OUT"],
        "out of range: choose 1 to",
    ),
    "no dots": (["filters", "bundled", *RANDOM, "--dpi", "0", "--out", "OUT"], "out of range"),
    "no classes": (
        ["predict", "bundled", "PICTURE", *RANDOM, "--top", "0"],
        "--top must be at least 1.",
    ),
    "no table": (["grad-cam", "bundled", "TMP/none.png", "--out", "TMP/a.csv"], "choose .npz"),
    "csv nowhere": (
        ["predict", "bundled", "PICTURE", *RANDOM, "--csv", "TMP/no/a.csv"],
        "The folder",
    ),
    "csv onto a folder": (
        ["predict", "bundled", "PICTURE", *RANDOM, "--csv", "TMP/empty"],
        "empty is a folder: name a file in it.",
    ),
    "figure of two": (
        ["predict", "bundled", "PICTURE", "PICTURE", *RANDOM, "--out", "TMP/a.png"],
        "give it one",
    ),
    "colour map": (
        ["predict", "bundled", "PICTURE", *RANDOM, "--out", "TMP/a.png", "--colormap", "magna"],
        "Did you mean magma?",
    ),
    "width": (
        ["predict", "bundled", "PICTURE", *RANDOM, "--out", "TMP/a.png", "--width", "900"],
        "1 to 100 inches",
    ),
    "empty folder": (["predict", "bundled", "TMP/empty", *RANDOM], "no pictures directly inside"),
    "tour onto a file": (["tour", "--out", "PICTURE"], "cannot be"),
    "unknown command": (["gradcam"], "There is no command “gradcam”. Did you mean grad-cam, "),
    "unknown option": (
        ["layers", "bundled", "--colour"],
        "There is no option “--colour”. “cnnviz layers --help”",
    ),
    "misspelt option": (
        ["predict", "bundled", "PICTURE", "--colourmap=magma"],
        "There is no option “--colourmap”. Did you mean colormap",
    ),
    "a word too many": (["layers", "bundled", "b.png"], "“b.png” is one word too many."),
    "apostrophes": (["layers", "bundled", "Al's and Bo's"], "“Al's and Bo's” is one word"),
    "nothing to write": (["filters", "bundled"], "Still needed: --out. “cnnviz filters --help”"),
    "unknown fit": (["layers", "bundled", "--fit", "stretch"], "invalid choice: “stretch”"),
    "not a number": (["predict", "bundled", "x.png", "--top", "x"], "invalid int value: “x”"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_two(run, case, picture, tmp_path, request):
    if case == "tour onto a file":
        request.getfixturevalue("bundled_weights")
        request.getfixturevalue("sample")
    import torch

    (tmp_path / "empty").mkdir()
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "other.pth").read_bytes()[:-20])
    before = sorted(tmp_path.rglob("*"))
    words, sentence = BAD[case]
    places = {"PICTURE": str(picture), "OUT": str(tmp_path / "out.png")}

    done = run(*(places.get(word, word.replace("TMP", str(tmp_path))) for word in words))

    assert sentence in done.sentence
    assert done.out == ""
    assert sorted(tmp_path.rglob("*")) == before, "something was written"


def test_a_folder_that_is_not_there_is_noticed_before_the_work(run, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "load", lambda _options: pytest.fail("the model was loaded"))
    out = tmp_path / "no" / "a.png"

    done = run("grad-cam", "bundled", picture, "--out", out)

    assert done.sentence.startswith(f"The folder {out.parent} does not exist: create it")


def test_no_arguments_show_how(run):
    done = run()
    assert done.sentence == "Still needed: COMMAND. “cnnviz --help” says more."


def test_a_bug_is_not_hidden_behind_a_sentence(run, monkeypatch, picture):
    def broken(*_args: Any, **_options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("cnnviz_desktop.engine.models.load_model", broken)
    with pytest.raises(ZeroDivisionError):
        run("predict", "bundled", picture)


def test_an_interrupted_command_says_cancelled(run, monkeypatch):
    def interrupted(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnviz_desktop.engine.models.load_model", interrupted)
    done = run("layers", "bundled")

    assert (done.code, done.out, done.err) == (130, "", "Cancelled.\n")
    done = run("gallery", "bundled", "--out", "gallery.png")
    assert done.err.endswith("What is done is kept: the same command goes on from there.\n")


def test_what_is_said_stands_on_a_line_of_its_own(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    terminal.write_progress(Progress("Evaluating", 1, 3, 1.0), ", 2 s left")
    terminal.say("Cancelled.")

    shown = capsys.readouterr().err
    assert shown == "\r\033[KEvaluating: 33%, 2 s left\r\033[KCancelled.\n"


# ------------------------------------------------------------------------------ as a process


def process(repository: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cnnviz_desktop", *words],
        cwd=repository,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_module_is_the_command_line(repository):
    done = process(repository, "layers", "bundled", *RANDOM)

    assert (done.returncode, done.stderr) == (0, "")
    assert "blocks.0.conv1" in done.stdout or "conv1" in done.stdout


def test_output_goes_through_any_code_page(repository):
    done = process(repository, "layers", "bundled", *RANDOM, PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stderr) == (0, "")
    assert "16?64?64" in done.stdout

    done = process(repository, "layers", "nonsense", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGPIPE to stand in for")
def test_a_reader_that_stops_early_is_no_error(repository):
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m cnnviz_desktop layers bundled --weights none | head -1"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_progress_is_shown_on_a_terminal_only(monkeypatch):
    from cnnviz_desktop import terminal

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, clock = Terminal(), iter(range(100))
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(terminal.time, "perf_counter", lambda: next(clock))
    for _ in terminal.shown_run().track([1, 2], "Working"):
        pass
    assert "Working: 50%, " in screen.getvalue()
    assert screen.getvalue().endswith("\r\033[K")

    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    for _ in terminal.shown_run().track([1, 2], "Working"):
        pass
    assert file.getvalue() == ""
