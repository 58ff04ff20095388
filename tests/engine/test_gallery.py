"""The gallery: made once, taken up again, and safe against kills and broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from networks import Plain
from PIL import Image

from cnnviz_desktop.engine import gallery_folder
from cnnviz_desktop.engine.gallery_folder import GalleryFolder, Kept
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import Gallery, UnitCard
from cnnviz_desktop.engine.techniques.activation_maximization import ActivationMaximization
from cnnviz_desktop.engine.techniques.gallery import TOGETHER, _groups, gallery_settings
from cnnviz_desktop.errors import Cancelled, ParameterError

SETTINGS = {"steps": 3, "seed": 0}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def made(monkeypatch) -> list[tuple[int, int]]:
    """Which groups of channels are grown, as (first, count)."""
    found: list[tuple[int, int]] = []
    call = ActivationMaximization.__call__

    def watch(self, *given):
        found.append((self.channel, self.count))
        return call(self, *given)

    monkeypatch.setattr(ActivationMaximization, "__call__", watch)
    return found


def files(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.png"))


def kept(value: float = 0.5) -> Kept:
    return Kept(np.full((4, 6, 3), value, np.float32), 1.5, 0.25, "a note")


def test_what_is_written_is_read(load, cache):
    folder = GalleryFolder.of(load(Plain()), "conv1", SETTINGS)

    assert folder.read(3) is None
    folder.write(3, kept())

    found = folder.read(3)
    assert found is not None
    assert (found.response, found.objective, found.note) == (1.5, 0.25, "a note")
    np.testing.assert_allclose(found.picture, 0.5, atol=0.5 / 255)
    assert folder.channels() == [3]
    with Image.open(files(cache)[0]) as image:  # which any program shows
        assert image.size == (6, 4)


def test_other_weights_layers_and_settings_are_others(load):
    model, other = load(Plain()), load(Plain())
    other.module.conv1.weight.data.add_(1)
    folder = GalleryFolder.of(model, "conv1", SETTINGS)
    folder.write(0, kept())

    assert GalleryFolder.of(model, "conv1", {"seed": 0, "steps": 3}).read(0) is not None
    assert GalleryFolder.of(model, "conv2", SETTINGS).read(0) is None
    assert GalleryFolder.of(model, "conv1", {**SETTINGS, "steps": 4}).read(0) is None
    assert GalleryFolder.of(other, "conv1", SETTINGS).read(0) is None
    assert folder.read(1) is None


@pytest.mark.parametrize("harm", ["cut", "empty", "flipped", "no picture", "another's", "folder"])
def test_a_broken_file_counts_as_not_there_and_is_made_again(load, cache, made, harm):
    model = load(Plain())
    make = Gallery(layer="conv1", steps=2)
    whole = make(model)
    victim = files(cache)[1]
    content = victim.read_bytes()
    match harm:
        case "cut":
            victim.write_bytes(content[: len(content) // 2])
        case "empty":
            victim.write_bytes(b"")
        case "flipped":
            with Image.open(victim) as image:
                image.load()
                text, pixels = image.text, np.asarray(image).copy()
            pixels[0, 0] ^= 255
            from PIL.PngImagePlugin import PngInfo

            info = PngInfo()
            for key, value in text.items():
                info.add_text(key, value)
            Image.fromarray(pixels).save(victim, pnginfo=info)
        case "no picture":
            victim.write_text("not a picture")
        case "another's":
            victim.write_bytes(files(cache)[0].read_bytes())
        case "folder":
            victim.unlink()
            victim.mkdir()

    again = make(model)

    np.testing.assert_allclose(again.pictures, whole.pictures, atol=1.1 / 255)
    assert made == [(0, 4), (1, 1)]
    make(model)
    assert len(made) == (3 if harm == "folder" else 2)  # where a folder lies, none can be written


def test_it_makes_nothing_twice(load, cache, made):
    model = load(Plain())
    make = Gallery(layer="conv1", steps=2)

    first = make(model)
    assert made == [(0, 4)]
    assert len(files(cache)) == 4
    second = make(model)

    assert made == [(0, 4)]
    np.testing.assert_array_equal(first.pictures, second.pictures)
    np.testing.assert_array_equal(first.responses, second.responses)
    assert first.wanted == ("channel 0", "channel 1", "channel 2", "channel 3")
    files(cache)[2].unlink()
    make(model)
    assert made == [(0, 4), (2, 1)]
    assert Gallery(layer="conv1", steps=2, first=1, count=2)(model).wanted == (
        "channel 1",
        "channel 2",
    )
    assert len(made) == 2


def test_a_cancelled_gallery_keeps_the_groups_that_were_done(load, cache, made, monkeypatch):
    monkeypatch.setattr("cnnviz_desktop.engine.techniques.gallery.TOGETHER", 2)
    model = load(Plain())
    run = Run()
    seen = []

    def stop(found) -> None:
        seen.append((found.done, found.total))
        if found.label == "Growing the gallery" and found.done == 6:  # in the second group
            run.cancel()

    run._on_progress = stop
    make = Gallery(layer="conv2", steps=4)
    with pytest.raises(Cancelled):
        make(model, None, run)

    assert [path.stem for path in files(cache)] == ["channel-00000", "channel-00001"]
    assert seen[-1][1] == 12  # steps of all three groups
    result = make(model)
    assert made == [(0, 2), (2, 2), (2, 2), (4, 2)]
    assert len(result.wanted) == 6


def test_what_is_ended_early_is_not_kept(load, cache):
    model = load(Plain())
    run = Run(on_progress=lambda found: run.finish() if "Growing" in found.label else None)

    found = Gallery(layer="conv1", steps=50)(model, None, run)

    assert found.wanted[0] == "channel 0"
    assert files(cache) == []


def test_a_disk_that_cannot_be_written_costs_only_the_keeping(load, cache, monkeypatch):
    cache.write_text("no folder")

    found = Gallery(layer="conv1", steps=2)(load(Plain()))

    assert len(found.wanted) == 4


def test_a_channels_picture_is_the_same_whichever_group_grew_it():
    make = Gallery(layer="conv1", steps=3, side=16)

    alone, among = make.maker("conv1", 0, 1), make.maker("conv1", 3, 7)

    assert gallery_settings(alone) == gallery_settings(among)
    other = Gallery(layer="conv1", steps=3, side=16, seed=1).maker("conv1", 0, 1)
    assert gallery_settings(other) != gallery_settings(alone)


def test_channels_are_grown_in_groups_of_neighbours():
    assert _groups([*range(20), 30]) == [(0, TOGETHER), (TOGETHER, 4), (30, 1)]
    assert _groups([]) == []


def test_a_channel_that_is_not_there_is_refused(load):
    with pytest.raises(ParameterError, match="4 channels: first must be 0 to 3, not 4"):
        Gallery(layer="conv1", first=4)(load(Plain()))


def test_the_unit_card_shows_what_the_gallery_has(load, noise, made):
    model = load(Plain())
    card = UnitCard(layer="conv1", channel=2)
    assert card(model, noise()).maximised is None

    gallery = Gallery(layer="conv1", steps=2)(model)
    shown = card(model, noise()).maximised

    assert shown is not None
    np.testing.assert_array_equal(shown.pictures[0], gallery.pictures[2])
    assert shown.responses[0] == gallery.responses[2]
    made.clear()
    asked = UnitCard(layer="conv1", channel=2, wants=True)(model, noise())
    assert asked.maximised is not None
    assert made == []  # it is there


def test_the_unit_card_grows_a_picture_where_it_is_asked_for(load, noise, monkeypatch):
    monkeypatch.setattr(Gallery, "steps", 3)
    fields = {item.name: item for item in Gallery.__dataclass_fields__.values()}
    assert "steps" in fields
    model = load(Plain())

    card = UnitCard(layer="conv1", channel=1, wants=True)(model, noise())

    assert card.maximised is not None
    assert card.maximised.wanted == ("channel 1",)
    assert gallery_folder.newest(model, "conv1", 1) is not None
