"""Files are recognised by their content, and what is crafted to do harm does nothing."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from networks import Plain
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from cnnviz_desktop.engine.model_files import recognise, written_as_path
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.pickles import HIDDEN, foreign, names_in
from cnnviz_desktop.engine.weights import read_state
from cnnviz_desktop.errors import ModelError, TrustError


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "settings"))


class Bomb:
    """Runs os.mkdir when it is unpickled the usual way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def fuse(tmp_path: Path):
    path = tmp_path / "went-off"
    yield path
    assert not path.exists(), "code in a file was run"


# -------------------------------------------------------------------------------------- all kinds


@pytest.mark.parametrize("ending", [".pth", ".jpg", ""])
def test_kinds_are_told_by_content_whatever_the_ending(tmp_path, ending):
    module = Plain()
    state = module.state_dict()
    path = tmp_path / f"file{ending}"

    torch.save(state, path)
    assert (recognise(path).kind, recognise(path).runs) == ("checkpoint", ())
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert (recognise(path).kind, recognise(path).legacy) == ("checkpoint", True)
    save_file(state, path)
    assert recognise(path).kind == "safetensors"
    torch.save(module, path)
    found = recognise(path)
    assert found.kind == "checkpoint"
    assert "torch.nn.modules.conv.Conv2d" in found.runs
    assert "networks.Plain" in found.runs
    assert not [name for name in found.runs if "rebuild" in name]
    path.write_bytes(pickle.dumps({"a": Path("x")}))
    assert (recognise(path).kind, recognise(path).runs) == ("pickle", ("pathlib.PosixPath",))
    path.write_text("from torch import nn\ndef make(): return nn.Flatten()\n")
    assert recognise(path).kind == "python"


def test_an_export_and_a_script_are_told_apart(tmp_path):
    module, example = Plain(inplace=False).eval(), torch.zeros(1, 3, 8, 8)
    path = tmp_path / "file.pth"
    torch.export.save(torch.export.export(module, (example,)), path.with_suffix(".pt2"))
    path.with_suffix(".pt2").rename(path)
    found = recognise(path)
    assert found.kind == "exported"
    assert found.runs[0] == "the expressions in its graph"

    scripted(module, example, path)
    assert recognise(path).kind == "script"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def scripted(module: nn.Module, example: torch.Tensor, path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(module, example).save(str(path))


def test_a_script_says_what_cannot_be_shown_and_how_to_export_instead(tmp_path):
    path = tmp_path / "script.pt"
    scripted(Plain().eval(), torch.zeros(1, 3, 8, 8), path)
    for call in (lambda: load_model(path), lambda: load_model("squeezenet1_1", path)):
        with pytest.raises(ModelError, match=r"TorchScript.*cannot be hooked.*torch\.export\.save"):
            call()


def test_names_of_files_are_told_from_those_of_models():
    for name in ("a/b", "x.pth", "X.ONNX", "net.py", "./vgg16", "model.pth.tar"):
        assert written_as_path(name)
    for name in ("vgg16", "timm:resnet50.a1_in1k", "bundled", ""):
        assert not written_as_path(name)


# ------------------------------------------------------------------------------- no model at all

OTHERS = {
    "empty": (b"", "is empty"),
    "web page": (b"<!DOCTYPE html><title>404</title>", "a web page"),
    "json": (b'{"a": 1}', "a JSON text"),
    "text": (b"hello\nworld\n", "a text"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:a\n", "git lfs pull"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras"),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), "unpack it first"),
    "zeros": (bytes(1000), "no file of a network"),
    "noise": (bytes(range(255, 0, -1)) * 4, "no file of a network"),
    "short zip": (b"PK\x03\x04", "damaged or cut-off archive"),
    "tar": (b"\0" * 257 + b"ustar\0" + b"\0" * 300, "tar archive"),
    "pickled number": (pickle.dumps(3), "no file of a network"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_are_one_sentence(tmp_path, kind):
    content, words = OTHERS[kind]
    path = tmp_path / "file.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words) as caught:
        load_model(path)
    assert "file.pth" in str(caught.value)


def test_pictures_folders_pipes_and_nothing_are_one_sentence(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "p.pth", format="png")
    with pytest.raises(ModelError, match=r"p\.pth is a picture"):
        load_model(tmp_path / "p.pth")
    with pytest.raises(ModelError, match=r"is a folder\. Choose a file in it"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match=r"There is no file .*Check the path"):
        load_model(tmp_path / "none.pth")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.pth")
        with pytest.raises(ModelError, match="no file on a disk"):
            load_model(tmp_path / "pipe.pth")
    with pytest.raises(ModelError, match="is no path of a file"):
        load_model("a\0b.pth")


def test_archives_that_are_no_models_say_what_they_are(tmp_path):
    path = tmp_path / "file.pt"
    for member, words in (
        ("session.json", "a CNNviz session"),
        ("model.weights.h5", "a Keras file"),
        ("readme.txt", "an archive of files"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, "x")
        with pytest.raises(ModelError, match=words):
            load_model(path)


# --------------------------------------------------------------------------------------- crafted


def torch_zip(path: Path, data: bytes, *members: tuple[str, bytes], pack: bool = False) -> None:
    kind = zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("a/data.pkl", data)
        archive.writestr("a/version", "3\n")
        for name, content in members:
            archive.writestr(name, content)


@pytest.mark.parametrize("how", ["zip", "legacy", "pickle", "protocol 4", "inside a module"])
def test_code_never_runs_without_trust_and_is_named(tmp_path, fuse, how):
    path = tmp_path / "bomb.pth"
    content: Any = {"a": torch.zeros(1), "b": Bomb(fuse)}
    match how:
        case "pickle" | "protocol 4":
            path.write_bytes(pickle.dumps(content, protocol=4 if how == "protocol 4" else 2))
        case "inside a module":
            module = nn.Linear(2, 2)
            module.bomb = Bomb(fuse)
            torch.save(module, path)
        case _:
            torch.save(content, path, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(TrustError, match=r"bomb\.pth runs code") as caught:
        load_model(path)
    assert {"posix.mkdir", "nt.mkdir"} & set(caught.value.runs)


def test_code_beside_weights_is_left_out(tmp_path, fuse):
    path = tmp_path / "bomb.pth"
    torch.save({"state_dict": Plain().state_dict(), "b": BombByName(fuse)}, path)
    assert read_state(path).keys() == Plain().state_dict().keys()


class BombByName(Bomb):
    """Runs code by a name that PyTorch does not block by itself."""

    def __reduce__(self) -> tuple[Any, ...]:
        import subprocess

        return subprocess.call, (["mkdir", str(self.path)],)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:/x", "a\\..\\x", "~/x"])
def test_members_that_lead_out_of_the_archive_are_refused(tmp_path, name):
    path = tmp_path / "tricky.pth"
    torch_zip(path, b"\x80\x02}.", (name, b"x"))
    with pytest.raises(ModelError, match="leads out of it"):
        load_model(path)
    assert not (tmp_path.parent / "x").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path):
    path = tmp_path / "twice.pth"
    torch_zip(path, b"\x80\x02}.", ("a/DATA.pkl", b"x"))
    with pytest.raises(ModelError, match="two members called"):
        load_model(path)


def test_a_bomb_of_compressed_zeros_is_refused(tmp_path):
    path = tmp_path / "bomb.pth"
    torch_zip(path, b"\x80\x02}.", ("a/data/0", bytes(2**27)), pack=True)
    assert path.stat().st_size < 2**20
    with pytest.raises(ModelError, match=r"would unpack to 134 MB: it is not opened"):
        load_model(path)


def test_sizes_that_an_archive_only_claims_are_one_sentence(tmp_path):
    path = tmp_path / "bomb.pth"
    torch_zip(path, b"\x80\x02}.", ("a/data/0", bytes(8)))
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"would unpack to 2,147 MB"):
        load_model(path)


@pytest.mark.parametrize("how", ["zip", "legacy", "safetensors", "exported", "module"])
def test_files_cut_off_anywhere_are_one_sentence(tmp_path, how):
    whole, cut = tmp_path / "whole.pt2", tmp_path / "cut.pt2"
    module = nn.Sequential(nn.Conv2d(3, 2, 1))
    match how:
        case "safetensors":
            save_file(module.state_dict(), whole)
        case "exported":
            torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 4, 4),)), whole)
        case "module":
            torch.save(module, whole)
        case _:
            torch.save(module.state_dict(), whole, _use_new_zipfile_serialization=how == "zip")
    content = whole.read_bytes()
    for length in range(1, len(content), max(1, len(content) // 40)):
        cut.write_bytes(content[:length])
        with pytest.raises(ModelError):
            load_model(cut)


def test_a_tar_of_files_and_one_of_old_tensors_are_told_apart(tmp_path):
    path = tmp_path / "old.pth.tar"
    for names, error in (
        (("readme",), ModelError),
        (("storages", "tensors", "pickle"), TrustError),
    ):
        with tarfile.open(path, "w") as archive:
            for name in names:
                data = b"cposix\nsystem\n."
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        with pytest.raises(error):
            load_model(path)


def test_an_archive_without_checksums_is_read_as_pytorch_reads_it(tmp_path):
    path = tmp_path / "unsummed.pth"
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(Plain().state_dict(), path)
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_state(path).keys() == Plain().state_dict().keys()


# ---------------------------------------------------------------------------------------- pickles


def test_names_are_read_from_every_protocol_and_never_run(fuse):
    for protocol in range(6):
        names = names_in(io.BytesIO(pickle.dumps([Bomb(fuse), Bomb(fuse)], protocol)))
        assert names in (("posix.mkdir",), ("nt.mkdir",))
    assert names_in(io.BytesIO(b"\x80\x02c__builtin__\neval\n.")) == ("builtins.eval",)
    assert names_in(io.BytesIO(b"(ios\nsystem\n.")) == ("os.system",)
    assert names_in(io.BytesIO(b"\x80\x04N\x93.")) == (HIDDEN,)
    assert names_in(io.BytesIO(b"\x80\x02cos\nsystem\n\xff")) == ("os.system",)


def test_names_kept_in_the_memo_are_found():
    data = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93."
    assert names_in(io.BytesIO(data)) == ("os.system",)


def test_what_reading_numbers_needs_is_not_foreign():
    known = ("collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch.FloatStorage")
    layer = "torch.nn.modules.linear.Linear"
    assert foreign((*known, "torch.bfloat16", layer, "os.system", "os.system")) == (
        "os.system",
        layer,
    )
    assert foreign(("torch._utils._rebuild_tensor_v2x.y", "torch.storage.loads", "numpy.load"))


# ------------------------------------------------------------------------------------- properties

HEADS = (
    b"PK\x03\x04",
    b"\x80\x02",
    b"\x80\x04",
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    b"\x10\0\0\0\0\0\0\0{",
    b"\x08\x08\x3a",
    b"\x89HDF\r\n\x1a\n",
    b"import torch\n",
    b"\0" * 257 + b"ustar\0",
    b"",
)


@limits(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(head=st.sampled_from(HEADS), tail=st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_sentence(tmp_path, head, tail):
    path = tmp_path / "any.bin"
    path.write_bytes(head + tail)
    try:
        assert recognise(path).kind
    except ModelError as error:
        assert str(error)


def small_zip() -> bytes:
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, stream)
    return stream.getvalue()


@limits(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4)), max_size=6)
)
def test_no_damage_raises_anything_but_a_sentence(tmp_path, changes):
    data = bytearray(small_zip())
    for place, value in changes:
        start = place % len(data)
        data[start : start + len(value)] = value
    path = tmp_path / "any.pth"
    path.write_bytes(data)
    try:
        load_model("bundled", path)
    except ModelError as error:
        assert str(error)
