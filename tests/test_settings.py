"""Settings come back, say only what differs, and survive whatever the file holds."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.settings import (
    _CHECKS,
    MOST_RECENT,
    Settings,
    load_settings,
    save_settings,
    settings_path,
    with_recent,
)

CHANGED = Settings(
    theme="dark",
    overlay_map="cividis",
    interface_scale=1.25,
    threads=3,
    reduced_motion=True,
    recent_sessions=("/a/b.cnnviz", "/ä/\udcff.cnnviz"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_settings_come_back(path: Path) -> None:
    save_settings(CHANGED, path)
    assert load_settings(path) == (CHANGED, "")


def test_no_file_means_the_defaults(path: Path) -> None:
    assert load_settings(path) == (Settings(), "")


def test_only_what_differs_is_kept(path: Path) -> None:
    save_settings(Settings(), path)
    assert json.loads(path.read_text()) == {}
    save_settings(replace(Settings(), theme="light"), path)
    assert json.loads(path.read_text()) == {"theme": "light"}


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "portable"))
    assert settings_path() == tmp_path / "portable" / "settings.json"
    save_settings(CHANGED)
    assert load_settings() == (CHANGED, "")
    monkeypatch.delenv("CNNVIZ_CONFIG_DIR")
    assert settings_path().parts[-2:] == ("cnnviz-desktop", "settings.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        b"\xff\xfe\xff",
        "[" * 100_000,
        '{"threads": NaN}',
        '{"interface_scale": 1e999}',
        '{"threads": ' + "9" * 5000 + "}",
        " " * 2_000_000,
    ],
)
def test_a_broken_file_is_set_aside(path: Path, text: str | bytes) -> None:
    settings, sentence = load_settings(written(path, text))
    assert settings == Settings()
    aside = path.with_name("settings.broken.json")
    assert "damaged" in sentence and str(aside) in sentence
    assert aside.exists() and not path.exists()
    assert load_settings(path) == (Settings(), "")


def test_what_is_not_known_is_kept(path: Path) -> None:
    written(path, '{"theme": "dark", "from_the_future": {"a": [1]}, "unknown": 3}')
    settings, sentence = load_settings(path)
    assert (settings.theme, sentence) == ("dark", "")
    save_settings(replace(settings, theme="system"), path)
    assert json.loads(path.read_text()) == {"from_the_future": {"a": [1]}, "unknown": 3}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "pink"),
        ("theme", ["dark"]),
        ("sequential_map", None),
        ("interface_scale", "2"),
        ("interface_scale", True),
        ("interface_scale", 900),
        ("memory_budget", -1),
        ("memory_budget", 100.5),
        ("threads", True),
        ("threads", 10**9),
        ("reduced_motion", 1),
        ("recent_models", "vgg16"),
        ("recent_models", ["vgg16", 5]),
    ],
)
def test_a_wrong_value_falls_back_with_a_sentence(path: Path, name: str, value: Any) -> None:
    written(path, json.dumps({name: value, "device": "cuda:1"}))
    settings, sentence = load_settings(path)
    assert settings == Settings(device="cuda:1")
    assert sentence == (
        f"Settings had no usable value for {name.replace('_', ' ')}: the default is used."
    )


def test_several_wrong_values_are_named_in_one_sentence(path: Path) -> None:
    written(path, '{"threads": "x", "theme": 1, "device": 2}')
    assert "for device, theme and threads:" in load_settings(path)[1]


def test_every_setting_is_checked_and_its_default_passes() -> None:
    names = {item.name for item in fields(Settings)} - {"unknown"}
    assert names == _CHECKS.keys()
    assert all(_CHECKS[name](getattr(Settings(), name)) for name in names)


def test_the_last_used_comes_first_once_and_few_are_kept(path: Path) -> None:
    settings = Settings()
    for number in range(MOST_RECENT + 5):
        settings = with_recent(settings, "images", f"{number}.png")
    settings = with_recent(settings, "images", "10.png")
    assert settings.recent_images[:2] == ("10.png", f"{MOST_RECENT + 4}.png")
    assert len(settings.recent_images) == len(set(settings.recent_images)) == MOST_RECENT
    assert settings.recent_models == ()
    written(path, json.dumps({"recent_models": ["a"] * 99}))
    assert len(load_settings(path)[0].recent_models) == MOST_RECENT


def test_a_failed_write_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(CHANGED, path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left on device"):
        save_settings(Settings(), path)
    assert load_settings(path) == (CHANGED, "")
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_in_the_place_of_the_file_ends_in_a_sentence(path: Path) -> None:
    path.mkdir(parents=True)
    settings, sentence = load_settings(path)
    assert settings == Settings()
    assert "cannot be read" in sentence
    with pytest.raises(ExportError):
        save_settings(CHANGED, path)


@given(
    st.dictionaries(
        st.sampled_from([*_CHECKS, "unknown", "x"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False)
            | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
            max_leaves=4,
        ),
        max_size=6,
    )
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_whatever_the_file_holds_the_settings_can_be_kept(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    path = written(tmp_path_factory.mktemp("a") / "settings.json", json.dumps(values))
    settings, _ = load_settings(path)
    save_settings(settings, path)
    assert load_settings(path) == (settings, "")
