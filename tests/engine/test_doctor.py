"""The doctor names what is broken in a network, and finds nothing in a sound one."""

from __future__ import annotations

import pytest
import torch
from networks import Cifar, Ending, Plain, Residual
from torch import Tensor, nn

from cnnviz_desktop.data import Finding
from cnnviz_desktop.engine.doctor import examine
from cnnviz_desktop.engine.layers import trace
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.preprocessing import Preprocessing

NAMES = ("cat", "dog", "owl")


def opened(
    module: nn.Module,
    labels: tuple[str, ...] = NAMES,
    weights: str | None = "a.pth",
    **more: object,
) -> LoadedModel:
    preprocessing = Preprocessing((8, 8), 8)
    return ready("own", module, labels, preprocessing, torch.device("cpu"), weights, **more)


def only(model: LoadedModel) -> Finding:
    (found,) = model.findings
    return found


def test_a_sound_network_gets_no_word():
    assert opened(Plain()).findings == ()
    assert opened(Residual()).findings == ()


def test_the_bundled_model_is_sound(bundled_weights):
    assert load_model("bundled").findings == ()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_named(value):
    module = Residual()
    with torch.no_grad():
        module.conv1.weight[0, 1, 2, 0] = value
        module.fc.bias[2] = value
        module.bn2.running_mean[1] = value

    found = only(opened(module))

    assert (found.severity, found.title) == ("error", "Weights are not numbers")
    assert found.items == ("conv1.weight", "fc.bias", "bn2.running_mean")
    assert "3 tensors hold NaN or infinity" in found.detail


def test_a_mask_of_infinities_is_no_fault():
    module = Plain()
    module.register_buffer("mask", torch.full((3, 3), -float("inf")))

    assert opened(module).findings == ()


def test_layers_of_zeros_are_named_and_zeroed_scales_are_not():
    module = Residual()
    with torch.no_grad():
        module.conv2.weight.zero_()
        module.bn2.weight.zero_()  # as ResNets begin
        module.fc.bias.zero_()

    found = only(opened(module))

    assert (found.severity, found.title) == ("warning", "Layers of zeros")
    assert found.items == ("conv2",)
    assert only(opened(module, weights="none")).title == "Random weights"


def test_batch_norm_without_statistics_is_told_unless_the_weights_are_random():
    found = only(opened(Cifar(), tuple("abcdefghij")))
    assert (found.severity, found.title) == ("warning", "Batch norm without statistics")
    assert found.items == ("bn1",)

    assert only(opened(Cifar(), tuple("abcdefghij"), "none")).title == "Random weights"

    trained = Cifar()
    trained.bn1.num_batches_tracked += 1
    assert opened(trained, tuple("abcdefghij")).findings == ()
    converted = Cifar()  # from files without the counter
    converted.bn1.running_mean[2] = 0.1
    assert opened(converted, tuple("abcdefghij")).findings == ()


def test_batch_norm_that_keeps_no_statistics_is_told():
    module = Residual()
    module.bn1 = nn.BatchNorm2d(4, track_running_stats=False)

    found = only(opened(module))

    assert (found.severity, found.title) == ("warning", "Batch norm keeps no statistics")
    assert found.items == ("bn1",)


def test_instance_norm_needs_no_statistics():
    module = Residual()
    module.bn1 = nn.InstanceNorm2d(4, affine=True)

    assert opened(module).findings == ()


@pytest.mark.parametrize(
    ("labels", "severity", "shown"),
    [
        (("cat", "dog"), "warning", ("cat", "dog", "class 2")),
        (("cat", "dog", "owl", "elk"), "warning", ("cat", "dog", "owl")),
        ((), "info", ("class 0", "class 1", "class 2")),
    ],
)
def test_labels_are_made_to_fit_and_it_is_said(labels, severity, shown):
    model = opened(Plain(), labels)

    assert only(model).severity == severity
    assert model.labels == shown


class Spare(nn.Module):
    """Has parts that no pass uses, and uses parts without calling them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 3)
        self.aux = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Linear(4, 3))
        self.scale = nn.Parameter(torch.ones(3))
        self.old = nn.Parameter(torch.ones(5))
        self.block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.conv2d(x, self.conv.weight, self.conv.bias, padding=1)
        scores: Tensor = self.fc(self.block[0](x).mean((2, 3))) * self.scale
        assert self.old.device == x.device
        return scores


def test_parts_that_take_no_part_are_named():
    found = only(opened(Spare()))

    assert (found.severity, found.title) == ("info", "Parts that are not used")
    assert set(found.items) == {"old", "aux", "block.1"}
    assert f"{5 + 20 + 15 + 20} parameters" in found.detail


def test_attention_is_used_though_not_called():
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 2, 2)
            self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.layer(self.conv(x).flatten(2).transpose(1, 2)).mean(1))

    assert opened(Attending()).findings == ()


def test_what_is_no_classifier_is_told():
    found = only(opened(nn.Sequential(nn.Conv2d(3, 4, 3))))

    assert (found.severity, found.title) == ("info", "Not a classifier")


def test_errors_come_first_and_what_loading_noticed_is_kept():
    module = Cifar()
    with torch.no_grad():
        module.fc.weight[0, 0] = float("nan")
    loading = (Finding("info", "matched", "All 12."), Finding("error", "missing", "2.", ("a", "b")))

    model = opened(module, ("a",), findings=loading)

    assert [(item.severity, item.title) for item in model.findings] == [
        ("error", "missing"),
        ("error", "Weights are not numbers"),
        ("warning", "Batch norm without statistics"),
        ("warning", "Labels do not fit"),
        ("info", "matched"),
    ]


def test_a_network_made_ready_again_says_nothing_twice():
    first = opened(Ending(nn.Softmax(1)), (), "none")

    again = opened(first.module, (), "none", findings=first.findings)

    assert again.findings == first.findings
    assert len(first.findings) == 3


def test_every_finding_is_a_sentence():
    module = nn.Sequential(
        nn.BatchNorm2d(3, track_running_stats=False), nn.BatchNorm2d(3), Spare(), nn.Softmax(1)
    )
    with torch.no_grad():
        module[2].fc.weight.zero_()
        module[2].aux[0].bias[0] = float("inf")
    model = opened(module, (), "none")

    assert len(model.findings) >= 5
    for item in model.findings:
        assert item.title == item.title.strip() and not item.title.endswith(".")
        assert item.detail.endswith((".", "?")) and "  " not in item.detail


def test_examining_changes_nothing():
    module = Residual().eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    seen = trace(module, torch.zeros(1, 3, 8, 8))

    assert examine(module, seen, NAMES) == ()

    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert all(item.requires_grad for item in module.parameters())


def test_a_softmax_at_the_end_is_passed_on():
    assert only(opened(Ending(nn.Softmax(1)))).title == "Softmax at the end"
