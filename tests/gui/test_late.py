"""A postponed module costs nothing until it is used, and is itself from then on."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from cnnviz_desktop.gui import late

NAME = "a_module_to_postpone"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a module that leaves a file when its code runs."""
    ran = tmp_path / "ran"
    code = f"with open({str(ran)!r}, 'a') as ran:\n    ran.write('once ')\nANSWER = 42\n"
    (tmp_path / f"{NAME}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, NAME, sys)  # remembered, and taken away again at the end
    del sys.modules[NAME]
    importlib.invalidate_caches()
    return ran


def test_importing_a_postponed_module_does_not_run_it(written: Path) -> None:
    late.postpone(NAME)
    module = importlib.import_module(NAME)
    assert not hasattr(module, "__wrapped__")
    assert not written.exists()
    assert module.ANSWER == 42
    assert importlib.import_module(NAME) is module
    assert written.read_text() == "once "


def test_loading_runs_it_once(written: Path) -> None:
    late.postpone(NAME)
    late.load(NAME)
    late.load(NAME)
    late.postpone(NAME)
    assert importlib.import_module(NAME).ANSWER == 42
    assert written.read_text() == "once "


def test_a_module_that_is_missing_is_missed_by_its_import() -> None:
    late.postpone("no_module_of_this_name")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_module_of_this_name")
