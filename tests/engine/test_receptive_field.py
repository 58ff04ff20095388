"""Fields are exactly where the gradient of one output reaches the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

import pytest
import torch
from networks import LeNet, Plain, Residual
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import Box
from cnnviz_desktop.engine.receptive_field import Field, receptive_fields
from cnnviz_desktop.engine.recording import hooked
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.weights import undrawn
from cnnviz_desktop.errors import Cancelled


def positive(module: nn.Module) -> nn.Module:
    """Let every weight be positive and every norm pass on what it gets: no gradient cancels."""
    module = module.double().eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for child in module.modules():
            for name, item in child.named_parameters(recurse=False):
                item.uniform_(0.5, 1.5)
                if item.ndim > 1:
                    item.div_(item[0].numel())
                elif name == "bias":
                    item.fill_(1.0)
            if isinstance(child, nn.BatchNorm2d):
                child.running_mean.zero_()
                child.running_var.fill_(1.0)
    return module


@pytest.fixture
def means_for_maxima(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pool by means: the gradient of a maximum reaches one place of its window alone."""

    def mean(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, **_rest):
        if dilation in (1, (1, 1), [1, 1]):
            return functional.avg_pool2d(x, kernel_size, stride or None, padding, ceil_mode)
        weight = torch.ones(x.shape[1], 1, kernel_size, kernel_size, dtype=x.dtype)
        stride = stride or kernel_size
        return functional.conv2d(x, weight, None, stride, padding, dilation, x.shape[1])

    monkeypatch.setattr(functional, "max_pool2d", mean)


def seen_by(module: nn.Module, layer: str, height: int, width: int) -> Callable[[int, int], Tensor]:
    """Return what tells where the input matters to the place (row, column) of a layer."""
    image = torch.rand(1, 3, height, width, dtype=torch.float64).requires_grad_()
    kept: list[Tensor] = []
    layers = [module.get_submodule(layer)]
    with hooked(layers, after=lambda _layer, _inputs, output: kept.append(output.clone())):
        module(image)

    def seen(row: int, column: int) -> Tensor:
        score = kept[-1][0, :, row, column].sum()
        (gradient,) = torch.autograd.grad(score, image, retain_graph=True)
        return gradient[0].abs().sum(0) > 0

    return seen


def mask(box: Box, height: int, width: int) -> Tensor:
    made = torch.zeros(height, width, dtype=torch.bool)
    made[box.slices()] = True
    return made


def compare(
    module: nn.Module, layer: str, size: tuple[int, int], places: Iterable[tuple[int, int]] = ()
) -> Field:
    """Check a layer's boxes at some places, or at all, against the gradient."""
    found = receptive_fields(module.float(), torch.zeros(1, 3, *size))[layer]
    assert found is not None
    seen = seen_by(positive(module), layer, *size)
    rows, columns = len(found.places.rows), len(found.places.columns)
    for row, column in places or product(range(rows), range(columns)):
        expected = seen(row % rows, column % columns)
        got = mask(found.box(row % rows, column % columns), *size)
        assert torch.equal(got, expected), (layer, row, column, found.box(row, column))
    return found


class Branches(nn.Module):
    """Inception-like branches of several kernels, and a residual sum with a strided projection."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.one = nn.Conv2d(4, 2, 1)
        self.flat = nn.Conv2d(4, 2, (1, 7), padding=(0, 3))
        self.tall = nn.Conv2d(2, 4, (5, 1), padding=(2, 0))
        self.block = nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=2)
        self.project = nn.Conv2d(6, 6, 1, stride=2)
        self.out = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.stem(x))
        x = torch.cat([self.one(x), self.tall(self.flat(x))], 1)
        y = self.block(x)
        y += self.project(x)
        return self.out(functional.relu_(y))


class UNet(nn.Module):
    """Down, up again by some means, and a skip."""

    def __init__(self, up: nn.Module) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.low = nn.Conv2d(4, 4, 3, padding=1)
        self.up = up
        self.out = nn.Conv2d(8, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return self.out(torch.cat([x, self.up(self.low(self.pool(x)))], 1))


class Channels(nn.Module):
    """ConvNeXt's way: rows and columns first, linear layers over channels, a norm over them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5, stride=2, padding=2)
        self.norm = nn.LayerNorm(4)
        self.fc = nn.Linear(4, 8)
        self.out = nn.Conv2d(8, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).permute(0, 2, 3, 1)
        if x.dtype == torch.float32:  # a norm's gradient would cancel
            x = self.norm(x)
        return self.out(functional.gelu(self.fc(x)).permute(0, 3, 1, 2))


class Shuffled(nn.Module):
    """Channels cut in two, one half convolved, and mixed again; a crop, a flip, a pad."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.side = nn.Conv2d(2, 2, 3, padding=1)
        self.out = nn.Conv2d(4, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.conv(x).chunk(2, dim=1)
        x = torch.stack([one, self.side(other)], dim=2).flatten(1, 2)
        x = functional.pad(x[:, :, 1:-2, ::2].flip(3), (2, 1, 0, 3), "reflect")
        return self.out(functional.pad(x, (1, 1)))


def small(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *layers)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "strides": lambda: small(nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU(True), nn.Conv2d(4, 4, 5, 3)),
    "one-sided": lambda: small(nn.Conv2d(4, 4, (3, 1), (1, 2), (1, 0)), nn.MaxPool2d((1, 3), 1)),
    "groups": lambda: small(nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)),
    "same": lambda: small(nn.Conv2d(4, 4, (3, 5), padding="same"), nn.Conv2d(4, 4, 3)),
    "reflected": lambda: small(nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")),
    "replicated": lambda: small(nn.Conv2d(4, 4, 5, padding=2, padding_mode="replicate")),
    "pools": lambda: small(nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 4, 3), nn.AvgPool2d(2)),
    "ceil": lambda: small(nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(4, 4, 2)),
    "transposed": lambda: small(nn.ConvTranspose2d(4, 4, 3, 2, 1, 1), nn.Conv2d(4, 4, 3)),
    "transposed, in place": lambda: small(nn.ConvTranspose2d(4, 4, 3, 1, 1)),
    "adaptive": lambda: small(nn.AdaptiveAvgPool2d((4, 5)), nn.Conv2d(4, 4, 2)),
    "adaptive, even": lambda: small(nn.AdaptiveAvgPool2d((13, 17)), nn.Conv2d(4, 4, 3)),
    "shuffled pixels": lambda: small(nn.PixelShuffle(2), nn.Conv2d(1, 8, 3), nn.PixelUnshuffle(4)),
    "branches": Branches,
    "nearest": lambda: UNet(nn.UpsamplingNearest2d(size=(13, 17))),
    "bilinear": lambda: UNet(nn.Upsample(size=(13, 17), mode="bilinear")),
    "corners": lambda: UNet(nn.Upsample(size=(13, 17), mode="bilinear", align_corners=True)),
    "channels last": Channels,
    "shuffled": Shuffled,
    "squeezed": lambda: small(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1)),
    "normed in groups": lambda: small(nn.GroupNorm(2, 4)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_place_sees_what_the_gradient_reaches(name, means_for_maxima) -> None:
    module = NETWORKS[name]().eval()
    last = [child for child, _ in module.named_modules()][-1]
    compare(module, last, (13, 17))


def test_dilation_leaves_holes_inside_the_box() -> None:
    module = small(nn.Conv2d(4, 4, 3, dilation=3))
    found = receptive_fields(module, torch.zeros(1, 3, 13, 17))["1"]
    assert found is not None
    seen = seen_by(positive(module), "1", 13, 17)(2, 3)
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    box = Box(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
    assert found.box(2, 3) == box
    assert found.size == (9, 9)


def test_sizes_strides_and_starts_worked_out_by_hand() -> None:
    """Conv 3, pad 1; then 3 by 2, pad 1: 3 + 2 = 5, two apart, from -1 - 1."""
    found = receptive_fields(Plain().eval(), torch.zeros(1, 3, 8, 8))

    def row(name: str) -> tuple[object, ...]:
        field = found[name]
        assert field is not None
        return field.size, field.stride, field.start

    assert row("conv1") == row("relu1") == ((3, 3), (1, 1), (-1, -1))
    assert row("conv2") == row("relu2") == ((5, 5), (2, 2), (-2, -2))
    assert row("pool") == row("fc") == row("") == ((8, 8), None, (0, 0))
    box = found["conv2"].box
    assert (box(0, 3), box(1, 1)) == (Box(0, 4, 3, 8), Box(0, 0, 5, 5))
    assert found["fc"].box(0, 0) == Box(0, 0, 8, 8)


def test_boxes_land_in_the_region_of_the_picture() -> None:
    """8 pixels of input are 16 of the picture, which begin at row 100 and column -4."""
    found = receptive_fields(Plain().eval(), torch.zeros(1, 3, 8, 8))["conv2"]
    assert found is not None
    assert found.box(1, 1, Box(100, -4, 116, 12)) == Box(100, -4, 110, 6)
    # Two thirds of a pixel: whole pixels around.
    assert found.box(0, 3, Box(0, 0, 12, 12)) == Box(0, 6, 5, 12)


def test_the_last_call_of_a_shared_layer_counts() -> None:
    found = receptive_fields(Residual().eval(), torch.zeros(1, 3, 8, 8))
    assert {name: field.size for name, field in found.items() if field and name[:2] != "bn"} == {
        "stem": (3, 3),
        "conv1": (5, 5),
        "relu": (7, 7),
        "conv2": (7, 7),
        "fc": (8, 8),
        "": (8, 8),
    }
    lenet = receptive_fields(LeNet().eval(), torch.zeros(1, 3, 32, 32))
    assert lenet["pool"] is not None
    assert (lenet["pool"].size, lenet["pool"].stride) == ((16, 16), (4, 4))


class Odd(nn.Module):
    def __init__(self, deed: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.deed = deed
        self.after = nn.Identity()
        self.fc = nn.LazyLinear(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.after(self.deed(self.conv(x)))
        return self.fc(x.flatten(1))


@pytest.mark.parametrize(
    "deed",
    [
        lambda x: torch.fft.fft2(x).real,
        lambda x: x.sort(dim=2).values,
        lambda x: x.unfold(2, 2, 2).transpose(2, 4).reshape(1, 4, 6, 6),
        lambda x: x.flatten(2)[:, :, torch.randperm(36)].view(1, 4, 6, 6),
        lambda x: x.reshape(1, 4, 2, 3, 6).transpose(2, 3).reshape(1, 4, 6, 6),
        lambda x: x + x.transpose(2, 3),
    ],
    ids=["frequencies", "sorted", "windows", "scattered", "rearranged", "transposed"],
)
def test_what_is_not_known_is_said_to_be_unknown(deed) -> None:
    module = Odd(deed).eval()
    example = torch.zeros(1, 3, 8, 8)
    with torch.no_grad():
        module(example)
    found = receptive_fields(module, example)
    assert found["conv"] is not None
    assert found["after"] is None and found["fc"] is None


def test_a_part_that_is_written_into_makes_the_whole_unknown() -> None:
    def written(x: Tensor) -> Tensor:
        x[:, :2, 1:] += x[:, 2:, :-1]
        return x

    module = Odd(written).eval()
    with torch.no_grad():
        module(torch.zeros(1, 3, 8, 8))
    assert receptive_fields(module, torch.zeros(1, 3, 8, 8))["after"] is None


def test_tokens_see_their_patch_and_after_attention_everything() -> None:
    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, 4)
            self.norm = nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.maps = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.patches(x).flatten(2).transpose(1, 2))
            x = self.attention(x, x, x, need_weights=False)[0]
            return self.maps(x.transpose(1, 2).reshape(1, 8, 3, 5))

    found = receptive_fields(Tiny().eval(), torch.zeros(1, 3, 12, 20))
    assert found["patches"] and found["patches"].size == (4, 4)
    assert found["norm"] and found["norm"].size == (4, 4)
    assert found["maps"] and (found["maps"].size, found["maps"].stride) == ((12, 20), None)


def test_it_can_be_cancelled_and_leaves_the_network_as_it_was(watch) -> None:
    module = watch(Plain().eval())
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        receptive_fields(module, torch.zeros(1, 3, 8, 8), run)


# ------------------------------------------------------------------------------ known networks


def published(name: str, size: int) -> tuple[nn.Module, dict[str, Field | None]]:
    import torchvision

    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with undrawn():
        module = torchvision.models.get_model(name, weights=None, **options).eval()
    return module, receptive_fields(module, torch.zeros(1, 3, size, size))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("vgg16", {"features.28": (196, 16), "features.30": (212, 32)}),  # conv5_3 and pool5
        ("alexnet", {"features.12": (195, 32)}),  # Araujo et al. 2019
        ("resnet18", {"layer4": (435, 32)}),
        # Stride 2 stands in the 3x3 here (v1.5): 483, as published, is of strides in the 1x1s.
        ("resnet50", {"maxpool": (11, 4), "layer4": (427, 32)}),
        ("mobilenet_v2", {"features": (491, 32)}),
    ],
)
def test_published_networks(name: str, sizes: dict[str, tuple[int, int]]) -> None:
    _module, found = published(name, 224)
    for layer, (size, stride) in sizes.items():
        field = found[layer]
        assert field is not None
        assert (field.size, field.stride) == ((size, size), (stride, stride)), layer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "layers"),
    [
        ("resnet18", 127, ("maxpool", "layer1", "layer2", "layer3", "layer4")),
        ("resnet50", 479, ("layer1", "layer4")),
        ("vgg11_bn", 65, ("features",)),
        ("googlenet", 127, ("inception3b", "inception4a", "inception5b")),
        ("inception_v3", 171, ("Mixed_5b", "Mixed_5d", "Mixed_6a", "Mixed_6c", "Mixed_7c")),
        ("shufflenet_v2_x0_5", 127, ("stage2", "stage3", "conv5")),
        ("densenet121", 95, ("features.denseblock1", "features.transition2")),
    ],
)
def test_published_networks_see_what_the_gradient_reaches(
    name, size, layers, means_for_maxima
) -> None:
    module, _found = published(name, size)
    if hasattr(module, "transform_input"):
        module.transform_input = False
    for layer in layers:
        compare(module, layer, (size, size), [(0, 0), (-1, -1), (2, 3), (1, 0), (-2, 1)])


@pytest.mark.slow
def test_transforms_of_windows_are_unknown_and_inputs_in_them_known() -> None:
    _module, found = published("swin_t", 224)
    assert found["features.0"] is not None
    assert found["features.1"] is None and found["head"] is None
