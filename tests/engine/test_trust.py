"""What a person trusts is remembered by its content, and nothing else is."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from cnnviz_desktop.engine import trust
from cnnviz_desktop.errors import ModelError, TrustError


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "settings"
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(folder))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_bytes(b"abc")
    return path


def test_the_digest_is_the_sha_256_of_the_content(file, tmp_path):
    assert trust.digest(file) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    other = tmp_path / "other"
    other.write_bytes(b"x")
    both = hashlib.sha256((trust.digest(file) + trust.digest(other)).encode()).hexdigest()
    assert trust.digest(file, other) == both
    with pytest.raises(ModelError, match="cannot be read"):
        trust.digest(tmp_path / "nowhere")


def test_a_file_is_asked_about_once_as_long_as_it_stays_the_same(file, settings):
    with pytest.raises(TrustError) as caught:
        trust.require(file, ("os.system", "net()"), trust=False)
    error = caught.value
    assert (error.path, error.runs) == (file, ("os.system", "net()"))
    assert error.digest == trust.digest(file)
    assert "net.py runs code of its own when it is opened: os.system, net()." in str(error)
    assert "--trust" in str(error)
    assert not settings.exists()

    trust.require(file, ("os.system",), trust=True)
    trust.require(file, ("os.system",), trust=False)
    assert json.loads((settings / "trusted.json").read_text()) == {error.digest: str(file)}

    file.write_bytes(b"abd")
    with pytest.raises(TrustError):
        trust.require(file, ("os.system",), trust=False)


def test_a_file_beside_it_is_trusted_with_it(file, tmp_path):
    beside = tmp_path / "blocks.py"
    beside.write_bytes(b"1")
    trust.require(file, (), trust=True, beside=(beside,))
    trust.require(file, (), trust=False, beside=(beside,))
    beside.write_bytes(b"2")
    with pytest.raises(TrustError):
        trust.require(file, (), trust=False, beside=(beside,))
    with pytest.raises(TrustError):
        trust.require(file, (), trust=False)


def test_many_names_are_counted_in_the_sentence_and_kept_in_the_error(file):
    names = tuple(f"m.f{number}" for number in range(9))
    with pytest.raises(TrustError, match=r"m\.f5 and 3 more\.") as caught:
        trust.require(file, names, trust=False)
    assert caught.value.runs == names


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"[", b"[1]", b"null", b"[" * 100_000, b'{"x": 1, "y": "z"}']
)
def test_a_corrupt_list_is_an_empty_one_and_is_written_anew(file, settings, content):
    settings.mkdir()
    (settings / "trusted.json").write_bytes(content)
    assert not trust.is_trusted(trust.digest(file))
    trust.remember(file, trust.digest(file))
    assert trust.is_trusted(trust.digest(file))


def test_only_digests_are_taken_from_the_list(file, settings):
    settings.mkdir()
    digest = trust.digest(file)
    (settings / "trusted.json").write_text(json.dumps({digest: 3, digest.upper(): "x"}))
    assert not trust.is_trusted(digest)
    assert not trust.is_trusted(digest.upper())


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs permissions")
def test_a_folder_that_cannot_be_written_to_only_means_asking_again(file, settings):
    settings.mkdir()
    settings.chmod(0o500)
    trust.require(file, ("x",), trust=True)
    settings.chmod(0o700)
    assert not trust.is_trusted(trust.digest(file))


def test_settings_that_are_no_folder_only_mean_asking_again(file, settings):
    settings.write_text("a file")
    trust.require(file, ("x",), trust=True)
    assert not trust.is_trusted(trust.digest(file))
