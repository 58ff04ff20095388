"""Read state dicts from files and fit them to a network."""

from __future__ import annotations

import io
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cnnviz_desktop.data import Finding
from cnnviz_desktop.engine import trust
from cnnviz_desktop.engine.checkpoints import State, aligned, find_state, only_data
from cnnviz_desktop.engine.model_files import SCRIPT, ModelFile, recognise
from cnnviz_desktop.engine.safetensors_files import read_safetensors
from cnnviz_desktop.errors import ModelError

# torchvision's published DenseNets still carry the names of PyTorch 0.3: norm.1 is norm1 today.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")


def read_state(path: Path) -> State:
    """Read a state dict from what safetensors or torch.save wrote.

    Nothing in the file is executed (`weights_only=True`) unless its person trusted it. Raises
    `ModelError`, and `TrustError` where the weights cannot be had without running its code.
    """
    return state_in(recognise(path))


def state_in(file: ModelFile, *, mapped: bool = False) -> State:
    """Read a state dict out of a recognised file.

    With `mapped` the numbers stay in the file where its format allows it: for a look at names and
    shapes. What is kept is read, since a file that is written again under its readers ends them.
    """
    match file.kind:
        case "safetensors":
            state = read_safetensors(file.path, mapped=mapped)
        case "checkpoint" | "pickle":
            state = _checkpoint_state(file, mapped)
        case "script":
            raise ModelError(SCRIPT.format(file.path.name))
        case kind:
            raise ModelError(
                f"{file.path.name} holds {_WHOLE[kind]}, not weights alone: open it as the model."
            )
    return {_OLD_DENSENET.sub(r"\1\2.", key): value for key, value in state.items()}


_WHOLE = {
    "exported": "a whole exported network (.pt2)",
    "onnx": "a whole network (ONNX)",
    "python": "Python code",
}


def _checkpoint_state(file: ModelFile, mapped: bool) -> State:
    path = file.path
    loaded: object = None
    if file.kind == "checkpoint":
        try:
            loaded = load_data(file, mapped=mapped)
        except Exception as error:  # damaged bytes make the unpickler fail in many ways
            if not file.runs:
                raise ModelError(_NOT_WEIGHTS.format(path.name)) from error
    state = find_state(loaded)
    if state is None and file.runs:
        trust.require(path, file.runs, trust=False)
        state = find_state(load_trusted(file))
    if state is None:
        raise ModelError(
            f"{path.name} holds no state dict (a mapping of names to tensors). "
            "Save one with torch.save(model.state_dict(), FILE)."
        )
    return state


_NOT_WEIGHTS = (
    "{} is no weights file that can be read, or it is cut off. "
    "It must be a state dict saved by torch.save or safetensors."
)


def load_data(file: ModelFile, *, mapped: bool = False) -> object:
    """Load what torch.save wrote, as far as it is data; raise whatever PyTorch raises."""
    with warnings.catch_warnings(), only_data(file.runs):
        warnings.simplefilter("ignore")  # on what the sentences here say
        if not file.legacy:
            options = {"mmap": True} if mapped else {}
            return torch.load(file.path, map_location="cpu", weights_only=True, **options)
        with file.path.open("rb") as stream:
            return torch.load(
                cast(IO[bytes], _Stream(stream)), map_location="cpu", weights_only=True
            )


def load_trusted(file: ModelFile) -> object:
    """Load a pickle and run what it wants to run: only for a file that its person trusts."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if file.kind == "pickle" and not file.legacy:
                with file.path.open("rb") as stream:
                    return pickle.load(stream)
            return torch.load(file.path, map_location="cpu", weights_only=False)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"{file.path.name} needs Python code that is not here ({error}). Install it or start "
            "in the folder that has it; or save the state dict and open it with a Python file "
            "that makes the network (--factory FILE.py:FUNCTION)."
        ) from error
    except Exception as error:
        raise ModelError(
            f"{file.path.name} cannot be opened ({type(error).__name__}: {error}). It is damaged, "
            "or was saved by another version of what made it: save the state dict instead."
        ) from error


class _Stream(io.RawIOBase):
    """A file without a number: PyTorch then reads it through here, and other threads go on.

    It reads the files of its old format with Python's lock held otherwise, up to a tenth of a
    second for the largest layers, in which a window stands still.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._stream.readinto(buffer)  # type: ignore[attr-defined,no-any-return]

    def readline(self, size: int | None = -1) -> bytes:
        return self._stream.readline(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


@contextmanager
def drawn() -> Iterator[None]:
    """Build a network with random weights: the same ones every time, so that its figures are too.

    The state of PyTorch's random numbers is put back.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # torch.manual_seed reaches every device
        yield


class undrawn(TorchFunctionMode):  # noqa: N801 - used as `with undrawn():`
    """Build a network without drawing random weights, for one whose weights are loaded next.

    Drawing the 138 million numbers of VGG16 takes longer than reading them, and touches memory that
    is thrown away at once.
    """

    # PyTorch hands these three over whole; all other initialisers draw by the tensor's methods.
    _INITIALISERS = (nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_)
    _DRAWS = (Tensor.uniform_, Tensor.normal_)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Hand the tensor back undrawn."""
        kwargs = kwargs or {}
        if func in self._INITIALISERS:
            return args[0] if args else kwargs["tensor"]
        if func in self._DRAWS:
            # Zeros, not whatever was in the memory: trunc_normal_ draws again and again until all
            # numbers are within its bounds.
            return args[0].zero_()
        return func(*args, **kwargs)


def load_state(module: nn.Module, state: State, name: str, path: Path) -> None:
    """Put a state dict into a network, exactly; raise `ModelError` where it does not fit.

    The tensors are taken over in float32, not copied, and `state` is emptied, so that none is held
    twice.
    """
    wanted = module.state_dict()
    fitting = _compared(state, wanted)
    if fitting.missing or fitting.unexpected or fitting.shapes:
        raise ModelError(
            f"{path.name} does not fit {name}: {fitting.differences}. "
            "Choose the model the file was saved from."
        )
    _take_over(module, state, fitting, wanted)


def load_what_fits(module: nn.Module, state: State, name: str, path: Path) -> tuple[Finding, ...]:
    """Put what fits of a state dict into a network, and say what was found and what was not.

    Raises `ModelError` where less than half of the network's tensors are in it. Like `load_state`
    it takes the tensors over.
    """
    wanted = module.state_dict()
    fitting = _compared(state, wanted)
    count = len(fitting.names)
    if count * 2 < len(wanted) or not count:
        raise ModelError(
            f"{path.name} does not fit {name}: {fitting.differences}. "
            "Choose the network the file was saved from."
        )
    _take_over(module, state, fitting, wanted)
    findings = [
        Finding("info", f"{count} of {len(wanted)} tensors loaded", f"From {path.name} by name.")
    ]
    for keys, title, detail in (
        (
            fitting.missing,
            "Weights missing",
            f"{path.name} lacks these tensors of {name}: they stay as the network was made.",
        ),
        (
            fitting.shapes,
            "Weights of another shape",
            f"These tensors of {path.name} do not fit {name}: they stay as the network was made.",
        ),
    ):
        if keys:
            findings.append(Finding("warning", title, detail, tuple(keys)))
    if fitting.unexpected:
        detail = f"{name} has no use for these tensors of {path.name}: they are left out."
        findings.append(Finding("info", "Weights unused", detail, tuple(fitting.unexpected)))
    return tuple(findings)


@dataclass(frozen=True)
class _Fitting:
    """How a state dict and a network's own go together: the names that do, and those that do not.

    `state` has the names that the network knows.
    """

    state: State
    names: list[str]
    missing: list[str]
    unexpected: list[str]
    shapes: list[str]

    @property
    def differences(self) -> str:
        parts = [
            f"{len(keys)} {word} (first {keys[0]})"
            for keys, word in (
                (self.missing, "tensors missing"),
                (self.unexpected, "unexpected"),
                (self.shapes, "of another shape"),
            )
            if keys
        ]
        return ", ".join(parts)


def _compared(state: State, wanted: Mapping[str, Any]) -> _Fitting:
    counters = [key for key in wanted if key.endswith("num_batches_tracked")]
    state = dict(aligned(state, set(wanted).difference(counters)))
    for key in counters:  # files older than PyTorch 0.4.1 lack them; nothing here reads them
        state.setdefault(key, torch.tensor(0))
    tensors = {key: value for key, value in wanted.items() if isinstance(value, Tensor)}
    here = [key for key in tensors if key in state]
    return _Fitting(
        state,
        names=[key for key in here if state[key].shape == tensors[key].shape],
        missing=[key for key in tensors if key not in state],
        unexpected=[key for key in state if key not in wanted],
        shapes=[key for key in here if state[key].shape != tensors[key].shape],
    )


def _take_over(
    module: nn.Module, state: State, fitting: _Fitting, wanted: Mapping[str, Any]
) -> None:
    state.clear()
    # One after the other, since whoever reads a half-precision file has no room for both at once.
    taken = {key: fitting.state.pop(key).to(wanted[key].dtype) for key in fitting.names}
    fitting.state.clear()
    module.load_state_dict(taken, assign=True, strict=False)
