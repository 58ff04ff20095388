import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from cnnviz_desktop.data import Activation, Box, FilterBank, Heatmap, Prediction, Record, Result
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.figures import export
from cnnviz_desktop.figures.export import (
    DATA_SUFFIXES,
    FIGURE_SUFFIXES,
    check_suffix,
    read_record,
    save,
    save_data,
)
from cnnviz_desktop.figures.page import Plate
from cnnviz_desktop.figures.plates import plate

BOX = Box(1, 2, 30, 40)
RECORD = Record(
    technique="GradCam",
    parameters={
        "layer": "features.12",
        "target": 'tiger "cat" <&> (\\) ]]> é 日本 🐕',
        "k": [1, 2.5],
    },
    model="squeezenet1_0",
    model_fingerprint="ab" * 32,
    image="Hündchen\n\r\t$1 \udcff.png",  # the last letter: a byte that is no text
    seed=3,
    versions={"torch": "2.6"},
)
LABELS = ("pug", 'a "quoted", label', "naïve\nlabel 日本")
PREDICTION = Prediction(
    np.array([1, 3, 2], np.float32), np.array([0.1, 0.6, 0.3], np.float32), LABELS, BOX
)
HEATMAP = Heatmap(np.array([[-1, 2]], np.float32), "conv", 7, "pug", 1.5, BOX)


@pytest.fixture(scope="module")
def figure() -> Plate:
    drawn = plate(HEATMAP)
    assert isinstance(drawn, Plate)
    return drawn


@pytest.mark.parametrize("suffix", FIGURE_SUFFIXES)
def test_the_record_comes_back_from_the_figure_and_from_beside_it(
    figure: Plate, tmp_path: Path, suffix: str
) -> None:
    path = save(figure, tmp_path / f"a map{suffix}", dpi=50, record=RECORD)
    assert read_record(path) == RECORD
    beside = tmp_path / f"a map{suffix}.json"
    assert read_record(beside) == RECORD
    assert "日本" in beside.read_text(encoding="utf-8")
    assert sorted(tmp_path.iterdir()) == [path, beside]


def test_an_svg_is_sound_xml_and_other_programs_find_the_record(
    figure: Plate, tmp_path: Path
) -> None:
    path = save(figure, tmp_path / "map.svg", record=RECORD)
    found = ElementTree.parse(path).find(".//{http://purl.org/dc/elements/1.1/}description")
    assert found is not None
    assert Record.from_json(found.text or "") == RECORD


def test_other_programs_find_the_record_in_a_png(figure: Plate, tmp_path: Path) -> None:
    with Image.open(save(figure, tmp_path / "map.png", dpi=50, record=RECORD)) as picture:
        assert Record.from_json(picture.info["cnnviz_record"]) == RECORD


@pytest.mark.parametrize("suffix", FIGURE_SUFFIXES)
def test_the_same_figure_gives_the_same_bytes(figure: Plate, tmp_path: Path, suffix: str) -> None:
    first = save(figure, tmp_path / f"one{suffix}", dpi=50, record=RECORD)
    second = save(plate(HEATMAP), tmp_path / f"two{suffix}", dpi=50, record=RECORD)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("suffix", FIGURE_SUFFIXES)
def test_without_a_record_there_is_nothing_beside(
    figure: Plate, tmp_path: Path, suffix: str
) -> None:
    path = save(figure, str(tmp_path / f"map{suffix.upper()}"), dpi=50)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="holds no CNNviz record"):
        read_record(path)


def test_dpi_sets_the_size_of_a_png(figure: Plate, tmp_path: Path) -> None:
    width, height = figure.get_size_inches()
    for dpi in (50, 100):
        with Image.open(save(figure, tmp_path / "map.png", dpi=dpi)) as picture:
            assert picture.size == pytest.approx((width * dpi, height * dpi), abs=1)


def test_a_transparent_figure_has_no_ground(figure: Plate, tmp_path: Path) -> None:
    for transparent, alpha in ((False, 255), (True, 0)):
        path = save(figure, tmp_path / "map.png", dpi=50, transparent=transparent)
        with Image.open(path) as picture:
            assert picture.convert("RGBA").getpixel((0, 0))[3] == alpha  # type: ignore[index]


def test_between_tiles_a_transparent_figure_is_clear(tmp_path: Path) -> None:
    maps = Activation(np.ones((4, 2, 2), np.float32), "conv", BOX)
    path = save(plate(maps, colour_bar=False), tmp_path / "a.png", dpi=100, transparent=True)
    with Image.open(path) as picture:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    tiles = alpha[84:-30, 30:-30]
    assert (tiles[10] == 255).any()
    assert (tiles == 0).all(axis=0).any()  # a clear column between two tiles


@pytest.mark.parametrize("name", ["map.jpg", "map", "map.npz", "map.png.exe"])
def test_an_unknown_suffix_is_one_sentence(figure: Plate, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match=r"\.png, \.svg or \.pdf and data as \.npz"):
        save(figure, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_suffixes_are_checked_before_the_work() -> None:
    for suffix in FIGURE_SUFFIXES + DATA_SUFFIXES:
        check_suffix(Path(f"map{suffix.upper()}"))
    with pytest.raises(ExportError, match=r"instead of “\.gif”"):
        check_suffix(Path("map.gif"))
    with pytest.raises(ExportError, match="without a suffix"):
        check_suffix("map")


@pytest.mark.parametrize(
    ("dpi", "said"),
    [(0, "1 to 2400"), (-5, "1 to 2400"), (float("nan"), "1 to 2400"), (1e9, "1 to 2400")],
)
def test_dots_per_inch_have_a_range(figure: Plate, tmp_path: Path, dpi: float, said: str) -> None:
    with pytest.raises(ExportError, match=said):
        save(figure, tmp_path / "map.png", dpi=dpi)


def test_a_figure_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="choose 2000 or less"):
        save(Plate(figsize=(10, 10)), tmp_path / "map.png", dpi=2400)


def test_a_table_too_long_for_a_picture_is_refused_and_fits_in_a_pdf(tmp_path: Path) -> None:
    long = Plate(figsize=(1, 300))
    with pytest.raises(ExportError, match=r"90\u2009000 pixels high.* choose 218 dots per inch"):
        save(long, tmp_path / "rows.png", dpi=300)
    assert save(long, tmp_path / "rows.pdf", dpi=300).exists()
    with Image.open(save(long, tmp_path / "rows.png", dpi=218)) as picture:
        assert picture.height == 65_400


@pytest.mark.parametrize(
    ("result", "arrays"),
    [
        (
            PREDICTION,
            {
                "kind": "Prediction",
                "logits": PREDICTION.logits,
                "probabilities": PREDICTION.probabilities,
                "labels": LABELS,
                "region": (1, 2, 30, 40),
            },
        ),
        (
            Activation(np.ones((2, 3, 4), np.float32), "conv", BOX, 1),
            {
                "kind": "Activation",
                "values": np.ones((2, 3, 4)),
                "layer": "conv",
                "call": 1,
                "region": (1, 2, 30, 40),
            },
        ),
        (
            HEATMAP,
            {
                "kind": "Heatmap",
                "values": [[-1, 2]],
                "layer": "conv",
                "target": 7,
                "target_label": "pug",
                "score": 1.5,
                "region": (1, 2, 30, 40),
            },
        ),
        (
            FilterBank(np.ones((2, 1, 1, 1), np.float32), "conv", 2),
            {"kind": "FilterBank", "values": np.ones((2, 1, 1, 1)), "layer": "conv", "groups": 2},
        ),
    ],
)
def test_data_comes_back_without_pickles(
    result: Result, arrays: dict[str, object], tmp_path: Path
) -> None:
    path = save_data(result, tmp_path / "data.npz", RECORD)
    with np.load(path, allow_pickle=False) as data:
        assert set(data) == {"record", *arrays}
        for name, expected in arrays.items():
            assert np.array_equal(data[name], np.asarray(expected)), name
        assert json.loads(str(data["record"]))["model"] == "squeezenet1_0"
    assert read_record(path) == RECORD
    assert read_record(tmp_path / "data.npz.json") == RECORD
    assert save_data(result, tmp_path / "b.npz", RECORD).read_bytes() == path.read_bytes()


def test_data_without_a_record(tmp_path: Path) -> None:
    path = save_data(HEATMAP, tmp_path / "data.npz")
    assert list(tmp_path.iterdir()) == [path]
    with np.load(path) as data:
        assert "record" not in data


def test_a_prediction_is_also_a_table(tmp_path: Path) -> None:
    path = save_data(PREDICTION, tmp_path / "data.csv", RECORD)
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert rows[0] == ["class", "label", "probability", "logit"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "0"]
    assert [row[1] for row in rows[1:]] == [LABELS[1], LABELS[2], LABELS[0]]
    assert float(rows[1][2]) == pytest.approx(0.6)
    assert float(rows[1][3]) == 3
    assert read_record(tmp_path / "data.csv.json") == RECORD


def test_other_results_are_no_table(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"choose \.npz"):
        save_data(HEATMAP, tmp_path / "data.csv")
    with pytest.raises(ExportError, match=r"data as \.npz"):
        save_data(HEATMAP, tmp_path / "data.png")


def test_pixels_are_written_as_they_are_with_the_record(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = export.save_pixels(pixels, tmp_path / "map.png", RECORD)
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), pixels)
    assert read_record(path) == RECORD
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ExportError, match=r"choose map\.png instead"):
        export.save_pixels(pixels, tmp_path / "map.jpg")


def test_encoding_gives_the_bytes_that_saving_writes(figure: Plate, tmp_path: Path) -> None:
    path = save(figure, tmp_path / "a.png", 50, RECORD)
    content = export.encode(figure, ".png", 50, RECORD)
    assert content == path.read_bytes()
    with Image.open(path) as picture:
        assert np.array_equal(export.decode(content), np.asarray(picture.convert("RGBA")))
