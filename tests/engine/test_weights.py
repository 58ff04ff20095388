"""Weights are read whole into memory of their own and taken over, not held twice."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cnnviz_desktop.engine.model_files import recognise
from cnnviz_desktop.engine.safetensors_files import read_safetensors
from cnnviz_desktop.engine.weights import load_state, load_what_fits, read_state, state_in
from cnnviz_desktop.errors import ModelError

KINDS = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
    torch.float8_e4m3fn,
)


# ------------------------------------------------------------------------------------ safetensors


def test_safetensors_of_every_kind_are_read_as_their_own_reader_does(tmp_path):
    path = tmp_path / "all.safetensors"
    state = {
        f"{kind}": (torch.arange(6).reshape(2, 3) * 1.5).to(torch.float32).to(kind)
        for kind in KINDS
    }
    state |= {"empty": torch.zeros(0, 3), "scalar": torch.tensor(7.0)}
    save_file(state, path, metadata={"epoch": "3"})
    found = read_safetensors(path)
    assert found.keys() == state.keys()
    for name, value in state.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
        assert torch.equal(found[name].float(), value.float())
    outline = read_safetensors(path, mapped=True)
    assert {name: value.shape for name, value in outline.items()} == {
        name: value.shape for name, value in state.items()
    }


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 80]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}},
        {"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": ["2"], "data_offsets": [0, 8]}},
        {"a": {"dtype": "X32", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32"}},
        {"a": 3},
    ],
)
def test_safetensors_with_wrong_sizes_are_one_sentence(tmp_path, header):
    text = json.dumps(header).encode()
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(ModelError, match=r"wrong\.safetensors is a damaged or cut-off safetensors"):
        read_state(path)


# ------------------------------------------------------------------------------------- memory, time


@pytest.mark.parametrize("how", ["zip", "legacy", "safetensors"])
def test_a_file_that_is_written_again_changes_nothing_that_was_read(tmp_path, how):
    """A training goes on while its last weights are looked at."""
    path = tmp_path / "last.pth"
    state = {"a": torch.ones(1000, 1000)}
    if how == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how == "zip")
    found = read_state(path)
    with path.open("r+b") as file:
        file.truncate(10)
    assert float(found["a"].sum()) == 1e6


def test_tensors_are_taken_over_and_the_state_is_emptied(tmp_path):
    module, tensor = nn.Linear(2, 3), torch.ones(3, 2)
    state = {"weight": tensor, "bias": torch.ones(3, dtype=torch.float16)}
    load_state(module, state, "net", tmp_path / "w.pth")
    assert module.weight.data_ptr() == tensor.data_ptr()
    assert module.bias.dtype == torch.float32
    assert state == {}


def test_saved_on_a_gpu_is_read_without_one(tmp_path):
    path = tmp_path / "cuda.pth"
    torch.save({"a": torch.ones(2)}, path)
    path.write_bytes(saved_on_cuda(path.read_bytes()))
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(path, weights_only=True)
    assert read_state(path)["a"].tolist() == [1, 1]


def saved_on_cuda(data: bytes) -> bytes:
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename.endswith("data.pkl"):
                content = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            new.writestr(item.filename, content)
    return stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["zip", "legacy", "safetensors"])
def test_other_threads_go_on_while_large_weights_are_read(tmp_path, how):
    path = tmp_path / "large.pth"
    state = {"a": torch.ones(10_000, 10_000)}  # 400 MB
    if how == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how == "zip")
    del state
    read_state(path)
    # The best of a few, since a busy machine stalls threads as well.
    assert min(longest_stall(path) for _ in range(4)) < 0.05


def longest_stall(path: Path) -> float:
    stop, stalls = threading.Event(), []

    def watch() -> None:
        last = time.perf_counter()
        while not stop.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            stalls.append(now - last)
            last = now

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        read_state(path)
    finally:
        stop.set()
        watcher.join()
    return max(stalls)


def test_a_look_at_names_and_shapes_reads_no_numbers(tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"model": {"module.a": torch.ones(2, 3)}}, path)
    found = state_in(recognise(path), mapped=True)
    assert {name: tuple(value.shape) for name, value in found.items()} == {"a": (2, 3)}


# --------------------------------------------------------------------------------------- findings


def test_what_fits_is_loaded_and_the_rest_is_named(tmp_path):
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    state = {key: value + 1 for key, value in module.state_dict().items() if key != "3.bias"}
    state = {key: value for key, value in state.items() if "num_batches" not in key}
    state["4.weight"] = torch.zeros(1)
    before = module[3].bias.clone()
    loaded, missing, unused = load_what_fits(module, dict(state), "net", tmp_path / "w.pth")
    assert loaded.title == "8 of 9 tensors loaded"
    assert (missing.severity, missing.items) == ("warning", ("3.bias",))
    assert (unused.severity, unused.items) == ("info", ("4.weight",))
    torch.testing.assert_close(module[3].bias, before)
    torch.testing.assert_close(module[0].weight.data, state["0.weight"])


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path):
    module = nn.Linear(2, 2)
    before = module.weight.clone()
    with pytest.raises(ModelError, match=r"w\.pth does not fit net: 2 tensors missing .*1 unexp"):
        load_what_fits(module, {"x.weight": torch.zeros(2)}, "net", tmp_path / "w.pth")
    torch.testing.assert_close(module.weight, before)
