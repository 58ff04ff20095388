"""What a person says of a folder's classes holds for that folder and for networks like this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnviz_desktop.engine.class_map import read_class_map
from cnnviz_desktop.engine.remembered_classes import mapped, remember, remembered
from cnnviz_desktop.settings import FOLDER_VARIABLE

FOLDERS = ("cat", "hound", "owl")
LABELS = ("cat", "dog", "owl", "crane", "crane")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_nothing_was_said_so_it_is_guessed():
    assert remembered("folders", "/a", LABELS) is None
    assert mapped("folders", "/a", FOLDERS, LABELS).indices == (0, None, 2)


def test_what_was_said_goes_before_the_guess_for_this_folder_and_these_classes():
    path = remember("folders", "/a", LABELS, {"hound": 1, "owl": None, "cat": 4})
    assert read_class_map(path) == {"hound": 1, "owl": None, "cat": 4}
    found = mapped("folders", "/a", FOLDERS, LABELS)
    assert found.indices == (4, 1, None)
    assert found.how == ("said", "said", "")
    assert mapped("folders", "/b", FOLDERS, LABELS).indices == (0, None, 2)
    assert mapped("list", "/a", FOLDERS, LABELS).indices == (0, None, 2)
    assert mapped("folders", "/a", FOLDERS, LABELS[:3]).indices == (0, None, 2)


def test_the_last_word_counts_and_older_files_stay_as_they_were():
    first = remember("folders", "/a", LABELS, {"hound": 1})
    second = remember("folders", "/a", LABELS, {"hound": 3})
    assert first != second
    assert remembered("folders", "/a", LABELS) == second
    assert json.loads(first.read_text()) == {"hound": 1}
    assert remember("folders", "/a", LABELS, {"hound": 1}) == first  # said again
    assert remembered("folders", "/a", LABELS) == first
    remember("folders", "/a", LABELS, {})
    assert mapped("folders", "/a", FOLDERS, LABELS).indices == (0, None, 2)


def test_a_damaged_file_or_a_folder_that_is_gone_says_nothing():
    path = remember("folders", "/a", LABELS, {"hound": 1, "no longer there": 2})
    assert mapped("folders", "/a", FOLDERS, LABELS).indices == (0, 1, 2)
    path.write_text("{", encoding="ascii")
    assert mapped("folders", "/a", FOLDERS, LABELS).indices == (0, None, 2)
