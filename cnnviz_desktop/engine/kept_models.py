"""Keep small networks that were loaded beside another: the next picture needs them again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.model_names import file_in
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnviz_desktop.engine.loaded_model import LoadedModel

MOST = 256 * 2**20  # bytes of weights, all together

_Stamp = tuple[int, int] | None
_Key = tuple[str, str | None, str, InputSpec, _Stamp, _Stamp]


class KeptModels:
    """Networks by name, weights, device, input and what their files were, latest used last."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, LoadedModel] = OrderedDict()

    def get(
        self,
        name: str,
        weights: str | None,
        device: str,
        load: Callable[[], LoadedModel],
        spec: InputSpec = InputSpec(),  # noqa: B008 - a frozen value
    ) -> LoadedModel:
        """Return a network, loaded where it is not kept or its files have changed."""
        key = (name, weights, device, spec, _stamp(file_in(name)[0]), _stamp(weights or ""))
        model = self._kept.pop(key, None)
        if model is None:
            model = load()
        self._kept[key] = model
        while sum(map(weight_bytes, self._kept.values())) > self._most:
            self._kept.popitem(last=False)
        return model

    def clear(self) -> None:
        """Let go of all."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)


def weight_bytes(model: LoadedModel) -> int:
    """Return the bytes that a network's weights take, shared ones once."""
    own = {
        tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes()
        for tensor in (*model.module.parameters(), *model.module.buffers())
    }
    return sum(own.values())


def _stamp(file: str) -> _Stamp:
    """Return what changes when a file does; None for what is no file."""
    try:
        status = expanded(file).stat() if file else None
    except OSError:
        return None
    return None if status is None else (status.st_mtime_ns, status.st_size)
