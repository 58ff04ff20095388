"""Say what the window asks of the engine: complete requests that run in the engine thread.

This is the seam between window and engine. A request is a frozen value with everything it needs;
called with a run, it gives its one answer. Heavy modules are imported here, inside the calls.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from cnnviz_desktop.data import (
    Activation,
    ImageInput,
    InputSpec,
    Inverted,
    LayerHealth,
    Maximised,
    Pixels,
    Prediction,
    Reading,
    Result,
)
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.errors import CnnvizError, ModelError
from cnnviz_desktop.gui.display import CARD, reduced
from cnnviz_desktop.gui.jobs import GarbageKeeper
from cnnviz_desktop.gui.tile_order import statistics

if TYPE_CHECKING:
    from cnnviz_desktop.engine.cached_weights import CachedWeights
    from cnnviz_desktop.engine.catalogue import CatalogueEntry
    from cnnviz_desktop.engine.loaded_model import LoadedModel

Source: TypeAlias = "Path | bytes | Pixels"

_MOMENT = 0.2  # seconds of decoding before the pictures so far are shown


@dataclass(frozen=True)
class Machine:
    """What the engine has to work with: devices as (id, what a person reads)."""

    devices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """A technique's result with all that it was made from; `partial` while it is not whole yet.

    `altered` is one that was changed or ended on its way: the technique alone gives another.
    """

    technique: Technique
    model: LoadedModel
    image: ImageInput | None
    result: Result
    seconds: float
    partial: bool = False
    altered: bool = False


@dataclass(frozen=True, eq=False)
class Opened:
    """Pictures decoded so far, a sentence for each that could not be, and what is left to open."""

    images: tuple[ImageInput, ...]
    failures: tuple[str, ...]
    rest: OpenImages | None
    select: bool


@dataclass(frozen=True, eq=False)
class Inspected:
    """A model's answer about one picture of the session."""

    key: int
    model: LoadedModel
    prediction: Prediction


class Engine(Protocol):
    """The engine as the window uses it; every method runs in the engine thread."""

    def start(self, run: Run) -> Machine:
        """Import what is needed and say what there is to work with."""

    def use_threads(self, count: int) -> None:
        """Compute with so many threads from now on, 0 for as many as there are cores."""

    def load_model(
        self,
        name: str,
        weights: Path | str | None,
        device: str,
        run: Run,
        *,
        spec: InputSpec,
        trust: bool,
    ) -> LoadedModel:
        """Build a network by name or from a file, with its own, local or no weights."""

    def catalogue(self) -> tuple[CatalogueEntry, ...]:
        """List the networks that can be loaded by name; quick, since nothing is imported."""

    def factories(self, path: Path) -> tuple[str, ...]:
        """Name what in a Python file may make a network."""

    def remember_input(self, path: Path, spec: InputSpec) -> None:
        """Take what is said of a model file's input for the next time as well."""

    def cached_weights(self) -> tuple[CachedWeights, ...]:
        """List the weights that were downloaded."""

    def delete_weights(self, item: CachedWeights) -> None:
        """Delete downloaded weights."""

    def load_image(self, source: Source) -> ImageInput:
        """Decode one picture."""

    def image_files(self, folder: Path) -> list[Path]:
        """List a folder's pictures."""

    def inspect(self, model: LoadedModel, image: ImageInput, run: Run) -> Prediction:
        """Ask the model what it sees."""

    def perform(
        self, technique: Technique, model: LoadedModel, image: ImageInput | None, run: Run
    ) -> Result:
        """Call the technique."""

    def read(
        self,
        model: LoadedModel,
        image: ImageInput,
        layer: str,
        call: int,
        place: tuple[int, int, int],
        run: Run,
    ) -> Reading:
        """Take one value of a map (channel, row, column) apart."""

    def health(
        self, model: LoadedModel, images: tuple[ImageInput, ...], run: Run
    ) -> tuple[LayerHealth, ...]:
        """Say how the channels of every layer fare over some pictures, one by one."""


class TorchEngine:
    """The real engine."""

    def start(self, run: Run) -> Machine:
        """Import torch and torchvision; list devices."""
        from cnnviz_desktop.engine.allocator import keep_freed_memory

        keep_freed_memory()
        with quiet_imports():
            _preload_torch()
            import_module("cnnviz_desktop.engine.models")
            import_module("cnnviz_desktop.engine.inspection")
        run.check()
        return Machine(_devices())

    def use_threads(self, count: int) -> None:
        """Tell torch, whose number holds for the calling thread."""
        from cnnviz_desktop.engine.threads import use_threads

        use_threads(count)

    def load_model(
        self,
        name: str,
        weights: Path | str | None,
        device: str,
        run: Run,
        *,
        spec: InputSpec,
        trust: bool,
    ) -> LoadedModel:
        """Build the network; the first of a kind imports a thousand modules."""
        from cnnviz_desktop.engine.models import load_model

        with quiet_imports():
            return load_model(name, weights, device, run, spec=spec, trust=trust)

    def catalogue(self) -> tuple[CatalogueEntry, ...]:
        """List the networks."""
        from cnnviz_desktop.engine.catalogue import catalogue

        return catalogue()

    def factories(self, path: Path) -> tuple[str, ...]:
        """Read the file without running it."""
        from cnnviz_desktop.engine.factories import candidates, only

        try:
            return (only(path),)
        except ModelError:
            found = candidates(path)
            if not found:
                raise
            return found

    def remember_input(self, path: Path, spec: InputSpec) -> None:
        """Keep it in the settings folder."""
        from cnnviz_desktop.engine.inputs import remember

        remember(path, spec)

    def cached_weights(self) -> tuple[CachedWeights, ...]:
        """Look into the cache."""
        from cnnviz_desktop.engine.cached_weights import cached

        return cached()

    def delete_weights(self, item: CachedWeights) -> None:
        """Delete the file."""
        from cnnviz_desktop.engine.cached_weights import delete

        delete(item)

    def load_image(self, source: Source) -> ImageInput:
        """Decode one picture."""
        from cnnviz_desktop.engine.images import load_image

        return load_image(source)

    def image_files(self, folder: Path) -> list[Path]:
        """List a folder's pictures."""
        from cnnviz_desktop.engine.images import image_files

        return list(image_files(folder))

    def inspect(self, model: LoadedModel, image: ImageInput, run: Run) -> Prediction:
        """Ask the model what it sees."""
        from cnnviz_desktop.engine.inspection import inspect

        return inspect(model, image, run)

    def perform(
        self, technique: Technique, model: LoadedModel, image: ImageInput | None, run: Run
    ) -> Result:
        """Call the technique."""
        return technique(model, image, run)

    def read(
        self,
        model: LoadedModel,
        image: ImageInput,
        layer: str,
        call: int,
        place: tuple[int, int, int],
        run: Run,
    ) -> Reading:
        """Read it."""
        from cnnviz_desktop.engine.reading import read

        return read(model, image, layer, *place, run=run, call=call)

    def health(
        self, model: LoadedModel, images: tuple[ImageInput, ...], run: Run
    ) -> tuple[LayerHealth, ...]:
        """Count, one picture at a time: a click waits for less."""
        from cnnviz_desktop.engine.health import health

        return health(model, images, run, batch=1)


@dataclass(frozen=True, eq=False)
class Start:
    """Start the engine -> `Machine`."""

    engine: Engine

    def __call__(self, run: Run) -> Machine:
        """Do it."""
        return self.engine.start(run)


@dataclass(frozen=True, eq=False)
class OpenImages:
    """Decode files, folders, encoded bytes or pixels for a moment -> `Opened`.

    `select`: whether the first picture becomes the current one.
    """

    engine: Engine
    sources: tuple[Source, ...]
    failures: tuple[str, ...] = ()
    select: bool = True

    def __call__(self, run: Run) -> Opened:
        """Decode what a moment allows; one bad file does not stop the others."""
        images: list[ImageInput] = []
        failures = list(self.failures)
        waiting = self._files(failures)
        until = time.perf_counter() + _MOMENT
        while waiting and (not images or time.perf_counter() < until):
            run.check()
            try:
                images.append(self.engine.load_image(waiting.pop(0)))
            except CnnvizError as error:
                failures.append(str(error))
            else:
                reduced(images[-1], CARD)  # here, or the window would stall over it
        rest = OpenImages(self.engine, tuple(waiting), tuple(failures), select=False)
        return Opened(tuple(images), tuple(failures), rest if waiting else None, self.select)

    def _files(self, failures: list[str]) -> list[Source]:
        """Replace folders by their pictures."""
        files: list[Source] = []
        for source in self.sources:
            if not isinstance(source, Path) or not source.is_dir():
                files.append(source)
                continue
            try:
                found = self.engine.image_files(source)
            except CnnvizError as error:
                failures.append(str(error))
                continue
            if not found:
                failures.append(f"There is no picture in the folder {source.name}.")
            files.extend(found)
        return files


@dataclass(frozen=True)
class Inspect:
    """Ask the model about one picture -> `Inspected`."""

    engine: Engine
    key: int
    model: LoadedModel
    image: ImageInput

    def __call__(self, run: Run) -> Inspected:
        """Do it."""
        return Inspected(self.key, self.model, self.engine.inspect(self.model, self.image, run))


@dataclass(frozen=True)
class Perform:
    """Run a technique -> `Answer`."""

    engine: Engine
    technique: Technique
    model: LoadedModel
    image: ImageInput | None

    def __call__(self, run: Run) -> Answer:
        """Do it and measure it, without the time that it was held."""
        start = time.perf_counter()
        result = self.engine.perform(self.technique, self.model, self.image, run)
        took = time.perf_counter() - start - run.waited
        if isinstance(result, Activation):
            statistics(result)  # here, or the window would have to
        technique = _as_long(self.technique, result) if run.finishing else self.technique
        altered = technique is None
        technique = technique or self.technique
        return Answer(technique, self.model, self.image, result, took, altered=altered)


def _as_long(technique: Technique, result: Result) -> Technique | None:
    """Return a technique that was ended early with the steps it made, if that makes the same."""
    if not isinstance(result, Maximised | Inverted) or technique.command == "gallery":
        return None
    steps = result.objectives.shape[-1]
    if steps >= result.steps:
        return technique
    if technique.values().get("steps") != result.steps:  # it counts them otherwise
        return None
    return replace(technique, **{"steps": max(1, steps)})


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Import heavy modules without stalling the window.

    Most of the stall is the garbage collector walking half-built modules with the GIL held: it
    rests meanwhile, and what was imported is then exempt from later collections.
    """
    with GarbageKeeper.held:
        was_enabled, known = gc.isenabled(), len(sys.modules)
        gc.disable()
        try:
            yield
        finally:
            if len(sys.modules) > known:
                gc.freeze()
            if was_enabled:
                gc.enable()


def _preload_torch() -> None:
    """Open torch's libraries with the GIL released, where that is possible.

    `import torch` opens them with the GIL held, which stalls the window by 190 ms, and so does
    `ctypes.CDLL(path)`. A call of the system's own dlopen lets go, as every foreign call does.
    """
    spec = find_spec("torch")
    if "torch" in sys.modules or spec is None or spec.origin is None or sys.platform == "win32":
        return
    folder = Path(spec.origin).parent / "lib"
    suffix = "dylib" if sys.platform == "darwin" else "so"
    with suppress(OSError, AttributeError):  # torch's own import says what is missing
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
        # In torch's own order: its global dependencies must be visible to what follows.
        for name, mode in (("global_deps", os.RTLD_GLOBAL), ("python", os.RTLD_LOCAL)):
            path = folder / f"libtorch_{name}.{suffix}"
            if path.exists():
                dlopen(os.fsencode(path), os.RTLD_NOW | mode)


def _devices() -> tuple[tuple[str, str], ...]:
    """List the devices of this machine, the CPU first."""
    torch: Any = sys.modules["torch"]  # imported by the engine
    threads = torch.get_num_threads()
    found = [("cpu", f"CPU, {threads} thread{'s' if threads != 1 else ''}")]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            found.append((f"cuda:{index}", torch.cuda.get_device_name(index)))
    if torch.backends.mps.is_available():
        found.append(("mps", "Apple GPU"))
    return tuple(found)
