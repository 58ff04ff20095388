"""Measure how much memory the tensors of a pass take while it runs."""

from __future__ import annotations

from typing import Any
from weakref import finalize

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveMemory(TorchDispatchMode):
    """While entered: count the bytes of tensors that operations give, until nobody holds them.

    `peak` is the most there was at once besides the weights of `module`; `held`, there before,
    is counted too. What a kernel takes for itself meanwhile is not seen.
    """

    def __init__(self, module: nn.Module, *held: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        own = (*module.parameters(), *module.buffers())
        self._weights = {tensor.untyped_storage()._cdata for tensor in own}
        self._alive: dict[int, int] = {}
        self._now = self.peak = 0
        for tensor in held:
            self._note(tensor)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch would import its compiler, which takes over a second

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        for item in tree_leaves(output):
            if isinstance(item, Tensor):
                self._note(item)
        return output

    def _note(self, tensor: Tensor) -> None:
        """Count a tensor's memory once, whoever else looks at it."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive or key in self._weights:
            return
        self._alive[key] = storage.nbytes()
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)
        finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self._now -= self._alive.pop(key, 0)
