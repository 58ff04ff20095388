"""Read state dicts from files and fit them to a network."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cnnviz_desktop.engine.checkpoints import State, find_state, numpy_scalars_allowed
from cnnviz_desktop.errors import ModelError

# torchvision's published DenseNets still carry the names of PyTorch 0.3: norm.1 is norm1 today.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")


def read_state(path: Path) -> State:
    """Read a state dict from a .safetensors file or one that torch.save wrote.

    Nothing in the file is executed (`weights_only=True`). Raises `ModelError`.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise ModelError(f"There is no weights file {path}. Check the path.") from None
    except OSError as error:
        raise ModelError(f"The weights file {path} cannot be read: {error.strerror}.") from error
    if not head:
        raise ModelError(f"{path.name} is empty (0 bytes). Copy or download it again.")
    state = _read_safetensors(path) if head[8:9] == b"{" else _read_torch(path, head)
    return {_OLD_DENSENET.sub(r"\1\2.", key): value for key, value in state.items()}


def _read_safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path.name} is a damaged or cut-off safetensors file. Copy or download it again."
        ) from error


def _read_torch(path: Path, head: bytes) -> State:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on what the sentences below say
            with numpy_scalars_allowed():
                loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes make the unpickler fail in many ways
        if "GLOBAL" in str(error) and head.startswith((b"PK", b"\x80")):
            raise ModelError(
                f"{path.name} holds more than weights (Python objects that would have to be run). "
                "Save the state dict alone: torch.save(model.state_dict(), FILE)."
            ) from error
        raise ModelError(_NOT_WEIGHTS.format(path.name)) from error
    state = find_state(loaded)
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

    The tensors are taken over, not copied, in float32.
    """
    wanted = module.state_dict()
    counters = [key for key in wanted if key.endswith("num_batches_tracked")]
    for key in counters:  # files older than PyTorch 0.4.1 lack them; nothing here reads them
        state.setdefault(key, torch.tensor(0))
    missing = [key for key in wanted if key not in state]
    unexpected = [key for key in state if key not in wanted]
    shapes = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    if missing or unexpected or shapes:
        raise ModelError(
            f"{path.name} does not fit {name}: {_differences(missing, unexpected, shapes)}. "
            "Choose the model the file was saved from."
        )
    fitting = {key: value.to(wanted[key].dtype) for key, value in state.items()}
    module.load_state_dict(fitting, assign=True)


def _differences(missing: list[str], unexpected: list[str], shapes: list[str]) -> str:
    parts = [
        f"{len(keys)} {word} (first {keys[0]})"
        for keys, word in (
            (missing, "tensors missing"),
            (unexpected, "unexpected"),
            (shapes, "of another shape"),
        )
        if keys
    ]
    return ", ".join(parts)
