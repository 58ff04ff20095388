from pathlib import Path

import platformdirs
import pytest

from cnnviz_desktop.engine import caches


@pytest.fixture(autouse=True)
def usual():
    yield
    caches.use_own_folder(None)


def test_what_took_long_is_kept_in_the_users_cache_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv(caches.FOLDER_VARIABLE)
    usual = platformdirs.user_cache_path("cnnviz-desktop", False)

    assert caches.own_folder() == usual
    assert caches.own_folder("gallery") == usual / "gallery"

    caches.use_own_folder(tmp_path)
    assert caches.own_folder("gallery") == tmp_path / "gallery"

    caches.use_own_folder(Path("~/elsewhere"))
    assert caches.own_folder() == Path.home() / "elsewhere"

    caches.use_own_folder(None)
    assert caches.own_folder() == usual


def test_the_environment_wins_over_the_settings(monkeypatch, tmp_path):
    monkeypatch.setenv(caches.FOLDER_VARIABLE, str(tmp_path / "told"))
    caches.use_own_folder(tmp_path / "chosen")

    assert caches.own_folder("gallery") == tmp_path / "told" / "gallery"
