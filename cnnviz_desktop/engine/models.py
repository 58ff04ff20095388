"""Load a network by name or from a file, whatever the file is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from cnnviz_desktop.data import RANDOM, Finding, InputSpec
from cnnviz_desktop.engine import factories
from cnnviz_desktop.engine.catalogue import BUNDLED, TIMM, find, model_names
from cnnviz_desktop.engine.checkpoints import class_count
from cnnviz_desktop.engine.class_names import fitted
from cnnviz_desktop.engine.heads import new_layer, put_layer
from cnnviz_desktop.engine.inputs import settle
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.model_files import SCRIPT, ModelFile, recognise, written_as_path
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.tuned_files import SUFFIX, Origin, read_origin
from cnnviz_desktop.engine.weights import (
    drawn,
    load_state,
    load_what_fits,
    read_state,
    state_in,
    undrawn,
)
from cnnviz_desktop.errors import (
    ArchitectureError,
    CnnvizError,
    ModelError,
    ParameterError,
    did_you_mean,
)
from cnnviz_desktop.model_names import rooted
from cnnviz_desktop.paths import expanded
from cnnviz_desktop.resources import resource


@torch.inference_mode(False)  # what is made in that mode can never have gradients
def load_model(
    name: str | os.PathLike[str],
    weights: Path | str | None = None,
    device: str | torch.device = "cpu",
    run: Run = SILENT,
    *,
    spec: InputSpec = InputSpec(),  # noqa: B008 - a frozen value
    trust: bool = False,
) -> LoadedModel:
    """Load a network by name, from a file, or by a function in a Python file.

    `name` is one of “cnnviz models”, a file's path (a checkpoint, .pt2, ONNX, a pickled network),
    or “path/file.py:make_model”. `weights` is a file with a state dict (.pth, .safetensors), "none"
    for random weights, or None for the pretrained ones, which are downloaded once. `spec` says how
    pictures are fed to the network, where that cannot be found out. With `trust` a file may run
    code of its own, and is remembered.

    Raises `ModelError` where the name is unknown or the network or its weights cannot be had, as
    `TrustError` for a file that has to be trusted, as `ArchitectureError` for weights of no known
    network.
    """
    place = find_device(device)
    if not isinstance(name, (str, os.PathLike)):
        raise ModelError(
            "load_model takes a name or a file, no network in memory. Save its weights "
            '(torch.save(network.state_dict(), "mine.pth")) and name the function that makes it: '
            'load_model("net.py:make_network", weights="mine.pth", trust=True).'
        )
    name = os.fspath(name)
    tuned = _tuned_of(name, weights)
    if tuned is not None:
        return _tuned(*tuned, place, run, spec, trust)
    factory = factories.split(name)
    if factory is not None:
        return _made(name, *factory, weights, place, spec, trust)
    path = expanded(name)
    is_path = written_as_path(name)
    if not is_path and (name == BUNDLED or find(name) is not None):
        return _named(name, weights, place, run, spec, trust)
    if not is_path and not _exists(path, name):
        raise ModelError(
            f"There is no model “{name}”.{did_you_mean(name, model_names())} "
            "“cnnviz models” lists them all."
        )
    file = recognise(path)
    if file.kind == "python":
        maker = factories.only(path)
        return _made(f"{name}:{maker}", path, maker, weights, place, spec, trust)
    if weights is not None:
        raise ModelError(
            f"{path.name} holds weights of its own: leave --weights {weights} out. To load weights "
            "into a network give the network's name, or FILE.py:FUNCTION that makes it, as MODEL."
        )
    return _opened(name, file, place, run, spec, trust)


def find_device(device: str | torch.device) -> torch.device:
    """Return the device; raise `ParameterError` where this machine has no such one."""
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise ParameterError(
            f"There is no device “{device}”: use cpu, cuda, cuda:1 or mps."
        ) from error
    missing = (place.type == "cuda" and not torch.cuda.is_available()) or (
        place.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing or place.type not in ("cpu", "cuda", "mps"):
        raise ParameterError(f"This machine has no usable {place.type} device. Use cpu.")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise ParameterError(
            f"This machine has {torch.cuda.device_count()} CUDA devices: {place} is not one."
        )
    return place


def _exists(path: Path, name: str) -> bool:
    try:
        return bool(name) and path.exists()
    except (OSError, ValueError):  # too long, or with a NUL in it
        return False


# ----------------------------------------------------------------------------------------- by name


def _named(
    name: str,
    weights: Path | str | None,
    device: torch.device,
    run: Run,
    spec: InputSpec,
    trust: bool,
) -> LoadedModel:
    own = expanded(weights) if weights is not None and weights != RANDOM else None
    if own is not None and trust:
        _trust_weights(own)
    if name == BUNDLED:
        return _bundled(weights, device, spec, own)
    entry = find(name)
    if entry is not None and entry.source == "timm":
        from cnnviz_desktop.engine.timm_models import load_timm

        bare = entry.name.removeprefix(TIMM)
        loaded = replace(load_timm(bare, weights, device, run), name=name)
    else:
        from cnnviz_desktop.engine.torchvision_models import load_torchvision

        loaded = load_torchvision(name, weights, device, run)
    return _fed(loaded, weights, spec, own)


def _fed(
    model: LoadedModel, weights: Path | str | None, spec: InputSpec, own: Path | None
) -> LoadedModel:
    """Return the model fed and labelled as a person says, now or before of this file."""
    if spec == InputSpec() and own is None:
        return model
    settled = settle(model.module, spec, own, model.preprocessing, model.labels)
    findings = (*settled.findings, *model.findings)
    if settled.preprocessing.size == model.preprocessing.size:
        return replace(
            model,
            preprocessing=settled.preprocessing,
            labels=settled.labels,
            findings=findings,
            spec=settled.spec,
        )
    return ready(
        model.name,
        model.module,
        settled.labels,
        settled.preprocessing,
        model.device,
        weights,
        findings=findings,
        spec=settled.spec,
    )


def _bundled(
    weights: Path | str | None, device: torch.device, spec: InputSpec, own: Path | None
) -> LoadedModel:
    from cnnviz_desktop.bundled.network import BundledNet, preprocessing
    from cnnviz_desktop.bundled.pictures import CLASSES

    if weights == RANDOM:
        with drawn():
            module = BundledNet()
    else:
        path = own or resource("bundled/bundled.safetensors")
        state = read_state(path)
        with undrawn():
            module = BundledNet()
            classes = class_count(state, module.state_dict())
            if classes is not None:  # a head of one's own, as fine-tuning leaves it
                module = BundledNet(classes)
        load_state(module, state, BUNDLED, path)
    labels = CLASSES if module.head.out_features == len(CLASSES) else ()
    labels = labels or fitted((), module.head.out_features)
    settled = settle(module, spec, own, preprocessing(), labels)
    return ready(
        BUNDLED,
        module,
        settled.labels,
        settled.preprocessing,
        device,
        weights,
        findings=settled.findings,
        spec=settled.spec,
    )


def _trust_weights(path: Path) -> None:
    """Remember that a file of weights may run its code, where it has any."""
    from cnnviz_desktop.engine import trust

    file = recognise(path)
    if file.runs and file.kind in ("checkpoint", "pickle"):
        trust.require(path, file.runs, trust=True)


# -------------------------------------------------------------------------------------- fine-tuned


def _tuned_of(name: str, weights: Path | str | None) -> tuple[Path, Origin] | None:
    """Return the file of fine-tuned weights that is meant, and what it says of itself."""
    path = expanded(name if weights is None else weights)
    if path.suffix.lower() != SUFFIX or not _exists(path, str(path)):
        return None
    origin = read_origin(path)
    if origin is None or (weights is not None and rooted(name) != rooted(origin.model)):
        return None
    return path, origin


def _tuned(
    path: Path, origin: Origin, device: torch.device, run: Run, spec: InputSpec, trust: bool
) -> LoadedModel:
    """Return the network that fine-tuned weights are of, with their own head and classes."""
    catalogued = origin.model == BUNDLED or find(origin.model) is not None
    if catalogued:
        module = _named(
            origin.model, str(path), torch.device("cpu"), run, InputSpec(), trust
        ).module
    else:
        if origin.model.lower().endswith(SUFFIX):
            raise ModelError(f"{path.name} does not say what network it is of: tune it again.")
        module = load_model(origin.model, run=run, trust=trust).module
        try:
            old = module.get_submodule(origin.head)
        except AttributeError as error:
            raise ModelError(
                f"{path.name} replaced the layer {origin.head} of {origin.model}, which is not "
                "there any more. Take the file that the network was made by then."
            ) from error
        put_layer(module, origin.head, new_layer(old, len(origin.labels), 0))
        load_state(module, read_state(path), Path(origin.model).name, path)
    settled = settle(module, spec, path, origin.preprocessing, origin.labels)
    right = origin.made.get("accuracy")
    worth = f" {right:.1%} of the held-out pictures are told right." if _is_share(right) else ""
    data = f" on {origin.data}" if origin.data else ""
    found = Finding(
        "info",
        "Fine-tuned",
        f"{path.name} is {Path(origin.model).name}, fine-tuned{data} for "
        f"{len(origin.labels)} classes.{worth}",
    )
    by_file = not catalogued and factories.split(origin.model) is None
    return ready(
        str(path) if by_file else origin.model,
        module,
        settled.labels,
        settled.preprocessing,
        device,
        None if by_file else str(path),
        findings=(found, *settled.findings),
        spec=settled.spec,
    )


def _is_share(value: object) -> bool:
    return isinstance(value, float) and 0 <= value <= 1


# ------------------------------------------------------------------------------------- from files


def _made(
    name: str,
    path: Path,
    maker: str,
    weights: Path | str | None,
    device: torch.device,
    spec: InputSpec,
    trust: bool,
) -> LoadedModel:
    """Return the network that a function in a person's own file makes."""
    own = expanded(weights) if weights is not None and weights != RANDOM else None
    if own is not None:
        recognise(own)  # a wrong path is told before anything is run
    module = factories.make(path, maker, trust)
    findings: tuple[Finding, ...] = ()
    if own is not None:
        if trust:
            _trust_weights(own)
        findings = load_what_fits(module, read_state(own), f"{path.name}:{maker}", own)
    return _whole(name, module, device, weights, spec, own or path, findings=findings)


def _opened(
    name: str, file: ModelFile, device: torch.device, run: Run, spec: InputSpec, trust: bool
) -> LoadedModel:
    path = file.path
    match file.kind:
        case "onnx":
            from cnnviz_desktop.engine.onnx_models import load_onnx

            module, shape = load_onnx(path)
            return _whole(name, module, device, None, spec, path, shape)
        case "exported":
            from cnnviz_desktop.engine.exported import load_exported

            module, shape, findings = load_exported(file, trust)
            return _whole(name, module, device, None, spec, path, shape, findings)
        case "script":
            raise ModelError(SCRIPT.format(path.name))
        case _ if _is_network(file):
            from cnnviz_desktop.engine.exported import load_module

            return _whole(name, load_module(file, trust), device, None, spec, path)
        case _:
            return _guessed(file, device, run, spec, trust)


def _is_network(file: ModelFile) -> bool:
    """Tell whether a checkpoint is a pickled network: it names classes of layers."""
    layers = [item for item in file.runs if item.startswith("torch.nn.modules.")]
    return file.kind in ("checkpoint", "pickle") and bool(layers)


def _guessed(
    file: ModelFile, device: torch.device, run: Run, spec: InputSpec, trust: bool
) -> LoadedModel:
    """Return the known network that has such weights; raise `ArchitectureError` where none has."""
    from cnnviz_desktop.engine.architectures import guess, nearest

    path = file.path
    if trust:
        _trust_weights(path)
    state = state_in(file, mapped=True)
    names = guess(state)
    if not names:
        closest = nearest(state)
        raise ArchitectureError(
            f"{path.name} holds weights alone ({len(state)} tensors), and no known network has "
            f"such ones{f': {closest}' if closest else ''}. Point to the Python file that makes "
            "the network: --factory FILE.py:FUNCTION"
        )
    count = len(state)
    del state
    model = _named(names[0], str(path), device, run, spec, trust)
    others = f" {', '.join(names[1:6])} would fit as well." if names[1:] else ""
    found = Finding(
        "info",
        "Architecture guessed",
        f"{path.name} does not say what network it is of: its {count} tensors fit {names[0]}."
        f"{others}",
        names,
    )
    return replace(model, findings=(found, *model.findings))


def _whole(
    name: str,
    module: nn.Module,
    device: torch.device,
    weights: Path | str | None,
    spec: InputSpec,
    path: Path,
    shape: tuple[int, int, int] | None = None,
    findings: tuple[Finding, ...] = (),
) -> LoadedModel:
    """Return a network that came without a word on its input and classes, ready for use."""
    module = module.float()
    try:
        settled = settle(module, spec, path, shape=shape)
        return ready(
            name,
            module,
            settled.labels,
            settled.preprocessing,
            device,
            weights,
            findings=(*findings, *settled.findings),
            spec=settled.spec,
        )
    except CnnvizError:
        raise
    except Exception as error:  # a person's own code
        text = " ".join(str(error).split())[:300]
        raise ModelError(
            f"The network of {path.name} fails when it looks at a picture "
            f"({type(error).__name__}: {text}). Say what it takes with --size, or correct it."
        ) from error
