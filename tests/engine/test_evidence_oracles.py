"""The metrics equal pytorch-grad-cam's and torch-cam's on real weights, where these are here."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cnnviz_desktop.data import Heatmap
from cnnviz_desktop.engine.confidence import Confidence, at_input, masking
from cnnviz_desktop.engine.images import load_image
from cnnviz_desktop.engine.imputation import impute
from cnnviz_desktop.engine.insertion import perturb
from cnnviz_desktop.engine.randomisation import spearman
from cnnviz_desktop.engine.road import road
from cnnviz_desktop.engine.techniques import GradCam

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning"),  # the oracle's
]


def oracle(name: str) -> Any:
    """Import a library that is only compared with, whatever it warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} is not installed", exc_type=ImportError)


@pytest.fixture(scope="module", params=["dogs.png", "dog_and_cat.png"])
def case(request, squeezenet, real: Path) -> tuple[Heatmap, torch.Tensor, Confidence, float]:
    image = load_image(real / request.param)
    heatmap = GradCam()(squeezenet, image)
    tensor, _region = squeezenet.prepare(image)
    confidence = Confidence(squeezenet, heatmap.target)
    return heatmap, tensor, confidence, float(confidence(tensor)[0])


def test_filling_in_equals_pytorch_grad_cams(case):
    metric = oracle("pytorch_grad_cam.metrics.road")
    heatmap, tensor, _confidence, _whole = case
    relevance = at_input(heatmap.values, tensor)
    for share in (0.1, 0.5, 0.9):
        missing = relevance >= torch.quantile(relevance, 1 - share)
        wanted = metric.NoisyLinearImputer(noise=0)(tensor[0].contiguous(), (~missing).float())
        got = impute(tensor, missing[None], noise=0)[0]
        largest = float(tensor.abs().max())
        torch.testing.assert_close(got, wanted, rtol=0, atol=3e-4 * largest)


def test_road_equals_pytorch_grad_cams(case):
    metric = oracle("pytorch_grad_cam.metrics.road")
    changes = oracle("pytorch_grad_cam.metrics.perturbation_confidence")
    heatmap, tensor, confidence, whole = case
    relevance = at_input(heatmap.values, tensor)
    relevance = (relevance - relevance.min()) / (relevance.max() - relevance.min())
    percentiles = (10, 50, 80)

    found = road(confidence, tensor, relevance, whole, percentiles=percentiles, noise=0)

    def target(output: torch.Tensor) -> torch.Tensor:
        return output.softmax(dim=-1)[heatmap.target]

    imputer = metric.NoisyLinearImputer(noise=0)
    orders = (changes.RemoveMostRelevantFirst, changes.RemoveLeastRelevantFirst)
    for got, order in zip((found.most, found.least), orders, strict=True):
        wanted = []
        for percentile in sorted(percentiles, reverse=True):
            ask = changes.PerturbationConfidenceMetric(order(percentile, imputer))
            args = tensor.contiguous(), relevance.numpy()[None], [target], confidence.model.module
            wanted.append(float(ask(*args, return_diff=False)[0]))
        np.testing.assert_allclose(got[1:], wanted, atol=2e-4)
    assert whole == pytest.approx(found.most[0])


class Given:
    """What torch-cam takes for a method: it gives a map that is already known."""

    def __init__(self, heatmap: Heatmap, model: torch.nn.Module) -> None:
        rectified = np.maximum(heatmap.values, 0)
        self.cam = torch.from_numpy((rectified - rectified.min()) / np.ptp(rectified))[None]
        self.model = model

    def __call__(self, *_args: Any, **_kwargs: Any) -> list[torch.Tensor]:
        return [self.cam]

    def fuse_cams(self, cams: list[torch.Tensor]) -> torch.Tensor:
        return cams[0]

    def _hooks_off(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def softmax(scores: torch.Tensor) -> torch.Tensor:
    return scores.softmax(dim=-1)


def test_average_drop_and_increase_equal_torch_cams(case):
    metrics = oracle("torchcam.metrics")
    heatmap, tensor, confidence, whole = case
    metric = metrics.ClassificationMetric(Given(heatmap, confidence.model.module), softmax)
    metric.update(tensor, heatmap.target)
    wanted = metric.summary()

    found = masking(confidence, tensor, heatmap.values, whole)

    assert found.drop == pytest.approx(wanted["avg_drop"], abs=1e-5)
    assert found.increase == wanted["conf_increase"]


def test_insertion_and_deletion_equal_torch_cams(case):
    metrics = oracle("torchcam.metrics")
    heatmap, tensor, confidence, whole = case
    given = Given(heatmap, confidence.model.module)
    metric = metrics.DeletionInsertionMetric(given, softmax, steps=20, batch_size=8)
    metric.update(tensor, heatmap.target)
    wanted = metric.summary()

    # torch-cam ranks what is left after the ReLU, where many places are equal.
    relevance = at_input(given.cam[0].numpy(), tensor)
    found = perturb(confidence, tensor, relevance, whole, steps=20)

    assert found.insertion == pytest.approx(wanted["insertion_auc"], abs=1e-5)
    assert found.deletion == pytest.approx(wanted["deletion_auc"], abs=1e-5)


def test_rank_correlation_equals_scipys():
    stats = oracle("scipy.stats")
    numbers = np.random.default_rng(0)
    for _ in range(5):
        one, other = numbers.integers(0, 20, (2, 9, 11)).astype(np.float32)
        wanted = stats.spearmanr(one.ravel(), other.ravel()).statistic
        assert spearman(one, other) == pytest.approx(wanted, abs=1e-9)
