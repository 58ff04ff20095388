"""What a folder is, its broken files among it, and what an index holds of a whole layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from networks import Plain
from PIL import Image

from cnnviz_desktop.engine.dataset_facts import facts_of, with_broken
from cnnviz_desktop.engine.datasets import open_dataset
from cnnviz_desktop.engine.exemplar_index import ExemplarIndex, index_path
from cnnviz_desktop.engine.exemplar_overview import channel_pictures, overview, seen_folders
from cnnviz_desktop.engine.exemplar_pictures import PERCENTILES
from cnnviz_desktop.engine.exemplars import class_selectivity, fill
from cnnviz_desktop.engine.remembered_classes import remember
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import Exemplars
from cnnviz_desktop.errors import Cancelled, TargetError
from cnnviz_desktop.settings import FOLDER_VARIABLE


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "config"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fourteen pictures of noise in folders called 0, 1 and owl; two files that are no pictures."""
    root = tmp_path / "pictures"
    for number in range(14):
        path = root / ("0", "1", "owl")[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(values).save(path)
    (root / "0" / "empty.png").write_bytes(b"")
    (root / "owl" / "text.jpg").write_text("no picture", encoding="ascii")
    return root


def test_facts_are_counted_and_classes_guessed(load, folder):
    model = load(Plain(), labels=("cat", "dog", "bird"))
    facts = facts_of(open_dataset(folder), model)
    assert (facts.kind, facts.title, facts.images) == ("folders", "pictures", 16)
    assert facts.classes == ("0", "1", "owl")
    assert facts.counts == (6, 5, 5)
    assert facts.indices == facts.guessed == (0, 1, None)
    assert facts.how == ("index", "index", "")
    assert facts.said == ""
    path = remember(facts.kind, facts.place, model.labels, {"owl": 2})
    again = facts_of(open_dataset(folder), model)
    assert again.indices == (0, 1, 2)
    assert again.guessed == (0, 1, None)
    assert again.said == str(path)


def test_broken_files_are_named_with_the_reason_and_looking_can_be_cancelled(load, folder):
    dataset = open_dataset(folder)
    facts = facts_of(dataset, load(Plain()))
    found = with_broken(facts, dataset)
    assert [name for name, _why in found.broken] == ["0/empty.png", "owl/text.jpg"]
    assert all(why.strip() for _name, why in found.broken)
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        with_broken(facts, dataset, run)
    generated = open_dataset(None, count=9)
    assert with_broken(facts_of(generated, load(Plain())), generated).broken == ()


def test_all_broken_is_no_error(load, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.png").write_bytes(b"")
    dataset = open_dataset(tmp_path / "one")
    model = load(Plain())
    facts = with_broken(facts_of(dataset, model), dataset)
    assert len(facts.broken) == facts.images == 1
    fill(model, dataset, ["conv1"])
    assert overview(model, facts, "conv1") is None


def test_the_overview_is_what_single_results_say(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    facts = facts_of(dataset, model)
    assert overview(model, facts, "conv1") is None  # no index yet
    fill(model, dataset, ["conv1"])
    assert overview(model, facts, "conv2") is None  # another layer
    found = overview(model, facts, "conv1")
    one = Exemplars(folder=str(folder), layer="conv1", first="index")(model)
    assert (found.images, found.total) == (14, 16)
    assert len(found.broken) == 2
    assert found.folders == ("0", "1", "owl")
    assert found.classes == one.classes
    np.testing.assert_array_equal(found.values, one.values)
    np.testing.assert_array_equal(found.labels.ravel(), one.labels)
    for name in ("means", "strongest", "selectivity"):
        np.testing.assert_array_equal(getattr(found, name), getattr(one, name))
    assert found.purity()[1] == pytest.approx(one.purity(1)[1])
    np.testing.assert_allclose(found.between(0, 2), found.means[:, 0] - found.means[:, 2])
    assert sorted(found.telling.tolist()) == list(range(len(found.values)))


def test_crops_of_some_channels_are_those_of_the_figure(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    facts = facts_of(dataset, model)
    fill(model, dataset, ["conv1"])
    for shares, show in (((), "strongest"), (PERCENTILES, "range")):
        cut = channel_pictures(model, facts, "conv1", [2, 0], percentiles=shares)
        assert cut.channels == (2, 0)
        for row, channel in enumerate((2, 0)):
            technique = Exemplars(folder=str(folder), layer="conv1", channel=channel, show=show)
            one = technique(model)
            part = slice(9 * row, 9 * row + 9)
            np.testing.assert_array_equal(cut.values[row], one.values[0])
            assert cut.files[part] == one.files
            assert cut.boxes[part] == one.boxes
            assert cut.labels[part] == one.labels
            assert cut.rows[part] == one.rows
        assert all((folder / key).is_file() for key in cut.keys)


def test_a_number_is_the_networks_class_where_a_folder_stands_for_it(load, tmp_path, folder):
    (folder / "0").rename(folder / "2")
    model = load(Plain(), labels=("cat", "dog", "bird"))
    technique = Exemplars(folder=str(folder), layer="conv1", target=2)
    found = technique(model)
    assert found.classes[found.target] == "bird"  # the first folder, which stands for class 2
    with pytest.raises(TargetError, match="No folder of pictures holds “cat”"):
        Exemplars(folder=str(folder), layer="conv1", target=0)(model)


def test_classes_of_a_layer_in_their_order(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    fill(model, dataset, ["conv1"])

    with ExemplarIndex(index_path(model, dataset)) as index:
        assert seen_folders(index, "conv1") == class_selectivity(index, "conv1").classes
