"""Recording is right under the traps: in-place and reused layers, views, containers, cancelling."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from networks import (
    Containers,
    Counted,
    Counter,
    Failing,
    Functional,
    Plain,
    Residual,
    Views,
)
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.engine.recording import (
    first_broken,
    first_tensor,
    forward_from,
    forward_through,
    hooked,
    interruptible,
    record,
    with_first_tensor,
)
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import Cancelled


@pytest.fixture
def picture() -> Tensor:
    return torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def ready(watch):
    def make(module: nn.Module) -> nn.Module:
        return watch(module.eval().requires_grad_(False))

    return make


TRAPS = [
    (Plain, {"conv1": 1, "relu1": 1, "conv2": 1, "relu2": 1, "pool": 1}),
    (Functional, {"conv1": 1, "conv2": 1, "fc": 1}),
    (Residual, {"stem": 1, "conv1": 1, "bn1": 1, "relu": 2, "conv2": 1, "bn2": 1}),
    (Views, {"conv": 1, "identity": 1, "dropout": 1, "relu": 1, "after": 1}),
]


@pytest.mark.parametrize(("network", "calls"), TRAPS)
def test_in_place_layers_do_not_change_what_is_recorded(ready, picture, network, calls):
    in_place = record(ready(network(inplace=True)), picture, calls)
    out_of_place = record(ready(network(inplace=False)), picture, calls)

    for name, count in calls.items():
        assert len(in_place[name]) == len(out_of_place[name]) == count
        for got, wanted in zip(in_place[name], out_of_place[name], strict=True):
            torch.testing.assert_close(got, wanted, rtol=0, atol=0)


@pytest.mark.parametrize(("network", "calls"), TRAPS)
def test_each_layer_alone_gives_what_all_together_give(ready, picture, network, calls):
    module = ready(network(inplace=True))
    together = record(module, picture, calls)

    for name, count in calls.items():
        alone = record(module, picture, {name: count})[name]
        for got, wanted in zip(alone, together[name], strict=True):
            torch.testing.assert_close(got, wanted, rtol=0, atol=0)


def test_values_before_the_relu_are_negative_somewhere_and_after_it_nowhere(ready, picture):
    kept = record(ready(Plain()), picture, {"conv1": 1, "relu1": 1})

    assert kept["conv1"][0].min() < 0
    torch.testing.assert_close(kept["conv1"][0].clamp(min=0), kept["relu1"][0])


def test_residual_sums_do_not_reach_the_normalisation_they_are_added_to(ready, picture):
    module = ready(Residual())

    kept = record(module, picture, {"stem": 1, "conv2": 1, "bn2": 1, "relu": 2})

    torch.testing.assert_close(kept["bn2"][0], module.bn2(kept["conv2"][0]))
    torch.testing.assert_close(kept["relu"][1], (kept["bn2"][0] + kept["stem"][0]).relu())


def test_every_call_of_a_reused_layer_is_kept_in_order(ready, picture):
    module = ready(Residual())

    kept = record(module, picture, {"bn1": 1, "relu": 2})

    torch.testing.assert_close(kept["relu"][0], kept["bn1"][0].relu())
    assert not torch.equal(kept["relu"][0], kept["relu"][1])


def test_views_share_nothing_with_what_the_network_writes_into(ready, picture):
    kept = record(ready(Views()), picture, {"conv": 1, "identity": 1, "dropout": 1, "relu": 1})

    assert kept["conv"][0].min() < 0
    for name in ("identity", "dropout"):
        torch.testing.assert_close(kept[name][0], kept["conv"][0], rtol=0, atol=0)
    assert kept["relu"][0].min() == 0


@pytest.mark.parametrize("kind", ["tuple", "list", "dict", "named"])
def test_the_first_tensor_of_a_container_is_recorded(ready, picture, kind):
    module = ready(Containers(kind))

    kept = record(module, picture, {"conv": 1, "giver": 1})

    torch.testing.assert_close(kept["giver"][0], kept["conv"][0] * 2)


def test_a_layer_that_gives_no_tensor_leaves_no_output_and_stops_nothing(ready, picture):
    kept = record(ready(Containers("tuple")), picture, {"silent": 1, "fc": 1})

    assert kept["silent"] == []
    assert kept["fc"][0].shape == (1, 3)


def test_the_pass_stops_at_the_deepest_layer(ready, picture):
    module = ready(Counted())

    record(module, picture, {"conv1": 1})
    assert (module.before.count, module.after.count) == (0, 0)
    record(module, picture, {"conv2": 1, "conv1": 1})
    assert (module.before.count, module.after.count) == (1, 0)
    record(module, picture, {"fc": 1})
    assert (module.before.count, module.after.count) == (2, 1)


def test_recording_one_conv_before_an_in_place_relu_costs_one_pass(ready, picture):
    module = ready(nn.Sequential(Counter(), Plain(), nn.Identity()))

    record(module, picture, {"1.conv1": 1, "1.conv2": 1})

    assert module[0].count == 1


def test_nothing_recorded_holds_a_graph(ready, picture):
    module = Plain().eval()  # parameters not frozen, as in a notebook

    with torch.enable_grad():
        kept = record(module, picture, {"conv1": 1})["conv1"][0]

    assert not kept.requires_grad
    assert kept.grad_fn is None


@pytest.mark.parametrize("context", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_callers_gradient_mode_changes_nothing(ready, picture, context):
    module = ready(Functional())
    wanted = record(module, picture, {"conv1": 1})["conv1"][0]
    leaf, output = forward_from(module, picture, "conv1", 0)
    (gradient,) = torch.autograd.grad(output[0, 1], leaf)

    with context():
        own = picture.clone()
        got = record(module, own, {"conv1": 1})["conv1"][0]
        leaf, output = forward_from(module, own, "conv1", 0)
        with torch.inference_mode(False), torch.enable_grad():
            (again,) = torch.autograd.grad(output[0, 1], leaf)

    torch.testing.assert_close(got, wanted, rtol=0, atol=0)
    torch.testing.assert_close(again, gradient, rtol=0, atol=0)


# ---------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize(
    ("network", "layer", "call"),
    [
        (Plain, "conv1", 0),
        (Plain, "conv2", 0),
        (Plain, "relu1", 0),
        (Functional, "conv1", 0),
        (Residual, "bn2", 0),
        (Residual, "relu", 0),
        (Residual, "relu", 1),
        (Residual, "stem", 0),
        (Views, "conv", 0),
        (Views, "identity", 0),
        (Views, "dropout", 0),
    ],
)
def test_gradients_do_not_depend_on_in_place_layers(ready, picture, network, layer, call):
    found = []
    for inplace in (True, False):
        leaf, output = forward_from(ready(network(inplace=inplace)), picture, layer, call)
        (gradient,) = torch.autograd.grad(output[0, 2], leaf)
        assert gradient.abs().max() > 0
        found.append((leaf.detach(), output.detach(), gradient))

    for got, wanted in zip(*found, strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=0)


def test_gradients_equal_autograd_on_a_net_written_out(ready, picture):
    module = ready(Plain())
    maps = functional.conv2d(picture, module.conv1.weight, module.conv1.bias, padding=1)
    maps.requires_grad_()
    hidden = module.conv2(functional.relu(maps))
    output = module.fc(functional.relu(hidden).mean((2, 3)))
    (wanted,) = torch.autograd.grad(output[0, 1], maps)

    leaf, got = forward_from(module, picture, "conv1", 0)
    (gradient,) = torch.autograd.grad(got[0, 1], leaf)

    torch.testing.assert_close(leaf, maps)
    torch.testing.assert_close(got, output)
    torch.testing.assert_close(gradient, wanted)


def test_the_chosen_call_alone_is_the_leaf(ready, picture):
    module = ready(Residual())
    kept = record(module, picture, {"relu": 2})["relu"]

    for call in (0, 1):
        leaf, _ = forward_from(module, picture, "relu", call)
        torch.testing.assert_close(leaf.detach(), kept[call], rtol=0, atol=0)


def test_backward_stops_at_the_layer(ready, picture):
    module = ready(Counted())

    leaf, output = forward_from(module, picture, "conv2", 0)

    assert leaf.is_leaf and leaf.requires_grad
    seen: set[Any] = set()
    waiting = [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [following for following, _ in node.next_functions]
    assert not any("Convolution" in node.name() for node in seen)
    assert any("Clone" in node.name() for node in seen)


def test_a_leaf_keeps_its_values_when_its_input_is_written_into(ready, picture):
    class Rewrites(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.identity = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            x = x * 2
            seen = self.identity(x)
            x += 100
            return seen.sum((2, 3))

    leaf, _ = forward_from(ready(Rewrites()), picture, "identity", 0)

    torch.testing.assert_close(leaf.detach(), picture * 2)


@pytest.mark.parametrize("kind", ["tuple", "list", "dict", "named"])
def test_a_layer_that_gives_a_container_can_be_the_leaf(ready, picture, kind):
    module = ready(Containers(kind))

    leaf, output = forward_from(module, picture, "giver", 0)
    (gradient,) = torch.autograd.grad(output["logits"][0, 0], leaf)

    wanted = module.fc.weight[0].view(1, 4, 1, 1) / 64 * (leaf > 0)
    torch.testing.assert_close(gradient, wanted)


@pytest.mark.parametrize("kind", ["tuple", "list", "dict", "named"])
def test_with_first_tensor_replaces_that_one_and_keeps_the_rest(kind):
    given = Containers(kind).giver(torch.ones(2))
    new = torch.zeros(2)

    changed = with_first_tensor(given, new)

    assert type(changed) is type(given)
    pairs = (
        [(changed[key], given[key]) for key in given]
        if isinstance(given, dict)
        else list(zip(changed, given, strict=True))
    )
    first = first_tensor(given)
    assert [after for after, before in pairs if before is first] == [new]
    assert all(after is before for after, before in pairs if before is not first)


def test_first_tensor_finds_it_or_says_none():
    tensor = torch.ones(1)
    assert first_tensor(tensor) is tensor
    assert first_tensor((None, tensor)) is tensor
    assert first_tensor({"a": 1, "b": tensor}) is tensor
    for empty in (None, "text", (), {}, [1, 2]):
        assert first_tensor(empty) is None


class RewritesItsInput(nn.Module):
    """Use a tensor again after an in-place layer has rewritten it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 3, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        return self.conv2(self.relu(x)) + x


def test_a_network_that_relies_on_writing_in_place_is_recorded_as_it_runs(ready, picture):
    module = ready(RewritesItsInput())
    calls = {"": 1, "conv1": 1, "conv2": 1}

    recorded = record(module, picture, calls)

    before = module.conv1(picture)
    after = before.relu()
    torch.testing.assert_close(recorded["conv1"][0], before)
    torch.testing.assert_close(recorded["conv2"][0], module.conv2(after))
    torch.testing.assert_close(recorded[""][0], module.conv2(after) + after)


# -------------------------------------------------------------------------------- left as found


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_modes_and_flags_are_left_as_they_were(watch, picture, training, frozen):
    module = Plain().train(training).requires_grad_(not frozen)
    module.conv2.train(not training)
    module.conv1.weight.requires_grad_(frozen)

    watch(module)  # which compares after the test
    record(module, picture, {"conv1": 1, "relu2": 1})
    leaf, output = forward_from(module, picture, "conv2", 0)
    torch.autograd.grad(output[0, 0], leaf)


@pytest.mark.parametrize("how", ["record", "forward_from"])
def test_a_failing_pass_leaves_no_hook_and_its_own_error(ready, picture, how):
    module = ready(Failing())
    module.fails = True

    with pytest.raises(ArithmeticError, match="on purpose"):
        if how == "record":
            record(module, picture, {"conv": 1, "fc": 1}, Run())
        else:
            forward_from(module, picture, "conv", 0, Run())


def test_a_hook_that_cannot_be_put_on_takes_the_others_off(ready):
    class Refusing(nn.Module):
        def register_forward_hook(self, *_args: Any, **_options: Any) -> Any:
            raise RuntimeError("no hooks here")

    module = ready(nn.Sequential(nn.Identity(), Refusing()))

    with (
        pytest.raises(RuntimeError, match="no hooks here"),
        hooked(module, after=lambda *_: None),
    ):
        pass


def test_hooks_of_others_stay(picture):
    module = Plain().eval()
    seen: list[str] = []
    handle = module.conv1.register_forward_hook(lambda *_: seen.append("mine"))

    record(module, picture, {"conv2": 1})
    forward_from(module, picture, "conv2", 0)
    seen.clear()
    module(picture)

    assert seen == ["mine"]
    handle.remove()


# ----------------------------------------------------------------------------------- cancelling


class Gate(nn.Module):
    """Waits in the middle of a pass until another thread opens it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.opened = threading.Event(), threading.Event()

    def forward(self, x: Tensor) -> Tensor:
        self.reached.set()
        assert self.opened.wait(20)
        return x


@pytest.mark.parametrize("how", ["record", "forward_from"])
def test_a_run_cancelled_from_another_thread_stops_before_the_next_layer(ready, picture, how):
    gate, before, after = Gate(), Counter(), Counter()
    module = ready(nn.Sequential(nn.Conv2d(3, 4, 3), before, gate, after, nn.Flatten()))
    run = Run()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            if how == "record":
                record(module, picture, {"4": 1}, run)
            else:
                forward_from(module, picture, "0", 0, run)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert gate.reached.wait(20)
    run.cancel()
    gate.opened.set()
    thread.join(20)

    assert not thread.is_alive()
    assert [type(error) for error in raised] == [Cancelled]
    assert (before.count, after.count) == (1, 0)


def test_a_cancelled_run_runs_no_layer_at_all(ready, picture):
    module = ready(Counted())
    run = Run()
    run.cancel()

    with pytest.raises(Cancelled):
        record(module, picture, {"fc": 1}, run)
    with interruptible(module, run), pytest.raises(Cancelled):
        module(picture)

    assert module.before.count == 0


# --------------------------------------------------------------------------- several layers at once


@pytest.mark.parametrize("network", [Plain, Functional])
def test_a_layer_behind_another_is_a_node_of_the_graph_that_begins_there(ready, picture, network):
    module = ready(network())
    wanted = {}
    for layer in ("conv1", "conv2"):
        leaf, output = forward_from(module, picture, layer, 0)
        (gradient,) = torch.autograd.grad(output[0, 1], leaf)
        wanted[layer] = leaf.detach(), gradient

    kept, output = forward_through(module, picture, {"conv2": 0, "conv1": 0})
    gradients = torch.autograd.grad(output[0, 1], tuple(kept.values()))

    assert list(kept) == ["conv2", "conv1"]
    assert kept["conv1"].is_leaf and not kept["conv2"].is_leaf
    for (layer, maps), gradient in zip(kept.items(), gradients, strict=True):
        torch.testing.assert_close(maps.detach(), wanted[layer][0], rtol=0, atol=0)
        torch.testing.assert_close(gradient, wanted[layer][1], rtol=0, atol=0)


def test_without_a_graph_the_same_is_kept(ready, picture):
    module = ready(Residual())

    kept, output = forward_through(module, picture, {"relu": 0, "stem": 0}, graph=False)

    wanted = record(module, picture, {"relu": 2, "stem": 1})
    torch.testing.assert_close(kept["relu"], wanted["relu"][0], rtol=0, atol=0)
    torch.testing.assert_close(kept["stem"], wanted["stem"][0], rtol=0, atol=0)
    assert not output.requires_grad


def test_the_first_module_that_gives_nan_or_infinity_is_named(ready, picture):
    module = ready(Plain())
    assert first_broken(module, picture) == ""

    with torch.no_grad():
        module.conv2.weight[0] = float("inf")
    assert first_broken(module, picture) == "conv2"
