"""An evaluation's numbers are scikit-learn's on the same outputs, and those worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import Plain
from PIL import Image
from torch import Tensor, nn

from cnnviz_desktop.data import Evaluation, Evaluations, Table
from cnnviz_desktop.engine.datasets import Dataset, open_dataset
from cnnviz_desktop.engine.evaluation import BATCH, calibration, evaluate, per_class
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.errors import Cancelled, ParameterError
from cnnviz_desktop.figures.evaluation_table import class_table, confusions, picture_table

CLASSES = ("cat", "dog", "owl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of noise, as many of each class as its name has place: 11, 10 and 10."""
    root = tmp_path / "pictures"
    for number in range(31):
        path = root / CLASSES[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = np.random.default_rng(number)
        values = numbers.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(values).save(path)
    return root


class Scattered(Plain):
    """Give six scores that differ from picture to picture."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)
        with torch.no_grad():
            self.fc.weight.mul_(60)

    def forward(self, x: Tensor) -> Tensor:
        found = super().forward(x)
        return 3 * (found - self.centre) if hasattr(self, "centre") else found


def scattered(load, folder: Path) -> LoadedModel:
    labels = ("ant", "cat", "bee", "dog", "owl", "elk")
    module = Scattered()
    model = load(module, labels=labels)
    dataset = open_dataset(folder)
    logits = [inspect(model, dataset.read(item.key)).logits for item in dataset.items]
    module.centre = torch.tensor(np.mean(logits, axis=0))
    return model


def outputs(model: LoadedModel, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (N, K) and classes (N) of all pictures, one by one."""
    shares = [inspect(model, dataset.read(item.key)).probabilities for item in dataset.items]
    truth = [model.labels.index(dataset.classes[item.label]) for item in dataset.items]
    found = np.array(shares, np.float64)
    return found / found.sum(axis=1, keepdims=True), np.array(truth)


def test_the_numbers_are_scikit_learns(load, folder):
    metrics = pytest.importorskip("sklearn.metrics")
    model, dataset = scattered(load, folder), open_dataset(folder)
    shares, truth = outputs(model, dataset)
    predicted, targets = shares.argmax(axis=1), np.eye(6)[truth]
    assert len(set(predicted)) > 3  # else the test says little

    found = evaluate([model], dataset).models[0]

    classes = np.arange(6)
    assert found.loss == pytest.approx(metrics.log_loss(truth, shares, labels=classes), rel=1e-5)
    flat = targets.ravel(), shares.ravel()
    assert found.mse == pytest.approx(metrics.mean_squared_error(*flat), rel=1e-5)
    assert found.r2 == pytest.approx(metrics.r2_score(*flat), rel=1e-4)
    assert found.top1 == pytest.approx(metrics.accuracy_score(truth, predicted))
    top5 = metrics.top_k_accuracy_score(truth, shares, k=5, labels=classes)
    assert found.top5 == pytest.approx(top5)
    occurring = sorted({*truth.tolist(), *predicted.tolist()})
    assert found.classes.tolist() == occurring
    precision, recall, _score, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=occurring, zero_division=np.nan
    )
    np.testing.assert_allclose(found.precision, precision, rtol=1e-6)
    np.testing.assert_allclose(found.recall, recall, rtol=1e-6)
    np.testing.assert_array_equal(found.support, support)
    wanted = metrics.confusion_matrix(truth, predicted, labels=occurring)
    np.testing.assert_array_equal(found.confusion(), wanted)


def test_calibration_is_scikit_learns(load, folder):
    pytest.importorskip("sklearn")
    from sklearn.calibration import calibration_curve

    model, dataset = scattered(load, folder), open_dataset(folder)
    found = evaluate([model], dataset).models[0]
    right = found.truth == found.predicted

    wanted = calibration_curve(right, found.confidences, n_bins=15)

    some = found.bin_counts > 0
    np.testing.assert_allclose(found.bin_accuracies[some], wanted[0], rtol=1e-5)
    np.testing.assert_allclose(found.bin_confidences[some], wanted[1], rtol=1e-5)
    off = np.abs(wanted[0] - wanted[1])
    assert found.ece == pytest.approx(float(off @ found.bin_counts[some]) / 31, rel=1e-4)


class Red(nn.Module):
    """Two scores: how red the picture is, and 0."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.pool, self.scale = nn.AdaptiveAvgPool2d(1), scale

    def forward(self, x: Tensor) -> Tensor:
        red = self.pool(x)[:, 0].flatten(1)
        return torch.cat([self.scale * (red - 0.5), torch.zeros_like(red)], 1)


def colours(root: Path, **pictures: list[int]) -> Path:
    for name, reds in pictures.items():
        for number, red in enumerate(reds):
            path = root / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4), (red, 0, 0)).save(path)
    return root


def test_numbers_worked_out_by_hand(load, tmp_path):
    """The score of “red” is 20 (r - 0.5), r = 0, 0.6 or 1: probability 0.0000454, 0.881, 0.9999546.

    Red pictures 1 and 0.6 are right; of the others 0 is right and 0.6 wrong.
    """
    model = load(Red(20.0), size=(4, 4), labels=("red", "other"))
    root = colours(tmp_path / "colours", red=[255, 153], other=[0, 153])

    found = evaluate([model], open_dataset(root)).models[0]

    sure, middle = 1 / (1 + np.exp(-10)), 1 / (1 + np.exp(-2))
    losses = [-np.log(sure), -np.log(1 - middle), -np.log(sure), -np.log(middle)]
    np.testing.assert_allclose(found.losses, losses, rtol=1e-3)  # other: 0, 1; red: 0, 1
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-4)
    squares = 2 * (2 * (1 - sure) ** 2 + middle**2 + (1 - middle) ** 2)
    assert found.mse == pytest.approx(squares / 8, rel=1e-5)
    # Four pictures and two classes: the targets' squares about their mean 0.5 add up to 8 / 4.
    assert found.r2 == pytest.approx(1 - squares / 2, rel=1e-5)
    assert (found.top1, found.top5) == (0.75, 1.0)
    assert found.places.tolist() == [0, 1, 0, 0]
    assert found.confusion().tolist() == [[2, 0], [1, 1]]
    assert found.precision.tolist() == pytest.approx([2 / 3, 1])
    assert found.recall.tolist() == pytest.approx([1, 0.5])
    # Bin 14 of 15 holds 0.881 twice, half right; bin 15 the sure ones, both right.
    assert found.bin_counts.tolist() == [0] * 13 + [2, 2]
    assert found.bin_accuracies[13:].tolist() == [0.5, 1.0]
    assert found.ece == pytest.approx(0.5 * (middle - 0.5) + 0.5 * (1 - sure), rel=1e-4)
    assert confusions(found, 5) == [(1, 0, 1)]
    assert found.taken_for(1, 0).tolist() == [1]


def test_bins_hold_their_upper_end():
    counts, sure, right = calibration(
        np.array([0.2, 0.21, 1.0, 0.0]), np.array([1, 0, 1, 0]) > 0, 5
    )

    assert counts.tolist() == [2, 1, 0, 0, 1]
    np.testing.assert_allclose(sure, [0.1, 0.21, np.nan, np.nan, 1.0])
    np.testing.assert_allclose(right, [0.5, 0, np.nan, np.nan, 1.0])


def test_classes_without_pictures_or_answers_have_no_share():
    classes, precision, recall, support = per_class(np.array([4, 4]), np.array([4, 9]))

    assert (classes.tolist(), support.tolist()) == ([4, 9], [2, 0])
    np.testing.assert_allclose(precision, [1, 0])
    np.testing.assert_allclose(recall, [0.5, np.nan])


def test_scores_of_any_size_give_sound_numbers(load, tmp_path):
    model = load(Red(1e30), size=(4, 4), labels=("red", "other"))
    root = colours(tmp_path / "colours", red=[255], other=[255])

    found = evaluate([model], open_dataset(root)).models[0]

    assert found.losses[1] == 0 and found.losses[0] > 1e29
    assert found.mse == pytest.approx(0.5)
    nothing = load(Red(float("nan")), size=(4, 4), labels=("red", "other"))
    answer = evaluate([nothing], open_dataset(root))
    assert np.isfinite(answer.models[0].loss)
    assert "gave no sound numbers for 2 pictures" in answer.notes[-1]


# ------------------------------------------------------------------------------------------ several


def test_several_networks_answer_on_the_same_pictures(load, tmp_path):
    root = colours(tmp_path / "c", red=[255, 153], other=[0], third=[9])
    two = load(Red(20.0), size=(4, 4), labels=("red", "other"))
    turned = load(nn.Sequential(Red(-20.0)), size=(4, 4), labels=("other", "red"), name="turned")

    found = evaluate([two, turned], open_dataset(root))

    names = ["tiny (random weights)", "turned (random weights)"]
    assert [item.model for item in found.models] == names
    assert len(found.files) == 3
    assert found.models[0].top1 == 1
    assert found.models[0].truth.tolist() == [1, 0, 0]
    assert found.models[1].truth.tolist() == [0, 1, 1]
    # −20 (r − 0.5) is above zero where there is no red: its first class, which is “other”.
    assert found.models[1].top1 == 1
    assert found.notes == ("Of no class that all networks know, and left out: third.",)
    names = [item.model for item in evaluate([two, two], open_dataset(root)).models]
    assert len(set(names)) == 2


def test_batches_change_no_number(load, folder):
    model, dataset = scattered(load, folder), open_dataset(folder)
    together = evaluate([model], dataset).models[0]
    shares, truth = outputs(model, dataset)

    assert BATCH > 1 and len(dataset) % BATCH
    np.testing.assert_allclose(together.confidences, shares.max(axis=1), rtol=1e-4)
    np.testing.assert_array_equal(together.truth, truth)


def test_pictures_that_would_change_each_other_are_shown_one_by_one(load, folder):
    unsteady = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    model, dataset = load(unsteady, labels=CLASSES), open_dataset(folder)
    shares, _truth = outputs(model, dataset)

    found = evaluate([model], dataset).models[0]

    np.testing.assert_allclose(found.confidences, shares.max(axis=1), rtol=1e-4)


def test_a_person_says_which_folder_is_which_class(load, tmp_path):
    root = colours(tmp_path / "c", rouge=[255], blank=[0])
    model = load(Red(20.0), size=(4, 4), labels=("red", "other"))

    with pytest.raises(ParameterError, match=r"knows none of the classes blank, rouge.*--classes"):
        evaluate([model], open_dataset(root))
    found = evaluate([model], open_dataset(root), said={"rouge": "red", "blank": 1})

    assert found.models[0].top1 == 1


def test_pictures_without_classes_cannot_be_measured_by(load, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "1.png")
    with pytest.raises(ParameterError, match="have no classes: put them into a folder"):
        evaluate([load(Red(), size=(4, 4), labels=("a", "b"))], open_dataset(tmp_path))


def test_broken_files_are_named_and_skipped(load, tmp_path):
    root = colours(tmp_path / "c", red=[255, 255], other=[0])
    (root / "red" / "0.png").write_bytes(b"\x89PNG")
    model = load(Red(20.0), size=(4, 4), labels=("red", "other"))

    found = evaluate([model], open_dataset(root))

    assert [Path(file).name for file in found.files] == ["0.png", "1.png"]
    assert "1 file could not be read and was skipped: red/0.png." in found.notes
    for path in root.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(ParameterError, match="No picture of c could be read"):
        evaluate([model], open_dataset(root))


def test_it_can_be_cancelled_and_finished_early(load, folder):
    model, dataset = scattered(load, folder), open_dataset(folder)
    seen: list[Progress] = []

    def look(progress: Progress) -> None:
        seen.append(progress)
        if progress.done >= 8:
            run.cancel()

    run = Run(on_progress=look)
    with pytest.raises(Cancelled):
        evaluate([model], dataset, run)
    assert (seen[0].total, seen[-1].done) == (31, 8)

    early = Run(on_progress=lambda progress: early.finish() if progress.done >= 8 else None)
    assert len(evaluate([model], dataset, early).files) == 8


def test_the_tables_hold_every_class_and_picture(load, tmp_path):
    root = colours(tmp_path / "c", red=[255, 153], other=[0, 153])
    model = load(Red(20.0), size=(4, 4), labels=("red", "other"))
    found = evaluate([model], open_dataset(root))

    classes, pictures = class_table(found), picture_table(found)

    name = "tiny (random weights)"
    assert [row[:4] for row in classes.rows] == [(name, 0, "red", 2), (name, 1, "other", 2)]
    assert isinstance(pictures, Table)
    wrong = [row for row in pictures.rows if row[2] != row[3]]
    assert len(wrong) == 1
    assert wrong[0][2:4] == ("other", "red") and wrong[0][5] == 2
    assert json.dumps([row[4] for row in pictures.rows])
    shown = replace(found, show="confusion")
    assert isinstance(shown, Evaluations) and isinstance(shown.models[0], Evaluation)
