"""The notebook face: lazy, complete, and its docstring's lines run."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnviz_desktop

PROMISED = (
    "load_model",
    "load_image",
    "inspect",
    "FeatureMaps",
    "Filters",
    "GradCam",
    "overlay",
    "plate",
)
HEAVY = ("torch", "torchvision", "matplotlib", "PySide6", "numpy", "PIL")


def fresh(repository: Path, code: str) -> str:
    """Run lines in an interpreter of their own and return what they print."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_importing_the_package_imports_nothing_heavy(repository):
    loaded = fresh(
        repository, "import cnnviz_desktop, sys, json; print(json.dumps([*sys.modules]))"
    )

    assert {name.partition(".")[0] for name in json.loads(loaded)} & set(HEAVY) == set()


@pytest.mark.parametrize("name", cnnviz_desktop.__all__)
def test_every_public_name_can_be_the_first_one_used(repository, name):
    printed = fresh(repository, f"from cnnviz_desktop import {name}; print({name}.__name__)")

    assert printed.strip().rpartition(".")[2] == name


def test_the_promised_names_are_public_and_no_other_is_found():
    assert set(PROMISED) <= set(cnnviz_desktop.__all__) <= set(dir(cnnviz_desktop))
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = cnnviz_desktop.no_such_name


def test_values_techniques_and_figures_need_no_torch(repository):
    printed = fresh(
        repository,
        """
        import sys
        from cnnviz_desktop import CnnvizError, FeatureMaps, Filters, GradCam, Run, overlay, plate
        GradCam(target=3), Filters(), FeatureMaps(layer="conv1"), Run()
        print("torch" in sys.modules, "PySide6" in sys.modules)
        """,
    )

    assert printed.split() == ["False", "False"]


def test_the_lines_of_the_docstring_run(bundled_weights, sample, tmp_path, monkeypatch):
    (tmp_path / "striped-star.png").write_bytes(sample.read_bytes())
    monkeypatch.chdir(tmp_path)
    doc = cnnviz_desktop.__doc__ or ""
    lines = [line[4:] for line in doc.splitlines() if line.startswith("    ")]
    assert len(lines) >= 5
    assert lines[-1].startswith("overlay(")
    names: dict[str, Any] = {}

    exec("\n".join([*lines[:-1], f"picture = {lines[-1]}"]), names)

    pixels = names["image"].pixels
    assert (names["picture"].shape, names["picture"].dtype) == (pixels.shape, np.uint8)
    assert names["heatmap"].target_label == "striped star"


def test_the_calls_of_the_issue(tmp_path, sample, monkeypatch):
    """A local file of weights, the model's own parts, and a result's values."""
    import torch

    from cnnviz_desktop import FeatureMaps, GradCam, inspect, load_image, load_model, overlay, plate

    weights = tmp_path / "own.pth"
    torch.save(load_model("bundled", weights="none").module.state_dict(), weights)
    model = load_model("bundled", weights=weights)
    image = load_image(sample)

    tensor, region = model.prepare(image)
    assert (tensor.shape, tensor.dtype) == ((1, 3, 128, 128), torch.float32)
    assert region == image.whole
    with torch.no_grad():
        logits = model.module(tensor)[0].numpy()
    prediction = inspect(model, image)
    np.testing.assert_allclose(prediction.logits, logits, rtol=1e-5, atol=1e-6)

    heatmap = GradCam(layer="blocks.2", target=3)(model, image)
    assert heatmap.values.shape == (16, 16)
    assert heatmap.score == pytest.approx(logits[3], rel=1e-4, abs=1e-6)
    assert overlay(image, heatmap).shape == image.pixels.shape
    for result in (prediction, heatmap, FeatureMaps()(model, image)):
        assert plate(result, image).get_size_inches()[0] > 0


def test_what_notebooks_try_first_ends_in_a_sentence_or_works() -> None:
    import torch

    from cnnviz_desktop import GradCam, InputSpec, inspect, load_model
    from cnnviz_desktop.errors import ModelError, ParameterError

    with pytest.raises(ModelError, match="no network in memory"):
        load_model(torch.nn.Identity())  # type: ignore[arg-type]
    model = load_model("bundled")
    for look in (inspect, GradCam()):
        with pytest.raises(ParameterError, match="load_image"):
            look(model, "a.png")  # type: ignore[operator]
    spec = InputSpec(size=64, mean=0.5, std=0.25, labels="names.txt")  # type: ignore[arg-type]
    assert spec == InputSpec((64, 64), (0.5,), (0.25,), Path("names.txt"))
