"""A pretend engine, and a way to drive the real main() by real events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QEventLoop, QSettings, QThread, QTimer
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.data import (
    Activation,
    Arithmetic,
    Box,
    FilterBank,
    Finding,
    Heatmap,
    ImageInput,
    InputSpec,
    LayerHealth,
    LayerNode,
    Maximised,
    Prediction,
    Reading,
    Sheet,
    Strip,
    Table,
)
from cnnviz_desktop.engine.cached_weights import CachedWeights
from cnnviz_desktop.engine.catalogue import CatalogueEntry
from cnnviz_desktop.engine.techniques import FeatureMaps, Filters, Hierarchy, Summary
from cnnviz_desktop.errors import (
    ArchitectureError,
    ImageError,
    LayerError,
    ModelError,
    TrustError,
)
from cnnviz_desktop.gui.main_window import MainWindow
from cnnviz_desktop.gui.work import Machine
from cnnviz_desktop.model_names import file_in, short_name
from cnnviz_desktop.settings import FOLDER_VARIABLE

LABELS = ("striped star", "dotted disc", "checked hexagon", "wavy ring")


def layer_tree() -> LayerNode:
    def leaf(name: str, kind: str, shape: tuple[int, ...], calls: int = 1) -> LayerNode:
        return LayerNode(name, kind, shape, 10, calls)

    block = LayerNode(
        "block",
        "Sequential",
        (6, 8, 8),
        60,
        1,
        (
            leaf("block.conv1", "Conv2d", (4, 8, 8)),
            leaf("block.act", "ReLU", (4, 8, 8), calls=2),
            leaf("block.conv2", "Conv2d", (6, 8, 8)),
        ),
    )
    return LayerNode("", "Net", (4,), 100, 1, (block, leaf("head", "Linear", (4,))))


@dataclass(frozen=True)
class FakePreprocessing:
    """How pictures are fed to a FakeModel: three channels."""

    size: tuple[int, int] = (32, 32)
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    fit: str = "crop"
    channels: int = 3
    colours: str = "RGB"


ENTRIES = (
    CatalogueEntry("bundled", None, None, 1.2, True, "CNNviz", None, "bundled"),
    CatalogueEntry("resnet50", 25_557_032, 80.9, 102.5, False, "ResNet", 2015),
    CatalogueEntry("vgg16", 138_357_544, 71.6, 553.4, True, "VGG", 2014),
    CatalogueEntry("vgg19", 143_667_240, 72.4, 574.7, False, "VGG", 2014),
    CatalogueEntry(
        "timm:resnetv2_50",
        25_549_352,
        80.4,
        102.4,
        False,
        "ResNet V2",
        2016,
        "timm",
        aliases=("resnet50v2",),
    ),
    CatalogueEntry("timm:bare", 1_200_000, None, 0.0, False, "Bare", None, "timm", published=False),
)
NAMES = tuple(entry.name for entry in ENTRIES)


def summary_table() -> Table:
    return Table(
        "Architecture of bundled",
        ("layer", "kind", "parameters", "memory"),
        ("", "", "", "MB"),
        (
            ("block.conv1", "Conv2d", 1200, 0.5),
            ("block.act", "ReLU", 0, 0.25),
            ("block.conv2", "Conv2d", 34_000, None),
            ("head", "Linear", 90, 1.5),
        ),
        ("total", None, 35_290, 2.25),
        ("parameters",),
        ("2 Conv2d, 1 ReLU, 1 Linear.",),
    )


@dataclass(frozen=True, eq=False)
class FakeModel:
    """What the window uses of a LoadedModel."""

    name: str = "bundled"
    weights: str = "pretrained"
    labels: tuple[str, ...] = LABELS
    layers: LayerNode = field(default_factory=layer_tree)
    default_layer: str = "block"
    default_reason: str = "The last maps before the head."
    first_convolution: str = "block.conv1"
    summary: str = "100 parameters"
    device: str = "cpu"
    fingerprint: str = "f" * 64
    module: object = field(default_factory=object)
    preprocessing: Any = field(default_factory=FakePreprocessing)
    findings: tuple[Finding, ...] = ()
    spec: InputSpec = field(default_factory=InputSpec)

    @property
    def title(self) -> str:
        return short_name(self.name)

    def with_fit(self, fit: str) -> FakeModel:
        return replace(self, preprocessing=replace(self.preprocessing, fit=fit))

    def layer(self, name: str | None, *, weights: bool = False) -> LayerNode:
        wanted = name or (self.first_convolution if weights else self.default_layer)
        node = self.layers.find(wanted)
        if node is None:
            raise LayerError(f"{self.name} has no layer “{wanted}”.")
        return node


class FakeEngine:
    """An engine of a few numbers. `hold` makes a technique work until it is cancelled."""

    def __init__(self) -> None:
        self.performed: list[str] = []
        self.loaded: list[str] = []
        self.hold = threading.Event()
        self.deaf = 0.0  # seconds of work that hears no cancel
        self.busy = threading.Event()
        self.fail: Exception | None = None
        self.threads: set[str] = set()
        self.asked: list[tuple[str, Any, InputSpec, bool]] = []  # of load_model
        self.entries = ENTRIES
        self.findings: tuple[Finding, ...] = ()
        self.makers: tuple[str, ...] = ("make_model",)
        self.trusted: set[str] = set()
        self.inputs: dict[str, InputSpec] = {}
        self.cached: list[CachedWeights] = []
        self.thread_counts: list[int] = []
        self.healths: list[list[str]] = []  # the pictures of each measurement
        self.hold_health = threading.Event()
        self.read_places: list[tuple[Any, ...]] = []
        self.reach = 10**6  # steps that pictures grow at most, until it is raised
        self.adjusted: list[Any] = []  # what the growing was changed to on its way
        self.notes: tuple[str, ...] = ()

    def start(self, run: Any) -> Machine:
        self.threads.add(QThread.currentThread().objectName())
        return Machine((("cpu", "CPU, 2 threads"),))

    def use_threads(self, count: int) -> None:
        self.thread_counts.append(count)

    def load_model(
        self,
        name: str,
        weights: Any,
        device: str,
        run: Any,
        *,
        spec: InputSpec = InputSpec(),  # noqa: B008 - a frozen value
        trust: bool = False,
    ) -> FakeModel:
        self.asked.append((name, weights, spec, trust))
        file, _made_by = file_in(name)
        if file.endswith((".pt2", ".py")) and not (trust or file in self.trusted):
            runs = (f"all of {Path(file).name}", "os.system")
            raise TrustError("It runs code. Use --trust.", Path(file), "ab12" * 16, runs)
        if trust:
            self.trusted.add(file)
        if spec.size == (7, 7):
            raise ModelError("The network does not take pictures of 7×7. Try another --size.")
        made = FakeModel(name, weights=str(weights or "pretrained"), findings=self.findings)
        if file and not Path(file).is_file():
            raise ModelError(f"There is no file {file}. Check the path.")
        if file.endswith((".pth", ".safetensors")):  # weights alone
            guessed = next((item for item in NAMES if Path(file).stem.startswith(item)), "")
            if not guessed:
                raise ArchitectureError(
                    f"{Path(file).name} holds weights alone, and no known network has such ones. "
                    "Point to the Python file: --factory FILE.py:FUNCTION"
                )
            made = replace(made, name=guessed, weights=file)
        elif not file and name not in NAMES:
            raise ModelError(f"There is no model “{name}”. Did you mean vgg16?")
        self.loaded.append(made.name)
        kept = self.inputs.get(str(weights) if weights else file, spec)
        said = InputSpec(
            spec.size or kept.size,
            spec.mean or kept.mean,
            spec.std or kept.std,
            spec.labels or kept.labels,
        )
        feeding = replace(
            made.preprocessing,
            size=said.size or (32, 32),
            mean=said.mean or made.preprocessing.mean,
            std=said.std or made.preprocessing.std,
        )
        return replace(made, preprocessing=feeding, spec=said)

    def catalogue(self) -> tuple[CatalogueEntry, ...]:
        return self.entries

    def factories(self, path: Path) -> tuple[str, ...]:
        return self.makers

    def remember_input(self, path: Path, spec: InputSpec) -> None:
        self.inputs[str(path)] = spec

    def cached_weights(self) -> tuple[CachedWeights, ...]:
        return tuple(self.cached)

    def delete_weights(self, item: CachedWeights) -> None:
        self.cached.remove(item)
        self.entries = tuple(
            replace(entry, here=False) if entry.name == item.model else entry
            for entry in self.entries
        )

    def load_image(self, source: Any) -> ImageInput:
        if isinstance(source, Path):
            if not source.exists():
                raise ImageError(f"There is no picture {source.name}.")
            if source.suffix == ".txt":
                raise ImageError(f"{source.name} is text, not a picture.")
            seed = len(source.name)
            pixels = np.random.default_rng(seed).integers(0, 255, (40, 60, 3)).astype(np.uint8)
            return ImageInput(pixels, source)
        return ImageInput(np.zeros((20, 30, 3), np.uint8))

    def image_files(self, folder: Path) -> list[Path]:
        return sorted(folder.glob("*.png"))

    def inspect(self, model: Any, image: ImageInput, run: Any) -> Prediction:
        logits = np.array([3.0, 1.0, 0.5, 0.1], np.float32)
        shares = np.exp(logits) / np.exp(logits).sum()
        return Prediction(logits, shares, model.labels, image.whole)

    def read(
        self, model: Any, image: ImageInput, layer: str, call: int, place: Any, run: Any
    ) -> Reading:
        self.read_places.append((layer, *place))
        run.check()
        effective = np.zeros((32, 32), np.float32)
        effective[8:16, 8:16] = 1
        row, column = place[1:]
        field = Box(row * 2, column * 3, row * 2 + 12, column * 3 + 12)
        parts = Arithmetic(
            inputs=(3, 1),
            contributions=np.array([0.5, -0.25], np.float32),
            patches=np.ones((2, 3, 3), np.float32),
            kernels=np.full((2, 3, 3), 0.1, np.float32),
            rest=0.125,
            bias=0.0625,
            count=4,
            layer=layer,
            channel=place[0],
        )
        return Reading(layer, *place, 0.4375, image.whole, field, effective, parts, (9, 9))

    def health(self, model: Any, images: Any, run: Any) -> tuple[LayerHealth, ...]:
        names = [image.name for image in run.track(images, "Looking for dead channels")]
        self.healths.append(names)
        while self.hold_health.is_set():
            run.pause()
            time.sleep(0.002)
        return tuple(
            LayerHealth(
                layer=node.name,
                pictures=len(images),
                positive=np.linspace(0, 1, node.output_shape[0], dtype=np.float32),
                maximum=np.ones(node.output_shape[0], np.float32),
                saturated=np.zeros(node.output_shape[0], np.float32),
                dead=np.arange(node.output_shape[0]) < node.name.count("2"),
                unlearned=np.zeros(node.output_shape[0], bool),
            )
            for node in model.layers.walk()
            if not node.children and node.output_shape
        )

    def grow(self, technique: Any, model: Any, whole: Box, run: Any) -> Maximised:
        """Grow pictures up to `reach` steps, and wait there until that is raised."""
        count = getattr(technique, "count", 1)
        values = np.full((count, technique.steps), np.nan, np.float32)
        of_class = getattr(technique, "objective", "") == "class"
        first = technique.target if of_class else technique.channel
        names = [
            str(model.labels[first]) if of_class else f"channel {first + n}" for n in range(count)
        ]
        made, bright, grown, film = 0, 0.5, [0], [np.full((count, 6, 6, 3), 0.5, np.float32)]

        def result(finished: bool) -> Maximised:
            answer = self.inspect(model, ImageInput(np.zeros((6, 6, 3), np.uint8)), run)
            return Maximised(
                title=f"What {technique.layer} wants",
                layer="" if of_class else technique.layer,
                wanted=tuple(names),
                pictures=np.full((count, 12, 12, 3), bright, np.float32),
                objectives=values[:, :made].copy(),
                responses=np.full(count, 7.0, np.float32),
                threshold=np.full(count, np.nan, np.float32),
                growth=np.stack(film),
                grown=tuple(grown),
                answers=(answer,) * count if of_class and finished else (),
                steps=technique.steps,
                seed=technique.seed,
                notes=self.notes if finished else (),
            )

        for step in run.track(range(1, technique.steps + 1), "Growing pictures"):
            while step > self.reach and not run.finishing:
                run.pause()
                if made:
                    run.preview(result(finished=False))
                time.sleep(0.002)
            if run.finishing:
                break
            asked = run.adjusted()
            if asked is not None:
                self.adjusted.append(asked)
            growing = count if count < 3 or step > technique.steps // 2 else count - 1
            values[:growing, step - 1] = step  # the last of several begins late
            made, bright = step, min(1.0, step / 100)
            if step in (5, 10):
                grown.append(step)
                film.append(np.full((count, 6, 6, 3), bright, np.float32))
            run.preview(result(finished=False))
        return result(finished=True)

    def fill(self, technique: Any, model: Any, run: Any) -> Maximised:
        """Fill a gallery two channels at a time, growing them for four steps."""
        count = technique.count or 6
        numbers = np.arange(count, dtype=np.float32)

        def result(first: int, last: int, steps: int, title: str) -> Maximised:
            rows = slice(first, last)
            wide = last - first
            whole = title == "Gallery"
            curve = np.ones((wide, 1 if whole else steps), np.float32) * (numbers[rows, None] + 1)
            return Maximised(
                title=f"{title} of {technique.layer}",
                layer=technique.layer,
                wanted=tuple(f"channel {channel}" for channel in range(first, last)),
                pictures=np.full((wide, 12, 12, 3), steps / 8, np.float32),
                objectives=curve,
                responses=numbers[rows],
                threshold=np.full(wide, np.nan, np.float32),
                growth=np.full((1, wide, 4, 4, 3), 0.5, np.float32),
                grown=(4,) if whole else (0,),
                answers=(),
                steps=4,
                seed=0,
            )

        for first in run.track(range(0, count, 2), "Growing the gallery"):
            for step in range(1, 5):
                while first * 4 + step > self.reach and not run.finishing:
                    run.preview(result(first, first + 2, max(1, step - 1), "Pictures"))
                    run.pause()
                    time.sleep(0.002)
                run.preview(result(first, first + 2, step, "Pictures"))
            if run.finishing:
                return result(0, max(first, 1), 4, "Gallery")
            run.preview(result(0, first + 2, 4, "Gallery"))
        return result(0, count, 4, "Gallery")

    def perform(self, technique: Any, model: Any, image: ImageInput | None, run: Any) -> Any:
        self.busy.set()
        layer = getattr(technique, "layer", "")
        self.performed.append(f"{technique.command} {layer}")
        if self.fail is not None:
            raise self.fail
        if self.deaf:
            time.sleep(self.deaf)
        if technique.command == "gallery":
            return self.fill(technique, model, run)
        if technique.tab == "Maximise":
            return self.grow(technique, model, image.whole if image else Box(0, 0, 1, 1), run)
        for _ in run.track(range(2000), "Working"):
            if not self.hold.is_set():
                break
            time.sleep(0.005)
        whole = image.whole if image else Box(0, 0, 1, 1)
        found = model.layers.find(layer)
        channels = (found.output_shape or (4,))[0] if found else 4
        numbers = np.random.default_rng(channels)
        if isinstance(technique, FeatureMaps):
            values = numbers.random((channels, 8, 8), np.float32)
            return Activation(values, technique.layer, whole)
        if isinstance(technique, Hierarchy):
            maps = Activation(numbers.random((2, 8, 8), np.float32), "block.conv1", whole)
            return Sheet("tiny by stages", (Strip("Stage 1", maps, (3, 1), 4),))
        if isinstance(technique, Summary):
            return summary_table()
        if isinstance(technique, Filters):
            return FilterBank(numbers.normal(size=(4, 3, 3, 3)).astype(np.float32), "block.conv1")
        target = technique.target or 0
        values = numbers.normal(size=(8, 8)).astype(np.float32)
        return Heatmap(values, technique.layer, target, LABELS[target], 3.0, whole)


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    made = FakeEngine()
    yield made
    made.hold.clear()
    made.hold_health.clear()
    made.reach = 10**6


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "owl.png"
    path.write_bytes(b"pretend")
    return path


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the person's settings out of the tests and the tests' out of them."""
    folder = tmp_path_factory.mktemp("settings")
    form, scope = QSettings.Format.IniFormat, QSettings.Scope.UserScope
    QSettings.setPath(form, scope, str(folder))
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))


Script = Callable[[MainWindow], None]


@pytest.fixture
def drive(qapp: QApplication, engine: FakeEngine) -> Iterator[Callable[..., int]]:
    """Run main() and, inside its event loop, a script that is handed the window."""
    from cnnviz_desktop.gui.app import main

    before = set(QApplication.topLevelWidgets())
    threads = threading.active_count()

    def run(script: Script, *argv: str | Path, real: bool = False) -> int:
        errors: list[BaseException] = []

        def begin() -> None:
            window = the_window()
            try:
                script(window)
            except BaseException as error:
                errors.append(error)
            finally:
                window.close()
                # Where a script failed, a question may be open that keeps the window.
                QTimer.singleShot(0, partial(qapp.exit, 1) if errors else qapp.quit)

        QTimer.singleShot(0, begin)
        code = main([str(item) for item in argv], engine=None if real else engine)
        if errors:
            raise errors[0]
        return code

    yield run
    qapp.clipboard().clear()  # the offscreen platform crashes at exit over what is left there
    qapp.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [widget for widget in QApplication.topLevelWidgets() if widget not in before]
    assert not [widget for widget in left if widget.isVisible()], left
    assert not [widget for widget in left if isinstance(widget, MainWindow)], left
    assert threading.active_count() <= threads + 1, threading.enumerate()


def the_window() -> MainWindow:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
