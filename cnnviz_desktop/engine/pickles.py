"""Name what a pickle would call, without running it."""

from __future__ import annotations

import pickletools
import re
import warnings
from _compat_pickle import (
    IMPORT_MAPPING,
    NAME_MAPPING,
    REVERSE_IMPORT_MAPPING,
    REVERSE_NAME_MAPPING,
)
from collections.abc import Iterable
from typing import IO

HIDDEN = "something whose name is put together while it runs"

_LAYERS = ("torch.nn.modules.", "torchvision.models.", "torchvision.ops.", "timm.")

# What PyTorch's own `weights_only` reading knows, with NumPy's numbers: data and nothing else.
_HARMLESS = re.compile(
    r"""collections\.(OrderedDict|Counter)
    | torch\._utils\._rebuild_\w+
    | torch\._tensor\._rebuild_from_type_v2
    | torch\.(\w+Storage|storage\.\w+Storage|Size|device|Tensor)
    | torch\.(b?float|u?int|q?u?int|complex|bits|bool|half|double|long|short)[\w]*
    | torch\.nn\.parameter\.(Parameter|Buffer)
    | torch\.serialization\._get_layout
    | _codecs\.encode
    | builtins\.(bytearray|set|complex)
    | numpy\.(_?core\.multiarray\.scalar|dtype|dtypes\.\w+)""",
    re.VERBOSE,
)


def foreign(names: Iterable[str]) -> tuple[str, ...]:
    """Return those names that are not among the few that reading numbers needs, each once.

    Layers of the usual libraries come last: what is odd about a file is among the rest.
    """
    found = dict.fromkeys(name for name in names if not _HARMLESS.fullmatch(name))
    return tuple(sorted(found, key=lambda name: name.startswith(_LAYERS)))


def names_in(stream: IO[bytes]) -> tuple[str, ...]:
    """List the names (module.function) that one pickle asks for, up to where it breaks off."""
    found: dict[str, None] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on odd escapes in damaged text
            for name in _names(stream):
                found[name] = None
    except (ValueError, EOFError, IndexError, UnicodeError, OverflowError, MemoryError):
        pass  # damaged: whoever reads it says so
    return tuple(found)


def _names(stream: IO[bytes]) -> Iterable[str]:
    pushed: list[object] = [None, None]  # the last two things put on the stack
    memo: dict[object, object] = {}
    for code, argument, _ in pickletools.genops(stream):
        match code.name:
            case "GLOBAL" | "INST":
                yield _today(*str(argument).split(" ", 1))
                pushed.append(None)
            case "STACK_GLOBAL":
                module, name = pushed[-2:]
                known = isinstance(module, str) and isinstance(name, str)
                yield _today(str(module), str(name)) if known else HIDDEN
                pushed.append(None)
            case "EXT1" | "EXT2" | "EXT4":
                yield HIDDEN
            case "MEMOIZE":
                memo[len(memo)] = pushed[-1]
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[argument] = pushed[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                pushed.append(memo.get(argument))
            case "PROTO" | "FRAME" | "STOP":
                continue
            case _:
                pushed.append(argument if isinstance(argument, str) else None)
        del pushed[:-2]


def _today(module: str, name: str = "") -> str:
    """Return a name as Python 3 has it: pickles of the usual protocol carry those of Python 2."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{module}.{name}"


def spellings(name: str) -> tuple[str, ...]:
    """Return a name as Python 3 and as Python 2 has it."""
    module, _, inner = name.rpartition(".")
    usual = (REVERSE_IMPORT_MAPPING.get(module, module), inner)
    return tuple(dict.fromkeys((name, ".".join(REVERSE_NAME_MAPPING.get((module, inner), usual)))))
