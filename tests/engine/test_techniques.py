"""What every technique promises, and each one's numbers worked out by hand."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from networks import (
    Containers,
    Failing,
    Functional,
    OneChannel,
    Plain,
    Residual,
    SideBranch,
    Views,
)
from numbered_pictures import numbered_folder
from PIL import Image
from torch import nn

import cnnviz_desktop
from cnnviz_desktop import cli
from cnnviz_desktop.data import Box, ImageInput, Record, Table
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.recipe import as_command, as_python
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    Choices,
    ClassKind,
    Flag,
    FolderKind,
    Integer,
    Kind,
    LayerKind,
    LayersKind,
    ModelsKind,
    Number,
    Parameter,
    Technique,
    record,
    technique_from,
)
from cnnviz_desktop.engine.techniques import (
    TECHNIQUES,
    CompareModels,
    Evaluate,
    EvidenceMatrix,
    FeatureMaps,
    Filters,
    GradCam,
)
from cnnviz_desktop.errors import Cancelled, LayerError, ParameterError, TargetError
from cnnviz_desktop.figures.result_table import result_table

# Techniques that need a layer's maps: not statistics, nor slopes at the network's input.
OF_INPUT = ("saliency", "input-x-gradient", "smooth-grad", "integrated-gradients", "occlusion")
OF_INPUT += ("evaluate",)  # which asks for answers alone
ELSEWHERE = ("Statistics", "Compare")  # tabs
OF_MAPS = [
    kind for kind in TECHNIQUES if kind.tab not in ELSEWHERE and kind.command not in OF_INPUT
]
every_technique = pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.command)


def good_values(item: Parameter) -> list[Any]:
    """Give values other than the default that a parameter takes."""
    match item.kind:
        case Flag():
            return [not item.default]
        case Integer(minimum, maximum):
            return [minimum, maximum]
        case Number(minimum, maximum):
            return [minimum, maximum, (minimum + maximum) / 3]
        case Choice(options):
            return list(options)
        case Choices(options):
            return [(), options[-1:], tuple(reversed(options))]
        case LayersKind():
            return [(), ("conv1",), ("layer 'with' spaces", "conv1")]
        case ModelsKind():
            return [(), ("bundled=none",), ("my 'own' nets/a.pth", "vgg16")]
        case FolderKind():
            return ["pictures", "my 'own' \"pictures\"", "-x", "kéž"]
        case LayerKind():
            return ["conv1", "layer 'with' spaces"]
        case ClassKind():
            return [0, 7, "owl", "Egyptian cat", 'it\'s “quoted” "twice"', "-x", "kéž"]


def bad_values(item: Parameter) -> list[Any]:
    match item.kind:
        case Flag():
            return [1, "yes", None]
        case Integer(minimum, maximum):
            return [minimum - 1, maximum + 1, minimum + 0.5, str(minimum), True, None]
        case Number(minimum, maximum):
            return [minimum - 1, maximum + 1, float("nan"), str(minimum), True, None]
        case Choice():
            return ["no such option", 3, None, []]
        case Choices(options):
            return ["no such option", options[0], ("no such option",), options[:1] * 2, 3, None]
        case LayersKind():
            return ["conv1", (3,), ("conv1", "conv1"), None, True]
        case ModelsKind():
            return ["vgg16", (3,), ("vgg16", "vgg16"), ("",), None, True]
        case FolderKind():
            return [3, "", True]
        case LayerKind():
            return [3, ["conv1"], True]
        case ClassKind():
            return [1.5, True, ["owl"]]


def variants(kind: type[Technique]) -> Iterator[Technique]:
    """Make the technique of the defaults and one for every good value of every parameter."""
    yield kind()
    for item in kind.parameters():
        for value in good_values(item):
            yield kind(**{item.name: value})


# What grows pictures does so in hundreds of steps.
FEW = {"steps": 3, "octaves": 1}
# What is NaN where it is not known.
UNKNOWN = ("threshold", "precision", "recall", "bin_confidences", "bin_accuracies")
# What may be zero all over: one checkpoint moves no weights.
RESTING = ("drift", "moved", "dead")
# What depends on how a network goes about it.
MEASURED = (".memory",)
# What is counted, in whole numbers.
COUNTED = ("truth", "predicted", "places", "classes", "support", "bin_counts")


def quick(kind: type[Technique], **given: Any) -> Technique:
    """Make the technique of the defaults, with fewer steps where they take long."""
    grows = kind.tab in ("Maximise", "Training")
    known = {item.name for item in kind.parameters()} if grows else set()
    few: dict[str, Any] = {name: value for name, value in FEW.items() if name in known}
    if kind is Evaluate:  # every network knows the classes 0 and 1
        few = {"folder": str(numbered_folder())}
    if kind is CompareModels:  # no two passes take the same time
        few = {"passes": 0}
    if kind is EvidenceMatrix:  # each of its cells asks the network dozens of times
        few = {"methods": ("grad-cam", "sobel"), "metrics": ("road", "insertion"), "steps": 4}
    return kind(**few, **given)


def with_layer(kind: type[Technique], layer: str) -> Technique:
    """Make the technique of the defaults at a layer."""
    names = [item.name for item in kind.parameters() if isinstance(item.kind, LayerKind)]
    return quick(kind, **dict.fromkeys(names, layer))


def has_layer(kind: type[Technique]) -> bool:
    return any(isinstance(item.kind, LayerKind) for item in kind.parameters())


def parts(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through a result: every value in it that holds no others, with its path."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name), f"{name}.{field.name}".lstrip("."))
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from parts(item, f"{name}[{place}]")
    else:
        yield name, value


def arrays(result: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {
        name: value
        for name, value in parts(result)
        if isinstance(value, np.ndarray) and name.rpartition(".")[2] not in (*UNKNOWN, *COUNTED)
    }


def assert_same(got: Any, wanted: Any, tolerance: float = 0.0) -> None:
    """Compare two results part by part."""
    assert type(got) is type(wanted)
    for (name, one), (name_, other) in zip(parts(got), parts(wanted), strict=True):
        assert name == name_
        if isinstance(one, np.ndarray):
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=name)
        elif name.endswith(MEASURED):
            assert one > 0 and other > 0, name
        elif isinstance(one, float):
            assert one == pytest.approx(other, rel=1e-5, nan_ok=True), name
        else:
            assert one == other, name


# ------------------------------------------------------------------------------------- contract


def test_there_are_techniques_and_their_names_are_their_own():
    assert {FeatureMaps, Filters, GradCam} <= set(TECHNIQUES)
    for name in ("command", "title"):
        assert len({getattr(kind, name) for kind in TECHNIQUES}) == len(TECHNIQUES)


@every_technique
def test_it_is_a_frozen_value(kind):
    for technique in variants(kind):
        twin = kind(**technique.values())
        assert technique == twin
        assert hash(technique) == hash(twin)
        for item in kind.parameters():
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(technique, item.name, item.default)
    assert len(set(variants(kind))) >= len(kind.parameters()) + 1


@every_technique
def test_it_takes_its_parameters_by_name_only(kind):
    with pytest.raises(TypeError):
        kind("conv1")
    with pytest.raises(TypeError):
        kind(no_such_parameter=1)


@every_technique
def test_it_says_what_it_is(kind):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.command)
    for text in (kind.title, kind.tab, kind.summary):
        assert text and text == text.strip()
    assert kind.__doc__ and not kind.__doc__.startswith(kind.__name__ + "(")  # dataclass's own
    assert kind.summary.endswith(".")
    assert kind.paper == "" or kind.paper.startswith("arXiv:") or "doi" in kind.paper


@every_technique
def test_every_parameter_has_a_kind_a_default_that_fits_and_help(kind):
    assert kind.parameters()
    for item in kind.parameters():
        assert isinstance(item.kind, get_args(Kind))
        assert len(item.help) > 10 and item.help.endswith(".")
        assert item.option.startswith("--")
        item.check(item.default)


@every_technique
def test_bad_values_are_refused_with_a_sentence(kind):
    for item in kind.parameters():
        for value in bad_values(item):
            with pytest.raises(ParameterError, match=rf"{re.escape(item.label)} must be .*not .+"):
                kind(**{item.name: value})


def test_every_kind_of_parameter_refuses_what_does_not_fit():
    named = Choice(("grey", "blur")), Choices(("grey", "blur"))
    layers = LayerKind(), LayersKind()
    for kind in (
        Flag(),
        Integer(1, 9),
        Number(0, 1, 0.1),
        *named,
        *layers,
        ClassKind(),
        FolderKind(),
        ModelsKind(),
    ):
        item = Parameter("some_name", kind, None, "Help.")
        for value in bad_values(item):
            with pytest.raises(ParameterError, match="Some name must be"):
                item.check(value)
        for value in good_values(dataclasses.replace(item, default=True)):
            item.check(value)
    with pytest.raises(ParameterError, match=r"not “gray”\. Did you mean grey\?"):
        Parameter("fill", Choice(("grey", "blur")), "grey", "Help.").check("gray")


@every_technique
@pytest.mark.parametrize("network", [Plain, Functional, Residual, Views])
def test_in_place_layers_change_no_answer(load, noise, kind, network):
    in_place, plain = load(network(inplace=True)), load(network(inplace=False))
    layers = [node.name for node in in_place.layers.walk() if node.name and node.has_maps]

    compared = 0
    if not has_layer(kind):
        layers = layers[:1]  # one is as good as another
    for layer in layers:
        technique = with_layer(kind, layer)
        try:
            wanted = technique(plain, noise())
        except LayerError:  # such as the kernels of a ReLU
            with pytest.raises(LayerError):
                technique(in_place, noise())
            continue
        assert_same(technique(in_place, noise()), wanted)
        compared += 1
    assert compared


@every_technique
@pytest.mark.parametrize("network", [Plain, Residual, OneChannel])
def test_results_are_finite_contiguous_and_single_precision(load, noise, kind, network):
    model = load(network())
    nodes = list(model.layers.walk())
    for node in nodes if has_layer(kind) else nodes[:2]:
        if node.has_maps:
            try:
                result = with_layer(kind, node.name)(model, noise()) if node.name else quick(kind)
            except LayerError:
                continue
            if node.name:
                assert arrays(result) or isinstance(result, Table)
                for name, values in arrays(result).items():
                    assert values.dtype == np.float32, name
                    assert values.flags.c_contiguous, name
                    assert np.isfinite(values).all(), name


@every_technique
def test_it_works_where_a_layer_gives_one_map(load, noise, kind):
    model = load(OneChannel())

    result = with_layer(kind, "conv1")(model, noise())

    assert not has_layer(kind) or result.layer == "conv1"
    assert (result_table(result) is not None) == kind.tabular
    found = {name: values for name, values in arrays(result).items() if name not in RESTING}
    assert all(np.abs(values).max() > 0 for values in found.values())


@every_technique
def test_a_result_shares_no_memory_with_the_network_or_another_result(load, noise, kind):
    model = load(Plain())
    before, first = model.fingerprint, quick(kind)(model, noise())
    kept = {name: values.copy() for name, values in arrays(first).items()}

    for mine in arrays(quick(kind)(model, noise())).values():
        np.add(mine, 1000, out=mine)

    for name, values in arrays(first).items():
        np.testing.assert_array_equal(values, kept[name])
    assert dataclasses.replace(model).fingerprint == before


@every_technique
def test_it_tells_when_it_needs_a_picture(load, kind):
    model = load(Plain())

    if kind.needs_image:
        with pytest.raises(ParameterError, match=re.escape(f"{kind.title} looks at a picture")):
            quick(kind)(model)
    else:
        assert quick(kind)(model)


@pytest.mark.parametrize("kind", [*filter(has_layer, TECHNIQUES)], ids=lambda kind: kind.command)
def test_an_unknown_layer_is_refused(load, noise, kind):
    with pytest.raises(LayerError, match=r"no layer “conv9”\. Did you mean conv"):
        with_layer(kind, "conv9")(load(Plain()), noise())


@pytest.mark.parametrize("kind", OF_MAPS, ids=lambda kind: kind.command)
def test_a_network_without_maps_is_refused(load, noise, kind):
    model = load(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))

    with pytest.raises(LayerError):
        quick(kind)(model, noise())


class StopsAfter(Run):
    """A run that is cancelled at its n-th check."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self.left = checks

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.cancel()
        super().check()


@every_technique
def test_it_can_be_cancelled_at_every_step_and_leaves_no_hook(load, noise, kind):
    model = load(Plain())  # the fixture looks for hooks after the test
    wanted = quick(kind)(model, noise())

    cancelled = 0
    # Every one of the first hundred, then ever farther apart: some look thousands of times.
    for checks in (*range(100), *(round(100 * 1.5**number) for number in range(1, 25))):
        try:
            got = quick(kind)(model, noise(), StopsAfter(checks))
        except Cancelled:
            cancelled += 1
            continue
        assert_same(got, wanted)
        break
    else:
        pytest.fail("never done")
    assert cancelled >= 1
    assert_same(quick(kind)(model, noise()), wanted)


@every_technique
def test_it_leaves_no_hook_when_the_network_fails(load, noise, kind):
    model = load(Failing())
    model.module.fails = True

    with suppress(ArithmeticError):  # which techniques that only read weights do not meet
        with_layer(kind, "conv")(model, noise(), Run())
    model.module.fails = False
    with_layer(kind, "conv")(model, noise(), Run())


@every_technique
def test_a_record_goes_through_json_and_makes_the_technique_again(load, noise, kind):
    model = load(Plain(), labels=("kéž", "it's", "“owl”"))
    image = dataclasses.replace(noise(), path=Path("folder") / "é a.png")

    for technique in (quick(kind), with_layer(kind, "conv1")):
        made = record(technique, model, image)
        text = made.to_json()
        again = Record.from_json(text)
        assert again == made
        assert json.loads(text)["cnnviz_record"] == 1
        assert technique_from(again, TECHNIQUES) == technique.resolved(model)
        assert again.model_fingerprint == model.fingerprint
        assert again.versions["torch"] == torch.__version__
        assert again.versions["cnnviz_desktop"] == cnnviz_desktop.__version__
        looked = kind.needs_image
        assert again.image_fingerprint == (image.fingerprint if looked else "")
        assert again.image == (str(image.path) if looked else "")
        assert_same(technique_from(again, TECHNIQUES)(model, image), technique(model, image))


def test_records_of_other_versions_are_refused_with_a_sentence():
    made = Record("no-such", {}, "tiny", "")
    with pytest.raises(ParameterError, match="“no-such”, which this version does not know"):
        technique_from(made, TECHNIQUES)
    made = Record(GradCam.command, {"layer": "conv1", "sharpness": 3}, "tiny", "")
    with pytest.raises(ParameterError, match="does not know: sharpness"):
        technique_from(made, TECHNIQUES)


@every_technique
def test_its_command_line_makes_an_equal_technique(kind, tmp_path):
    parser = cli.build_parser()
    for technique in variants(kind):
        for image in (tmp_path / "a picture's.png", Path("-dash.png"), Path("plain.png")):
            line = as_command(technique, "bundled", "some file.pth", image, "out file.png")
            options = parser.parse_args(shlex.split(line)[1:])
            assert cli.technique_from(options) == technique
            assert (options.model, options.weights) == ("bundled", "some file.pth")
            assert options.out == Path("out file.png")
            if kind.needs_image:
                assert options.image == image
    assert as_command(kind(), "vgg16").startswith(f"cnnviz {kind.command} vgg16 --out ")


@pytest.fixture(scope="module")
def bundled():
    return load_model("bundled", weights="none")


@pytest.fixture(scope="module")
def picture_file(tmp_path_factory) -> Path:
    from PIL import Image

    path = tmp_path_factory.mktemp("pictures") / "it's é “picture”.png"
    numbers = np.random.default_rng(1)
    Image.fromarray(numbers.integers(0, 256, (140, 150, 3), dtype=np.uint8)).save(path)
    return path


@every_technique
def test_its_python_runs_and_gives_the_same_result(kind, bundled, picture_file):
    image = cnnviz_desktop.load_image(picture_file)
    for technique in dict.fromkeys((quick(kind), with_layer(kind, "blocks.1.conv2"))):
        text = as_python(technique, "bundled", "none", picture_file)
        names: dict[str, Any] = {}
        exec(compile(text, "notebook", "exec"), names)
        assert_same(names["result"], technique(bundled, image))
        assert names["figure"].get_axes() or names["figure"].texts


@every_technique
def test_its_python_says_every_parameter_that_is_not_the_default(kind):
    for technique in variants(kind):
        text = as_python(technique, "vgg16", "", Path("a.png"))
        call = re.search(rf"result = ({kind.__name__}\(.*\))\(model", text)
        assert call, text
        assert eval(call[1], {kind.__name__: kind}) == technique


@every_technique
def test_its_calls_say_how_it_is_fed_and_drawn(kind, picture_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figure = {"width": 3.5, "dark": True, "colour_bar": False, "dpi": 40, "title": "it's “mine”"}
    how = {"fit": "pad", "figure": figure}
    line = as_command(quick(kind), "bundled", "none", picture_file, "a b.png", **how)
    assert cli.main(shlex.split(line)[1:]) == 0
    text = as_python(quick(kind), "bundled", "none", picture_file, "c d.png", **how)
    names: dict[str, Any] = {}
    exec(compile(text, "notebook", "exec"), names)
    assert names["model"].preprocessing.fit == "pad"
    with Image.open("a b.png") as one, Image.open("c d.png") as other:
        assert one.width == 140
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_the_calls_of_a_prediction(bundled, picture_file, tmp_path):
    out = tmp_path / "answer.npz"
    for text in (
        as_python(None, "bundled", "none", picture_file, str(out)),
        as_command(None, "bundled", "none", picture_file, str(out)),
    ):
        if text.startswith("cnnviz"):
            assert cli.main(shlex.split(text)[1:]) == 0
        else:
            exec(compile(text, "notebook", "exec"), {})
        with np.load(out) as data:
            image = cnnviz_desktop.load_image(picture_file)
            logits = cnnviz_desktop.inspect(bundled, image).logits
            np.testing.assert_array_equal(data["logits"], logits)
        out.unlink()


def test_the_calls_say_another_device():
    assert "--device cuda:1" in as_command(GradCam(), "vgg16", device="cuda:1")
    assert "load_model('vgg16', device='cuda:1')" in as_python(GradCam(), "vgg16", device="cuda:1")


@every_technique
def test_its_form_and_reference_need_no_torch(kind, repository):
    code = (
        "import sys\n"
        "from cnnviz_desktop.engine.techniques import TECHNIQUES\n"
        "from cnnviz_desktop import cli\n"
        "for kind in TECHNIQUES:\n    kind(); kind.parameters()\n"
        "cli.build_parser()\n"
        "print(sorted({'torch', 'torchvision', 'matplotlib', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# --------------------------------------------------------------------------------- feature maps


def grey(*rows: tuple[int, ...]) -> ImageInput:
    """Make a grey picture of fifths: 0 to 5 stand for 0.0 to 1.0."""
    values = np.array(rows, np.uint8) * 51
    return ImageInput(np.repeat(values[:, :, None], 3, axis=2))


def test_feature_maps_of_a_kernel_worked_out_by_hand(load):
    conv = nn.Conv2d(3, 2, 3, padding=1)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 1] = torch.tensor([-1.0, 0.0, 1.0])  # right minus left, in red
        conv.weight[1, 2, :, 1] = torch.tensor([1.0, 1.0, 1.0])  # sum of three, in blue
        conv.bias.copy_(torch.tensor([0.0, -1.0]))
    model = load(nn.Sequential(conv, nn.ReLU(inplace=True)), size=(2, 3))

    found = FeatureMaps(layer="0")(model, grey((0, 1, 2), (5, 3, 0)))

    np.testing.assert_allclose(found.values[0], [[0.2, 0.4, -0.2], [0.6, -1.0, -0.6]], atol=1e-6)
    np.testing.assert_allclose(found.values[1], [[0.0, -0.2, -0.6], [0.0, -0.2, -0.6]], atol=1e-6)
    assert (found.layer, found.call, found.region) == ("0", 0, Box(0, 0, 2, 3))


def test_feature_maps_of_a_chosen_call(load, noise):
    model = load(Residual())
    first, second, last = (
        FeatureMaps(layer="relu", call=call)(model, noise()) for call in (0, 1, -1)
    )

    assert (first.call, second.call, last.call) == (0, 1, 1)
    assert_same(last, second)
    assert not np.array_equal(first.values, second.values)
    with pytest.raises(ParameterError, match="relu runs 2 times in a pass"):
        FeatureMaps(layer="relu", call=2)(model, noise())


def test_feature_maps_default_to_the_last_layer_with_maps(load, noise):
    model = load(Plain())

    assert FeatureMaps()(model, noise()).layer == model.default_layer == "relu2"


def test_feature_maps_of_a_vector_are_maps_of_one_pixel(load, noise):
    model = load(Plain())

    found = FeatureMaps(layer="fc")(model, noise())

    assert found.values.shape == (3, 1, 1)
    logits = cnnviz_desktop.inspect(model, noise()).logits
    np.testing.assert_array_equal(found.values[:, 0, 0], logits)


def test_feature_maps_of_tokens_are_refused(load, noise):
    model = load(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(2)))

    with pytest.raises(LayerError, match="1 gives 4×64 numbers, not maps"):
        FeatureMaps(layer="1")(model, noise())


@pytest.mark.parametrize("kind", ["tuple", "dict", "named"])
def test_feature_maps_of_a_layer_that_gives_a_container(load, noise, kind):
    model = load(Containers(kind))

    found = FeatureMaps(layer="giver")(model, noise())

    conv = FeatureMaps(layer="conv")(model, noise())
    np.testing.assert_allclose(found.values, 2 * conv.values)


def test_feature_maps_of_a_layer_that_gives_no_tensor_are_refused(load, noise):
    with pytest.raises(LayerError, match=r"silent .* gives no tensor"):
        FeatureMaps(layer="silent")(load(Containers("tuple")), noise())


# -------------------------------------------------------------------------------------- filters


def test_filters_are_the_weights_themselves(load):
    model = load(Plain())

    first, second = Filters()(model), Filters(layer="conv2")(model)

    assert first.layer == "conv1"
    np.testing.assert_array_equal(first.values, model.module.conv1.weight.numpy())
    np.testing.assert_array_equal(second.values, model.module.conv2.weight.numpy())
    assert (first.values.shape, first.groups) == ((4, 3, 3, 3), 1)


def test_filters_of_a_grouped_convolution_hold_the_inputs_of_their_group(load):
    conv = nn.Conv2d(4, 6, (1, 2), groups=2, bias=False)
    model = load(nn.Sequential(nn.Conv2d(3, 4, 1), conv))

    found = Filters(layer="1")(model)

    assert (found.values.shape, found.groups) == ((6, 2, 1, 2), 2)
    np.testing.assert_array_equal(found.values, conv.weight.detach().numpy())


def test_filters_of_a_transposed_convolution_by_the_output_they_make(load):
    """Its weights lie as (in, out / groups, kh, kw): here 4 inputs and 6 outputs in 2 groups."""
    conv = nn.ConvTranspose2d(4, 6, (1, 2), groups=2, bias=False)
    weight = torch.arange(24.0).reshape(4, 3, 1, 2)
    with torch.no_grad():
        conv.weight.copy_(weight)
    model = load(nn.Sequential(nn.Conv2d(3, 4, 1), conv))

    found = Filters(layer="1")(model)

    assert (found.values.shape, found.groups) == ((6, 2, 1, 2), 2)
    # Output 4 is number 1 of the second group, which is made from inputs 2 and 3.
    np.testing.assert_array_equal(found.values[4], [[[14, 15]], [[20, 21]]])
    np.testing.assert_array_equal(found.values[0], [[[0, 1]], [[6, 7]]])
    # Each input alone, through the layer itself.
    for given in range(4):
        x = torch.zeros(1, 4, 1, 1)
        x[0, given] = 1
        made = conv(x)[0].detach().numpy()
        group = given // 2
        outputs = slice(3 * group, 3 * group + 3)
        np.testing.assert_array_equal(found.values[outputs, given % 2], made[outputs])


def test_filters_of_a_linear_layer_are_pixels(load):
    model = load(Plain())

    found = Filters(layer="fc")(model)

    assert found.values.shape == (3, 6, 1, 1)
    np.testing.assert_array_equal(found.values[:, :, 0, 0], model.module.fc.weight.numpy())


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("1.relu", "1.relu (ReLU) has no kernels to show."),
        ("1.bn1", "1.bn1 (BatchNorm2d) has no kernels to show."),
        ("1", "1 (Residual) has no kernels to show. Choose one inside it: 1.stem."),
    ],
)
def test_layers_without_kernels_are_refused(load, layer, sentence):
    model = load(nn.Sequential(nn.Identity(), Residual()))

    with pytest.raises(LayerError, match=re.escape(sentence)):
        Filters(layer=layer)(model)


# ------------------------------------------------------------------------------------- Grad-CAM


@pytest.fixture
def two_channels(load):
    """Two maps of 2x2, red and green, and one linear layer whose weights are the gradients."""
    conv, linear = nn.Conv2d(3, 2, 1, bias=False), nn.Linear(8, 2)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]).view(2, 3, 1, 1))
        linear.weight.zero_()
        linear.weight[1] = torch.tensor([1.0, 2, 3, -2, -4, 0, 2, -6])
        linear.bias.copy_(torch.tensor([1.0, 0.5]))
    network = nn.Sequential(conv, nn.Flatten(), linear)
    return load(network, size=(2, 2), labels=("nothing", "something"))


@pytest.fixture
def coloured() -> ImageInput:
    red = np.array([[0, 1], [2, 5]]) * 51
    green = np.array([[5, 0], [1, 2]]) * 51
    return ImageInput(np.stack([red, green, red * 0], axis=2).astype(np.uint8))


def test_grad_cam_worked_out_by_hand(two_channels, coloured):
    found = GradCam(layer="0", target="something")(two_channels, coloured)

    # Mean gradients: (1 + 2 + 3 - 2) / 4 = 1 and (-4 + 0 + 2 - 6) / 4 = -2; map = red - 2 green.
    np.testing.assert_allclose(found.values, [[-2.0, 0.2], [0.0, 0.2]], atol=1e-6)
    # 0.5 + (0.4 + 1.2 - 2) + (-4 + 0.4 - 2.4)
    assert found.score == pytest.approx(-5.9, abs=1e-5)
    assert (found.target, found.target_label, found.layer) == (1, "something", "0")
    assert found.region == Box(0, 0, 2, 2)


def test_grad_cam_of_a_class_that_nothing_speaks_for_is_zero(two_channels, coloured):
    found = GradCam(layer="0", target=0)(two_channels, coloured)

    np.testing.assert_array_equal(found.values, np.zeros((2, 2)))
    assert found.score == 1


def test_grad_cam_explains_the_likeliest_class_by_default(two_channels, coloured):
    assert GradCam(layer="0")(two_channels, coloured).target == 0
    bright = ImageInput(np.full((2, 2, 3), (255, 0, 0), np.uint8))
    assert GradCam(layer="0")(two_channels, bright).target == 1  # 0.5 + 1 + 2 + 3 - 2


def test_grad_cam_looks_through_what_a_relu_lets_pass(load):
    """One map [-1, 2] before an in-place ReLU, logit 3 a + 5 b: gradient (0, 5), mean 2.5."""
    conv, linear = nn.Conv2d(3, 1, 1), nn.Linear(2, 1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([3.0, 0, 0]).view(1, 3, 1, 1))
        conv.bias.fill_(-1)
        linear.weight.copy_(torch.tensor([[3.0, 5.0]]))
        linear.bias.zero_()
    network = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), linear)
    model = load(network, size=(1, 2), labels=("only",))

    before = GradCam(layer="0")(model, grey((0, 5)))
    after = GradCam(layer="1")(model, grey((0, 5)))

    np.testing.assert_allclose(before.values, [[-2.5, 5.0]], atol=1e-5)
    np.testing.assert_allclose(after.values, [[0.0, 8.0]], atol=1e-5)  # mean (3 + 5) / 2


def test_grad_cam_of_a_layer_called_twice(load, noise):
    model = load(Residual())

    first, last = (GradCam(layer="relu", call=call)(model, noise()) for call in (0, -1))

    assert not np.allclose(first.values, last.values)
    weights = model.module.fc.weight[last.target] / 64  # after the last ReLU only a mean follows
    maps = FeatureMaps(layer="relu")(model, noise()).values
    wanted = np.tensordot(weights.numpy(), maps, axes=1)
    np.testing.assert_allclose(last.values, wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("technique", "error", "sentence"),
    [
        (GradCam(layer="fc"), LayerError, r"fc \(Linear\) gives no maps.*such as relu2"),
        (GradCam(layer="conv1", target=3), TargetError, "no class 3: it knows 3 classes, 0 to 2"),
        (GradCam(target="catt"), TargetError, "no class “catt”. Did you mean cat?"),
        (GradCam(layer="conv1", call=1), ParameterError, "conv1 runs once in a pass"),
    ],
)
def test_grad_cam_refuses_with_a_sentence(load, noise, technique, error, sentence):
    with pytest.raises(error, match=sentence):
        technique(load(Plain()), noise())


def test_grad_cam_refuses_a_layer_that_the_answer_does_not_pass_through(load, noise):
    with pytest.raises(LayerError, match=r"The score of .* does not depend on side"):
        GradCam(layer="side", target=0)(load(SideBranch()), noise())


def test_a_notebooks_own_gradient_mode_changes_nothing(load, noise):
    model = load(Plain())
    wanted = GradCam(layer="conv1")(model, noise())

    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            assert_same(GradCam(layer="conv1")(model, noise()), wanted)
            assert_same(
                FeatureMaps(layer="conv1")(model, noise()),
                FeatureMaps(layer="conv1")(model, noise(), SILENT),
            )


def test_a_class_index_of_numpy_is_taken_as_a_plain_one():
    technique = GradCam(target=np.int64(3))

    assert technique == GradCam(target=3)
    assert type(technique.target) is int
