"""Models in double precision, where rounding decides nothing."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from torch import Tensor

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.loaded_model import LoadedModel


class _Doubled:
    """Prepare pictures as before, in double precision."""

    def __init__(self, single: Any) -> None:
        self._single = single

    def __call__(self, image: ImageInput) -> tuple[Tensor, object]:
        tensor, region = self._single(image)
        return tensor.double(), region

    def __getattr__(self, name: str) -> Any:
        return getattr(self._single, name)


def doubled(model: LoadedModel) -> LoadedModel:
    """Return a copy of the model that computes in double precision."""
    module = copy.deepcopy(model.module).double()
    preprocessing: Any = _Doubled(model.preprocessing)
    return dataclasses.replace(model, module=module, preprocessing=preprocessing)
