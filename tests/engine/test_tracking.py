"""What is tracked is read back with TensorBoard's own reader; the training is left as it was."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import Functional, Plain
from torch import Tensor, nn
from torch.nn import functional

import cnnviz_desktop
from cnnviz_desktop.engine import event_files, tracked_images
from cnnviz_desktop.engine.tracking import Tracker, measured, track
from cnnviz_desktop.errors import CnnvizError, ParameterError

pytest.importorskip("tensorboard")


def read(folder: Path) -> Any:
    """Return TensorBoard's accumulator over a log folder, all of it kept."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    found.Reload()
    return found


class Normed(nn.Module):
    """Batch norm and dropout: both would be changed by a careless pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.conv(x)))
        return self.fc(self.dropout(x.mean((2, 3))))


def trained(log_dir: Path | None, steps: int = 6, every: int = 2) -> tuple[nn.Module, list[float]]:
    """Train a network with dropout and batch norm, tracked or not."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Normed().train()
        net.bn.eval()  # a part in another mode than the rest stays in it
        optimiser = torch.optim.Adam(net.parameters(), 0.01)
        losses = []
        tracker = None
        if log_dir is not None:
            images = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(5))
            tracker = track(net, log_dir, every, images, most=None)
        for _ in range(steps):
            pictures, targets = torch.rand(5, 3, 8, 8), torch.randint(3, (5,))
            outputs = net(pictures)
            loss = functional.cross_entropy(outputs, targets)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            if tracker is not None:
                tracker.step(loss=loss, outputs=outputs, targets=targets, pace=0.01)
            optimiser.step()
            losses.append(float(loss.detach()))
        if tracker is not None:
            tracker.close()
    return net, losses


def test_training_is_the_same_bit_for_bit(tmp_path: Path, watch) -> None:
    plain, losses = trained(None)
    tracked, same = trained(tmp_path)
    assert losses == same
    for (key, one), other in zip(
        plain.state_dict().items(), tracked.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), key
    for one, other in zip(plain.parameters(), tracked.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
    modes = [part.training for part in tracked.modules()]
    assert modes == [part.training for part in plain.modules()]
    watch(tracked)  # and no hook is left


def test_between_forward_and_backward_nothing_breaks(tmp_path: Path) -> None:
    net = Normed().train()
    with track(net, tmp_path, 1, torch.rand(2, 3, 8, 8), most=None) as tracker:
        loss = net(torch.rand(4, 3, 8, 8)).square().sum()
        tracker.step(loss=loss)
        torch.autograd.backward(loss)
    assert net.conv.weight.grad is not None


def test_everything_is_read_back(tmp_path: Path) -> None:
    _, losses = trained(tmp_path)
    found = read(tmp_path)
    assert [item.step for item in found.Scalars("loss/train")] == [0, 2, 4]
    for item in found.Scalars("loss/train"):
        assert item.value == pytest.approx(losses[item.step], rel=1e-6)
    tags = found.Tags()
    assert {"accuracy/train", "MSE/train", "R2/train", "pace/train"} <= set(tags["scalars"])
    assert {"weight_std/conv", "activation_mean/relu", "dead_filters/relu"} <= set(tags["scalars"])
    assert {"gradient_norm/fc"} <= set(tags["scalars"])
    assert {"weights/conv", "gradients/conv", "activations/relu"} <= set(tags["histograms"])
    assert {"filters/conv", "maps/conv", "maps/relu", "cam/conv"} <= set(tags["images"])
    assert tags["graph"]
    # the last step of all is looked at when it is closed
    assert [item.step for item in found.Scalars("weight_std/conv")] == [0, 2, 4, 5]


def test_numbers_by_hand(tmp_path: Path) -> None:
    """Weights 1 to 3 and a dead channel: mean, spread, histogram, and half of the filters dead."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU())
    net[0].weight.data = torch.tensor([3.0, -1.0]).view(2, 1, 1, 1)
    images = torch.tensor([1.0, 2.0]).view(1, 1, 1, 2)
    with track(net, tmp_path, 1, images, most=None) as tracker:
        tracker.step()
    found = read(tmp_path)

    def last(tag: str) -> float:
        return found.Scalars(tag)[-1].value

    assert last("weight_mean/0") == 1
    assert last("weight_std/0") == 2
    assert last("dead_filters/1") == 0.5
    # the maps 3, 6 and 0, 0
    assert last("activation_mean/1") == pytest.approx(2.25)
    histogram = found.Histograms("weights/0")[-1].histogram_value
    assert (histogram.min, histogram.max, histogram.num) == (-1, 3, 2)
    assert (histogram.sum, histogram.sum_squares) == (2, 10)
    assert sum(histogram.bucket) == 2


def test_functional_rectifiers_are_judged_by_what_feeds_them(tmp_path: Path) -> None:
    net = Functional()
    net.conv1.bias.data[1] = -100.0
    with track(net, tmp_path, 1, torch.rand(2, 3, 8, 8), most=None) as tracker:
        tracker.step()
    found = read(tmp_path)
    assert found.Scalars("dead_filters/conv1")[0].value >= 0.25
    assert "dead_filters/fc" not in found.Tags()["scalars"]


def test_measures_by_hand() -> None:
    scores = torch.tensor([[np.log(3.0), 0.0], [0.0, 0.0]])
    found = measured(scores, torch.tensor([0, 1]))
    assert found["accuracy"] == 0.5
    assert found["MSE"] == pytest.approx((2 / 16 + 2 / 4) / 4)
    assert found["R2"] == pytest.approx(1 - (2 / 16 + 2 / 4))
    found = measured(torch.tensor([1.0, 2, 3]), torch.tensor([1.0, 2, 6]))
    assert found["MSE"] == pytest.approx(3)
    assert found["R2"] == pytest.approx(1 - 9 / 14)
    assert measured(torch.rand(2, 3), torch.rand(4)) == {}


def test_cam_is_warm_where_the_evidence_is(tmp_path: Path) -> None:
    """One class is what the first pixel says: the overlay is orange there and grey elsewhere."""
    heat = torch.zeros(4, 4)
    heat[0, 0] = 2.0
    drawn = tracked_images.overlay(torch.zeros(3, 8, 8), heat)
    red, green, blue = (int(item) for item in drawn[0, 0])
    assert red > green > blue == 0
    assert drawn[7, 7].tolist() == [0, 0, 0]


def test_sheets_by_hand() -> None:
    weight = torch.zeros(4, 3, 2, 2)
    weight[1, 0] = 1.0  # red as far as it goes
    sheet = tracked_images.filters(weight)
    side = 24 // 2 * 2
    assert sheet.shape == (2 * side + 2, 2 * side + 2, 3)
    assert sheet[0, 0].tolist() == [128, 128, 128]
    assert sheet[0, side + 2].tolist() == [255, 128, 128]
    maps = tracked_images.maps(torch.stack([torch.zeros(4, 4), torch.eye(4)]))
    assert maps.shape == (48, 98, 3)
    assert maps[0, 50].tolist() == [255, 255, 255]
    assert maps[0, 0].tolist() == [0, 0, 0]


def test_time_is_kept_to(tmp_path: Path, monkeypatch) -> None:
    """A look that takes too much of the time is left out; the numbers are logged all the same."""
    monkeypatch.setattr(Tracker, "_write_weights", lambda self, step: looks.append(step))
    clock = [0.0]
    monkeypatch.setattr("cnnviz_desktop.engine.tracking.time.perf_counter", lambda: clock[0])
    looks: list[int] = []
    tracker = track(nn.Linear(2, 2), tmp_path, every=1, most=0.1)

    def slow(step: int) -> None:
        looks.append(step)
        clock[0] += 1.0

    monkeypatch.setattr(tracker, "_write_weights", slow)
    for _ in range(40):
        tracker.step(loss=1.0)
        clock[0] += 1.0
    assert looks == [0, 19, 28, 37]  # 2 s of 20, then one of every 10 that go by
    tracker._most = 0.0
    tracker.close()
    assert len(read(tmp_path).Scalars("loss/train")) == 40


def test_steps_between_cost_nothing(tmp_path: Path) -> None:
    tracker = track(Plain(), tmp_path, every=5)
    for _ in range(5):
        tracker.step(loss=torch.tensor(1.0))
    tracker.close()
    assert [item.step for item in read(tmp_path).Scalars("loss/train")] == [0]


def test_wrapped_and_odd_networks_are_taken(tmp_path: Path) -> None:
    net = nn.DataParallel(Plain())
    with track(net, tmp_path / "a", 1, torch.rand(2, 3, 8, 8)) as tracker:
        tracker.step()
    assert "weights/conv1" in read(tmp_path / "a").Tags()["histograms"]
    with track(nn.Embedding(3, 2), tmp_path / "b", 1) as tracker:
        tracker.step(loss=1.0)
    with pytest.raises(ParameterError, match="every 1 or more"):
        track(Plain(), tmp_path / "c", every=0)


def test_without_tensorboard_one_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(event_files, "find_spec", lambda name: None)
    with pytest.raises(CnnvizError, match=r'pip install "cnnviz-desktop\[tensorboard\]"'):
        track(Plain(), tmp_path)


def test_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CnnvizError, match="choose another folder"):
        track(Plain(), tmp_path / "file")


def test_a_training_outlives_its_log(tmp_path: Path, monkeypatch) -> None:
    net, seen = Plain(), torch.rand(2, 3, 8, 8)
    tracker = track(net, tmp_path, 1, seen, most=None)
    tracker.step(loss=1.0)

    def full(*_args: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tracker.writer, "add_scalar", full)
    with pytest.warns(UserWarning, match="No space left on device.* no longer logged"):
        tracker.step(loss=0.5)
    tracker.step(loss=0.25)  # said once
    assert tracker.steps == 3
    monkeypatch.setattr(tracker.writer, "close", full)
    tracker.close()
    assert not any(layer._forward_hooks for layer in net.modules())


def test_it_is_there_for_notebooks() -> None:
    assert cnnviz_desktop.track is track


# ---------------------------------------------------------------------------------------- Lightning


def test_lightning_tracker_logs_what_the_trainer_tells(tmp_path: Path, monkeypatch) -> None:
    """By Lightning's hooks, called in its order; the package itself is stood in for."""
    names = ("lightning", "lightning.pytorch", "lightning.pytorch.callbacks")
    for name in names:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules[names[2]].Callback = object  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, "cnnviz_desktop.engine.lightning_tracker", raising=False)
    module = importlib.import_module("cnnviz_desktop.engine.lightning_tracker")
    callback = module.LightningTracker(tmp_path, every=1, images=torch.rand(2, 3, 8, 8))
    trainer = types.SimpleNamespace(
        is_global_zero=True, sanity_checking=False, callback_metrics={"val_loss": torch.tensor(0.5)}
    )
    net = Plain()
    callback.on_fit_start(trainer, net)
    callback.on_train_batch_end(trainer, net, {"loss": torch.tensor(2.0)}, None, 0)
    callback.on_train_batch_end(trainer, net, torch.tensor(1.0), None, 1)
    callback.on_validation_end(trainer, net)
    callback.on_fit_end(trainer, net)
    found = read(tmp_path)
    assert [item.value for item in found.Scalars("loss/train")] == [2, 1]
    assert [item.value for item in found.Scalars("val_loss")] == [0.5]
    monkeypatch.delitem(sys.modules, "cnnviz_desktop.engine.lightning_tracker")


def test_without_lightning_one_sentence(monkeypatch) -> None:
    for name in ("lightning.pytorch.callbacks", "pytorch_lightning.callbacks"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "cnnviz_desktop.engine.lightning_tracker", raising=False)
    with pytest.raises(CnnvizError, match="pip install lightning"):
        importlib.import_module("cnnviz_desktop.engine.lightning_tracker")


def test_real_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    from cnnviz_desktop.engine.lightning_tracker import LightningTracker

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = Plain()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            outputs = self.net(batch[0])
            loss = functional.cross_entropy(outputs, batch[1])
            return {"loss": loss, "outputs": outputs.detach(), "targets": batch[1]}

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.01)

    data = torch.utils.data.TensorDataset(torch.rand(8, 3, 8, 8), torch.randint(3, (8,)))
    trainer = lightning.Trainer(
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        accelerator="cpu",
        callbacks=[LightningTracker(tmp_path, every=1)],
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(data, batch_size=4))
    assert len(read(tmp_path).Scalars("accuracy/train")) == 2
