"""Make a network by a function or class in a person's own Python file."""

from __future__ import annotations

import ast
import hashlib
import linecache
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.engine import trust
from cnnviz_desktop.engine.model_files import LARGEST_SOURCE
from cnnviz_desktop.errors import ModelError, did_you_mean
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from torch import nn

_MOST_SOURCES = 200
_BASES = ("Module", "Sequential", "LightningModule", "PreTrainedModel")
_LIBRARIES = ("torchvision", "timm", "segmentation_models_pytorch", "efficientnet_pytorch")
_MAKERS = re.compile(r"(make|build|create)(_\w+)?|(\w+_)?(model|net|network|classifier)", re.I)
_NO_MAKERS = re.compile(r"data|load|optim|sched|transform|parser|args|loss|criterion|log", re.I)


def split(name: str) -> tuple[Path, str] | None:
    """Read “path/file.py:make_model”; None for what is not written so."""
    file, colon, maker = name.rpartition(":")
    if not colon or not file or not maker.isidentifier() or not file.lower().endswith(".py"):
        return None
    return expanded(file), maker


def candidates(path: Path) -> tuple[str, ...]:
    """Name what in a Python file could make a network when called without arguments.

    The file is read, not run. Raises `ModelError` where it cannot be read.
    """
    return tuple(_makers(_parsed(path)))


def only(path: Path) -> str:
    """Return the one function or class of a file that makes a network; raise `ModelError`.

    One that another of them calls does not count: a `make_model` that returns `Net()` is meant.
    """
    found = _makers(_parsed(path))
    called = {
        node.id
        for maker in found.values()
        for node in ast.walk(maker)
        if isinstance(node, ast.Name) and node.id != getattr(maker, "name", "")
    }
    outer = [name for name in found if name not in called] or list(found)
    if len(outer) == 1:
        return outer[0]
    if not outer:
        raise ModelError(
            f"{path.name} has no function or class that makes a network without being given "
            "anything. Add one: def make_model(): return Net(…)"
        )
    *rest, last = [f"{path.name}:{name}" for name in outer]
    raise ModelError(f"{path.name} makes several networks. Say which: {', '.join(rest)} or {last}.")


def make(path: Path, maker: str, trusted: bool = False) -> nn.Module:
    """Run a person's file and have it make its network, with random numbers from a fixed seed.

    Raises `TrustError` unless the file is trusted, and `ModelError` where it fails.
    """
    from torch import nn

    from cnnviz_desktop.engine.weights import drawn

    source = _source(path)
    _check_maker(path, maker)
    beside = _local_sources(path)
    runs = (f"all of {path.name}", *(f"all of {file.name}" for file in beside), f"{maker}()")
    trust.require(path, runs, trusted, beside)
    with _importable(path.absolute().parent), drawn():
        try:
            made = getattr(_run(path, source), maker)()
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # sys.exit() in a script is none of Exception's
            raise ModelError(_failure(path, maker, error)) from error
    if not isinstance(made, nn.Module):
        raise ModelError(
            f"{maker}() of {path.name} gives {_kind(made)}, not a network (torch.nn.Module). "
            "Let it return the network."
        )
    return made


# ---------------------------------------------------------------------------- reading, not running


def _source(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            source = file.read(LARGEST_SOURCE + 1)
    except FileNotFoundError:
        raise ModelError(f"There is no file {path}. Check the path.") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(source) > LARGEST_SOURCE:
        raise ModelError(f"{path.name} is too long for a Python file. Choose another.")
    return source


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(_source(path), str(path))
    except SyntaxError as error:
        raise ModelError(
            f"{path.name} is no Python that can be run: {error.msg} in line {error.lineno}."
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes, absurd nesting
        raise ModelError(f"{path.name} is no Python that can be run: {error}.") from error


Definition = ast.FunctionDef | ast.ClassDef


def _makers(tree: ast.Module) -> dict[str, Definition]:
    libraries = _imported(tree)
    definitions = {
        node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    networks: set[str] = set()
    for name, node in definitions.items():  # a class comes after those it is made from
        if isinstance(node, ast.ClassDef):
            bases = [_dotted(base) for base in node.bases]
            if any(
                base.rpartition(".")[2] in _BASES
                or base in networks
                or base.partition(".")[0] in libraries
                for base in bases
            ):
                networks.add(name)
    return {
        name: node
        for name, node in definitions.items()
        if not name.startswith("_")
        and (
            (name in networks and _needs_nothing(_init_of(node, definitions)))
            or (
                isinstance(node, ast.FunctionDef)
                and _needs_nothing(node, method=False)
                and _gives_network(node, networks, libraries)
            )
        )
    }


def _imported(tree: ast.Module) -> set[str]:
    """Return the names that stand for (parts of) libraries of networks."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_LIBRARIES):
            found |= {item.asname or item.name for item in node.names}
        elif isinstance(node, ast.Import):
            names = [item for item in node.names if item.name.startswith(_LIBRARIES)]
            found |= {item.asname or item.name.partition(".")[0] for item in names}
    return found


def _gives_network(node: ast.FunctionDef, networks: set[str], libraries: set[str]) -> bool:
    said = _dotted(node.returns).strip("\"'").rpartition(".")[2] if node.returns else ""
    if said in networks or said in _BASES:
        return True
    returned = [item.value for item in ast.walk(node) if isinstance(item, ast.Return)]
    calls = [_dotted(item.func) for item in returned if isinstance(item, ast.Call)]
    if any(
        call in networks or call.rpartition(".")[2] in _BASES or call.partition(".")[0] in libraries
        for call in calls
    ):
        return True
    named = _MAKERS.fullmatch(node.name) and not _NO_MAKERS.search(node.name.removeprefix("load_"))
    return bool(named) and any(
        item is not None and not isinstance(item, ast.Constant) for item in returned
    )


def _dotted(node: ast.expr | None) -> str:
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value, name):
            return f"{_dotted(value)}.{name}"
        case ast.Constant(str() as text):
            return text
        case _:
            return ""


def _init_of(
    node: Definition, definitions: dict[str, Definition], depth: int = 10
) -> ast.FunctionDef | None:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return item
    for base in getattr(node, "bases", ()):
        parent = definitions.get(_dotted(base))
        if parent is not None and parent is not node and depth:
            return _init_of(parent, definitions, depth - 1)
    return None


def _needs_nothing(node: ast.FunctionDef | None, method: bool = True) -> bool:
    if node is None:
        return True
    given = node.args
    count = len(given.posonlyargs) + len(given.args) - len(given.defaults) - method
    return count <= 0 and None not in given.kw_defaults


def _check_maker(path: Path, maker: str) -> None:
    defined = {
        name
        for node in ast.walk(_parsed(path))
        for name in (
            [node.name]
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            else [item.asname or item.name for item in node.names]
            if isinstance(node, (ast.Import, ast.ImportFrom))
            else [node.id]
            if isinstance(node, ast.Name)
            else []
        )
    }
    if maker not in defined and "*" not in defined:
        known = candidates(path)
        listed = f" It has {', '.join(known)}." if known else ""
        raise ModelError(f"{path.name} has no “{maker}”.{did_you_mean(maker, known) or listed}")


def _local_sources(path: Path) -> tuple[Path, ...]:
    """Return the other files of its folder that a file imports, directly or through one another.

    They run with it, so they are trusted with it.
    """
    folder = path.absolute().parent
    found: dict[Path, None] = {}
    waiting = [path.absolute()]
    while waiting and len(found) < _MOST_SOURCES:
        file = waiting.pop()
        try:
            tree = ast.parse(_source(file))
        except (ModelError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for name in _imports(tree):
            parts = Path(*name.split("."))
            for place in (folder / parts, file.parent / parts):
                for inner in (place.with_suffix(".py"), place / "__init__.py"):
                    if inner.is_file() and inner not in found and inner != path.absolute():
                        found[inner] = None
                        waiting.append(inner)
    return tuple(sorted(found))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                parts = item.name.split(".")
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module:
                parts = module.split(".")
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
            yield from (f"{module}.{item.name}".strip(".") for item in node.names)


# ------------------------------------------------------------------------------------------ running


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let a file import its neighbours, and forget them: those of others may be called alike."""
    before, known = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - known:
            place = getattr(sys.modules[name], "__file__", None)
            if place and Path(place).is_relative_to(folder) and not name.startswith(_PRIVATE):
                del sys.modules[name]


_PRIVATE = "_cnnviz_factory_"


def _run(path: Path, source: bytes) -> ModuleType:
    """Run the file under a name of its own, which its classes keep as their module's."""
    name = _PRIVATE + hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
    module = ModuleType(name)
    module.__file__ = str(path.absolute())
    linecache.checkcache(str(path))
    code = compile(source, str(path), "exec", dont_inherit=True)
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _failure(path: Path, maker: str, error: BaseException) -> str:
    """Say in which line of the person's own files it failed."""
    folder = str(path.absolute().parent)
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if Path(frame.filename).absolute().is_relative_to(folder)
        and "site-packages" not in frame.filename
        and not Path(frame.filename).is_relative_to(Path(__file__).parents[1])
    ]
    text = " ".join(str(error).split())
    kind = type(error).__name__
    if isinstance(error, TypeError) and not own and "argument" in text:
        return (
            f"{maker} of {path.name} cannot be called without arguments ({text}). Add a function "
            f"that gives them: def make_model(): return {maker}(…)"
        )
    where = f"line {own[-1].lineno} of {Path(own[-1].filename).name}" if own else path.name
    what = f"{kind}: {text[:300]}" if text else kind
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno} of {Path(error.filename or path).name}"
        what = error.msg
    return f"The network cannot be made: {where} fails ({what}). Correct it and open it again."


def _kind(made: Any) -> str:
    if isinstance(made, type):
        return f"the class {made.__name__}"
    return "nothing" if made is None else f"a {type(made).__name__}"
