from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cnnviz_desktop.bundled import training
from cnnviz_desktop.bundled.network import BundledNet
from cnnviz_desktop.bundled.pictures import CLASSES, HELD_OUT_SEEDS
from cnnviz_desktop.bundled.training import Settings, evaluate, train, write, write_samples

TINY = Settings(pictures=32, epochs=4, batch=8, held_out=24, threads=1)


def tiny_run(out: Path) -> dict[str, bytes]:
    trained = train(TINY)
    seeds = HELD_OUT_SEEDS[320_000:320_024]
    write(trained, evaluate(trained.net, seeds, seeds), TINY, out)
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*.*")}


def test_the_same_settings_write_the_same_files(tmp_path: Path) -> None:
    first, again = tiny_run(tmp_path / "first"), tiny_run(tmp_path / "again")
    steps = [Path(name).stem for name in first if name.startswith("checkpoints")]
    assert sorted(steps) == ["step-00000", "step-00002", "step-00005", "step-00016"]
    assert {name for name in first if "step-" not in name} == {
        "bundled.safetensors",
        "labels.json",
        "training.csv",
        "MODEL_CARD.md",
    }
    assert first == again


def test_training_moves_the_weights_and_records_its_course(tmp_path: Path) -> None:
    files = tiny_run(tmp_path)
    before = load_file(tmp_path / "checkpoints/step-00000.safetensors")["head.weight"]
    after = load_file(tmp_path / "bundled.safetensors")
    assert not torch.allclose(before.float(), after["head.weight"])
    BundledNet().load_state_dict(after)
    assert json.loads(files["labels.json"]) == list(CLASSES)
    course = list(csv.DictReader(files["training.csv"].decode().splitlines()))
    assert [int(row["step"]) for row in course] == [0, 2, 4, 5, 8, 12, 16]
    assert float(course[-1]["loss"]) < float(course[0]["loss"])
    card = files["MODEL_CARD.md"].decode()
    assert "Measured on 24 held-out pictures" in card
    assert all(f"| {name} |" in card for name in CLASSES)


def test_training_puts_back_what_it_set() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    train(TINY)
    assert torch.rand(1) == expected
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_samples_are_written_with_their_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_samples(BundledNet().eval(), tmp_path)
    names = {f"{name.replace(' ', '-')}.png" for name in training.SAMPLE_SEEDS}
    assert {file.name for file in tmp_path.glob("*.png")} == names
    assert {file.name for file in (tmp_path / "masks").glob("*.png")} == names
    assert capsys.readouterr().out.count("probability") == len(names)


def test_the_command_takes_its_folders_from_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def tiny_training(settings: Settings, log_dir: Path | None) -> training.Training:
        asked.append(settings)
        return train(TINY)

    monkeypatch.setattr(training, "train", tiny_training)
    monkeypatch.setattr(
        training, "evaluate", lambda net, seeds, bare: evaluate(net, seeds[:12], bare[:12])
    )
    training.main(["--out", str(tmp_path), "--epochs", "3", "--threads", "1"])
    assert asked == [Settings(epochs=3, threads=1)]
    assert (tmp_path / "bundled.safetensors").is_file()
    assert (tmp_path / "samples" / "striped-star.png").is_file()


def test_logging_changes_no_weight(tmp_path: Path) -> None:
    """What ships is the same byte for byte, logged or not."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    plain, logged = train(TINY), train(TINY, tmp_path)
    for key, value in plain.net.state_dict().items():
        assert torch.equal(value, logged.net.state_dict()[key])
    found = accumulator.EventAccumulator(str(tmp_path))
    found.Reload()
    assert found.Scalars("loss/train")
    assert len(found.Scalars("accuracy/held_out")) == len(logged.course) - 1
