"""The summary's numbers, by hand, by torch's own counter, and as published."""

from __future__ import annotations

import pytest
import torch
from networks import LeNet, Plain, Residual
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cnnviz_desktop.data import Table
from cnnviz_desktop.engine.costs import counted
from cnnviz_desktop.engine.loaded_model import ready
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.techniques import Summary
from cnnviz_desktop.engine.weights import undrawn


def test_a_table_worked_out_by_hand(load) -> None:
    found = Summary()(load(Plain()))

    assert found.columns == (
        *("layer", "kind", "output", "parameters", "multiply-adds"),
        *("receptive field", "stride", "memory"),
    )
    kib = 4 / 1e6  # megabytes of a number
    assert found.rows == (
        ("conv1", "Conv2d", "4×8×8", 112, 4 * 64 * 27, "3×3", 1, pytest.approx(256 * kib)),
        ("relu1", "ReLU", "4×8×8", 0, 0, "3×3", 1, pytest.approx(256 * kib)),
        ("conv2", "Conv2d", "6×4×4", 222, 6 * 16 * 36, "5×5", 2, pytest.approx(96 * kib)),
        ("relu2", "ReLU", "6×4×4", 0, 0, "5×5", 2, pytest.approx(96 * kib)),
        ("pool", "AdaptiveAvgPool2d", "6×1×1", 0, 0, "8×8", None, pytest.approx(6 * kib)),
        ("flatten", "Flatten", "6", 0, 0, "8×8", None, pytest.approx(6 * kib)),
        ("fc", "Linear", "3", 21, 18, "8×8", None, pytest.approx(3 * kib)),
    )
    assert found.totals[3:5] == (355, 6912 + 3456 + 18)
    assert found.totals[7] == pytest.approx((2 * 256 + 2 * 96 + 15) * kib)
    assert found.title == "Architecture of tiny"
    assert found.notes == (
        "2 Conv2d, 2 ReLU, 1 AdaptiveAvgPool2d, 1 Flatten, 1 Linear.",
        "355 parameters; 10.4 k multiply-adds for one picture of 8×8.",
    )


def by_name(table: Table) -> dict[object, tuple[object, ...]]:
    return {row[0]: row for row in table.rows}


def test_a_layer_called_twice_is_one_row_with_all_its_costs(load) -> None:
    module = nn.Sequential()
    shared = nn.Conv2d(3, 3, 3, padding=1)
    module.add_module("first", shared)
    module.add_module("again", nn.Sequential(shared, nn.Flatten()))
    rows = by_name(Summary()(load(module)))
    assert [*rows] == ["first", "again.1"]
    assert rows["first"][3:7] == (84, 2 * 3 * 64 * 27, "5×5", 1)
    assert by_name(Summary()(load(Residual())))["relu"][5] == "7×7"


def test_blocks_are_listed_on_demand_with_what_is_inside_them(load) -> None:
    model = load(nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), nn.Flatten()))
    leaves, everything = Summary()(model), Summary(leaves_only=False)(model)
    assert [row[0] for row in leaves.rows] == ["0.0", "0.1", "1"]
    assert [row[0] for row in everything.rows] == ["(the whole network)", "0", "0.0", "0.1", "1"]
    rows = by_name(everything)
    assert rows["0"][3:6] == (16, 4 * 64 * 3, "1×1")
    assert rows["(the whole network)"][3:6] == (16, 4 * 64 * 3, "8×8")
    assert everything.totals == leaves.totals


class Own(nn.Module):
    """A block with a parameter and a product of its own, and a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)
        self.scale = nn.Parameter(torch.ones(2))
        self.unused = nn.Linear(3, 5)
        self.silent = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x) * self.scale[:, None, None]
        x = x.flatten(2)
        return (x @ x.transpose(1, 2)).flatten(1)


def test_rows_add_up_to_the_totals(load) -> None:
    found = Summary()(load(nn.Sequential(Own())))
    rows = by_name(found)
    assert [*rows] == ["0", "0.conv", "0.unused"]
    assert rows["0"][3:5] == (2, 2 * 2 * 64)
    assert rows["0.unused"][2:] == (None, 20, 0, None, None, None)
    for column in (3, 4):
        assert sum(int(row[column] or 0) for row in found.rows) == found.totals[column]


def test_a_grey_network() -> None:
    grey = Preprocessing((8, 8), 8, mean=(0.5,), std=(1.0,))
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    model = ready("grey", module, ("a",), grey, torch.device("cpu"), "none")
    assert Summary()(model).rows[0][2:6] == ("2×6×6", 20, 2 * 36 * 9, "3×3")


def flops(module: nn.Module, *size: int) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 3, *size))
    return int(counter.get_total_flops())


@pytest.mark.parametrize("network", [Plain, LeNet, Residual])
def test_multiply_adds_are_half_of_torchs_operations(load, network) -> None:
    size = (32, 32) if network is LeNet else (8, 8)
    model = load(network(), size=size)
    assert Summary()(model).totals[4] == flops(model.module, *size) // 2


def published(load, name: str):
    import torchvision

    with undrawn():
        module = torchvision.models.get_model(name, weights=None)
    return load(module, size=(224, 224), labels=tuple(map(str, range(1000))), name=name)


def test_resnet18_costs_what_torch_counts(load) -> None:
    model = published(load, "resnet18")
    found = Summary()(model)
    assert found.totals[3:5] == (11_689_512, flops(model.module, 224, 224) // 2)
    assert by_name(found)["layer3.0.conv2"][5:] == (
        "147×147",
        16,
        256 * 14 * 14 * 4 / 1e6,
        "conv4_block1_2_conv",
    )


def test_vgg16_is_as_published(load) -> None:
    found = Summary()(published(load, "vgg16"))
    kinds = [row[1] for row in found.rows]
    assert (kinds.count("Conv2d"), kinds.count("MaxPool2d"), kinds.count("Linear")) == (13, 5, 3)
    assert found.totals[3] == sum(int(row[3] or 0) for row in found.rows) == 138_357_544
    assert found.totals[4] == 15_470_264_320
    last = by_name(found)["features.28"]
    assert (last[5], last[6], last[8]) == ("196×196", 16, "block5_conv3")
    assert "13 Conv2d" in found.notes[0] and "5 MaxPool2d" in found.notes[0]
    assert "138 M parameters; 15.5 G multiply-adds" in found.notes[1]


def test_attention_is_counted_and_torchs_way_of_it_put_back(load) -> None:
    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, 4)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).transpose(1, 2)
            return self.attention(x, x, x, need_weights=False)[0].mean(1)

    before = torch.backends.mha.get_fastpath_enabled()
    rows = by_name(Summary()(load(Tiny())))
    # 4 tokens of 8: three projections in, one out, and two products of tokens with tokens.
    assert rows["attention"][4] == 4 * 4 * 8 * 8 + 2 * 4 * 4 * 8
    assert torch.backends.mha.get_fastpath_enabled() == before


def test_costs_are_of_the_layer_that_is_at_work(watch) -> None:
    module = watch(nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 1)), nn.ReLU()).eval())
    with torch.no_grad(), counted(module) as costs:
        module(torch.zeros(1, 3, 4, 4))
    assert costs.multiply_adds == {"0.0": 3 * 2 * 16}
    assert costs.output_bytes == dict.fromkeys(("0.0", "0", "1", ""), 2 * 16 * 4)
