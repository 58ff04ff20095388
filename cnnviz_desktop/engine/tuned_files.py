"""Write fine-tuned weights so that they open by themselves: as safetensors, with what they are of.

The tensors are a plain state dict for any program; the file's metadata hold, as JSON under
“cnnviz”, the network that they are of, its new head, class names and how pictures are fed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.engine.model_files import LARGEST_HEADER
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.errors import ModelError
from cnnviz_desktop.whole_file import whole_file

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
KEY = "cnnviz"
_FORMAT = 1
_MOST_CLASSES = 100_000
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Origin:
    """What a file of fine-tuned weights is of, and what came of it.

    `model` loads the network it was made from and `head` is the layer that was replaced; `data`
    names the pictures, `made` says how it was trained and how well it answers.
    """

    model: str
    head: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    data: str = ""
    made: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as the JSON that the file holds."""
        fed = asdict(replace(self.preprocessing, fit="crop"))
        said = {**asdict(replace(self, preprocessing=None)), "preprocessing": fed}  # type: ignore[arg-type]
        return json.dumps({"format": _FORMAT, **said}, ensure_ascii=True)


def write_tuned(path: Path, state: Mapping[str, Tensor], origin: Origin) -> None:
    """Write weights and what they are of, whole or not at all; raise `ModelError` if it fails."""
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    # One word alone: of several the package writes them in another order every time.
    content = save(tensors, metadata={KEY: origin.to_json()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as stream:
            stream.write(content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"{path} cannot be written ({reason}): choose another file.") from error


def read_origin(path: Path) -> Origin | None:
    """Return what a file of weights says of itself; None where it says nothing sound."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
            length = int.from_bytes(head[:8], "little")
            if head[8:] != b"{" or length > min(LARGEST_HEADER, path.stat().st_size - 8):
                return None
            said = json.loads(head[8:] + file.read(length - 1)).get("__metadata__", {}).get(KEY)
        return None if said is None else _origin(json.loads(said))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _origin(said: Any) -> Origin:
    """Return what the JSON says; raise ValueError, TypeError or KeyError where it is not sound."""
    fed = said["preprocessing"]
    labels = tuple(said["labels"])
    height, width = (int(side) for side in fed["size"])
    mean, std = (tuple(float(item) for item in fed[name]) for name in ("mean", "std"))
    names = (said["model"], said["head"], said["data"], *labels)
    sound = (
        said["format"] == _FORMAT
        and isinstance(said["labels"], list)
        and all(isinstance(name, str) for name in names)
        and 1 < len(labels) <= _MOST_CLASSES
        and all(1 <= side <= _LARGEST_SIDE for side in (height, width, int(fed["resize"])))
        and len(mean) == len(std) in (1, 3)
        and all(item > 0 for item in std)
        and fed["interpolation"] in ("bilinear", "bicubic")
        and isinstance(said["made"], dict)
    )
    if not sound:
        raise ValueError("its words on itself make no sense")
    preprocessing = Preprocessing(
        (height, width), int(fed["resize"]), mean, std, fed["interpolation"]
    )
    return Origin(said["model"], said["head"], labels, preprocessing, said["data"], said["made"])
