"""Let what can wait wait: modules until they are used, deeds until clicks were answered."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PySide6.QtCore import QObject


class LateModule(ModuleType):
    """A module that runs its code when it is first asked for a name.

    importlib's own LazyLoader does so already at the second `import` of Python 3.11.
    """

    def __getattr__(self, name: str) -> Any:
        """Become the module, and answer as it does."""
        if name == "__wrapped__":  # PySide asks every module it sees imported
            raise AttributeError(name)
        _become(self)
        return getattr(self, name)


def postpone(name: str) -> None:
    """Put a stand-in for a module into `sys.modules`.

    Whoever postpones a module loads it before a second thread may use it: no lock guards the
    stand-in.
    """
    spec = None if name in sys.modules else find_spec(name)
    if spec is not None:  # where it lacks, its import says so
        module = module_from_spec(spec)
        module.__class__ = LateModule
        sys.modules[name] = module
        package, _dot, child = name.rpartition(".")
        if package:
            setattr(sys.modules[package], child, module)


def load(name: str) -> None:
    """Run the code of a module that was postponed and not used yet."""
    module = sys.modules[name]
    if isinstance(module, LateModule):
        _become(module)


def _become(module: ModuleType) -> None:
    module.__class__ = ModuleType
    spec = module.__spec__
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module)


def in_turns(owner: QObject, deed: Callable[[], object], *more: Callable[[], object]) -> None:
    """Do one thing after the other, each in a turn of its own: clicks are answered in between."""
    from PySide6.QtCore import QTimer

    deed()
    if more:
        QTimer.singleShot(0, owner, partial(in_turns, owner, *more))
