"""The notebook of the documentation runs from top to bottom."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest


@pytest.fixture
def cells(repository) -> list[dict[str, Any]]:
    text = (repository / "docs" / "walkthrough.ipynb").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["cells"]
    return found


def test_it_runs_and_shows_figures(cells, bundled_weights, sample, monkeypatch, capsys) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]), filename=cell["id"])
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), namespace)
        if last is not None:  # what a notebook shows
            value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), namespace)
            shown.append(type(value).__name__)
    namespace["plt"].close("all")
    printed = capsys.readouterr().out
    assert shown.count("Plate") == 3
    assert "striped star" in printed and "largest difference" in printed
    assert "['cam.npz', 'cam.pdf']" in printed


def test_it_is_stored_without_outputs(cells) -> None:
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 8
    assert not [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]]
