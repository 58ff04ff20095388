"""Downloaded weights are listed with their model, and deleted without touching anything else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hub_cache import put_into_hub

from cnnviz_desktop.engine.cached_weights import CachedWeights, cached, delete, named
from cnnviz_desktop.engine.caches import checkpoints_folder, hub_folder
from cnnviz_desktop.errors import ModelError


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def put(name: str, size: int = 1000, age: float = 0) -> Path:
    path = checkpoints_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_no_folders_hold_nothing():
    assert cached() == ()


def test_files_are_known_by_their_names_the_largest_first():
    put("vgg16-397923af.pth", 4_000_000)
    put("resnet50-0676ba61.pth", 3_000_000)
    put("lcnet_050.ra2_in1k.safetensors", 2_000_000)
    put("resnet18.a2_in1k.safetensors", 1_900_000)
    put("fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", 1_800_000)
    put("notes.txt")
    put("vgg16-397923af.pth.lock")
    (checkpoints_folder() / "folder.pth").mkdir()
    link = put_into_hub("timm/resnet10t.c3_in1k", content=bytes(1_000_000))
    put_into_hub("someone/else", content=bytes(9))
    put_into_hub("timm/vit_base_patch16_224.augreg_in21k", content=bytes(9))

    found = cached()

    assert [(item.model, item.megabytes) for item in found] == [
        ("vgg16", 4.0),
        ("resnet50", 3.0),
        ("timm:lcnet_050", 2.0),
        ("timm:resnet18.a2_in1k", 1.9),
        ("", 1.8),
        ("timm:resnet10t", 1.0),
    ]
    assert found[-1].path == link
    assert all(item.whole for item in found)


def test_when_weights_were_used_is_told():
    path = put("vgg16-397923af.pth", age=3600)

    (found,) = cached()

    assert found.used.timestamp() == pytest.approx(path.stat().st_mtime, abs=1)
    os.utime(path, (time.time(), path.stat().st_mtime))  # read now
    assert cached()[0].used.timestamp() == pytest.approx(time.time(), abs=60)


def test_an_unfinished_download_is_listed_and_deleted_with_its_notes():
    part = put("vgg16-397923af.pth.partial", age=3600)
    notes = put("vgg16-397923af.pth.partial.json")

    (found,) = cached()
    assert (found.model, found.whole) == ("vgg16", False)
    delete(found)

    assert not part.exists()
    assert not notes.exists()


def test_a_download_at_work_is_not_deleted():
    part = put("vgg16-397923af.pth.partial")

    with pytest.raises(ModelError, match=r"is being downloaded: cancel that first\."):
        delete(cached()[0])
    assert part.exists()


def test_deleting_leaves_all_others():
    gone, kept = put("vgg16-397923af.pth"), put("vgg19-dcbb9e9d.pth")

    delete(named("vgg16"))

    assert not gone.exists()
    assert kept.exists()


def test_deleting_from_hugging_faces_cache_takes_link_and_body():
    link = put_into_hub("timm/resnet10t.c3_in1k")
    put_into_hub("timm/resnet18.a1_in1k")
    body, folder = link.resolve(), link.parents[2]
    beside = link.with_name("config.json")
    beside.write_text("{}")

    delete(named("timm:resnet10t"))

    assert not link.is_symlink()
    assert not body.exists()
    assert beside.exists()  # another program's: its folder stays
    beside.unlink()
    again = put_into_hub("timm/resnet10t.c3_in1k")
    delete(named("timm:resnet10t"))
    assert not again.is_symlink()
    assert not folder.exists()
    assert [item.model for item in cached()] == ["timm:resnet18"]


def test_a_body_that_is_linked_from_outside_is_left(tmp_path):
    outside = tmp_path / "precious.safetensors"
    outside.write_bytes(b"x")
    link = put_into_hub("timm/resnet10t.c3_in1k")
    link.unlink()
    link.symlink_to(outside)
    other = checkpoints_folder() / "vgg16-397923af.pth"
    other.parent.mkdir(parents=True)
    other.symlink_to(outside)

    for item in cached():
        delete(item)

    assert outside.exists()
    assert not link.is_symlink()
    assert not other.is_symlink()


@pytest.mark.parametrize("where", ["file.pth", "torch/hub/file.pth", "hub/x/file.pth"])
def test_nothing_outside_the_folders_is_deleted(tmp_path, where):
    put("vgg16-397923af.pth")
    put_into_hub("timm/resnet10t.c3_in1k")
    path = tmp_path / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    inside = checkpoints_folder() / ".." / ".." / ".." / where

    for asked in (path, inside):
        item = CachedWeights(asked, "", 0, cached()[0].used)
        with pytest.raises(ModelError, match=r"is not among the downloaded weights"):
            delete(item)
    assert path.exists()


def test_what_is_gone_already_is_no_error():
    path = put("vgg16-397923af.pth")
    (item,) = cached()
    path.unlink()

    delete(item)


def test_a_refusal_of_the_system_is_a_sentence(monkeypatch):
    put("vgg16-397923af.pth")
    (item,) = cached()

    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ModelError, match=r"cannot be deleted \(Permission denied\)\. Close"):
        delete(item)


def test_weights_are_named_by_model_alias_file_or_path():
    path = put("vgg16-397923af.pth")
    link = put_into_hub("timm/resnetv2_50.a1h_in1k")
    assert hub_folder() in link.parents

    assert named("vgg16").path == named(path.name).path == named(str(path)).path == path
    assert named("resnet50v2").path == named("timm:resnetv2_50").path == link
    with pytest.raises(
        ModelError, match=r"No weights of “vgg61” are downloaded\. Did you mean vgg16"
    ):
        named("vgg61")
    put("vgg16_features-amdegroot-88682ab5.pth")
    with pytest.raises(ModelError, match=r"There are 2 files of “vgg16”: choose one by its path"):
        named("vgg16")
