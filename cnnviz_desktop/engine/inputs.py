"""Settle how a network is fed: by what a person says, what is known of it, and its first layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from cnnviz_desktop.data import Finding, InputSpec
from cnnviz_desktop.engine.class_names import fitted, labels_finding, read_class_names
from cnnviz_desktop.engine.input_size import Probe, find_channels, find_side, probe
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.remembered_inputs import remember, remembered
from cnnviz_desktop.errors import CnnvizError, ModelError, ParameterError
from cnnviz_desktop.paths import expanded

__all__ = ["GUESSED", "Settled", "check_spec", "remember", "remembered", "settle", "usual"]

GUESSED = "Input guessed"  # the title of that finding
LARGEST_SIDE = 4096
_IMAGENET = Preprocessing((224, 224), 256)
_CUT_FROM = 128  # smaller pictures are shown whole; larger ones as ImageNet's networks see them
_LIKE_IMAGENET_FROM = 64
_LARGEST_STD = 10.0  # 58.395 is one of values from 0 to 255


@dataclass(frozen=True)
class Settled:
    """How a network is fed, its class names, what to say of it, and the spec that is in force."""

    preprocessing: Preprocessing
    labels: tuple[str, ...]
    findings: tuple[Finding, ...]
    spec: InputSpec


def settle(
    module: nn.Module,
    spec: InputSpec = InputSpec(),  # noqa: B008 - a frozen value
    remembered_for: Path | None = None,
    published: Preprocessing | None = None,
    labels: tuple[str, ...] = (),
    shape: tuple[int, int, int] | None = None,
) -> Settled:
    """Settle input and class names; the network is put in eval mode.

    What `spec` says goes before what was remembered for that file, that before what is `published`
    or the `shape` (channels, height, width) that a file states, and that before a guess. Raises
    `ParameterError` and `ModelError` with what would fit.
    """
    module.eval()
    check_spec(spec)
    kept = remembered(remembered_for) if remembered_for is not None else None
    if kept is None or remembered_for is None:
        return _settled(module, spec, published, labels, shape)
    findings = []
    if spec.labels is None and kept.labels is not None and not kept.labels.is_file():
        gone = f"The file of class names {kept.labels} is not there any more. Choose it again."
        findings.append(Finding("warning", "Class names missing", gone))
        kept = replace(kept, labels=None)
    merged = _merged(spec, kept)
    try:
        check_spec(merged)
        found = _settled(module, merged, published, labels, shape)
        if merged != spec:
            holds = f"What you said of {remembered_for.name} before holds: {_said(merged)}."
            findings.append(Finding("info", "Input as you set it", holds))
    except CnnvizError as error:
        found = _settled(module, spec, published, labels, shape)
        left_out = f"What you said of {remembered_for.name} before is left out: {error}"
        findings.append(Finding("warning", "What you set does not fit", left_out))
    return replace(found, findings=(*findings, *found.findings))


def usual(channels: int, size: tuple[int, int]) -> Preprocessing:
    """Return how pictures of that size are usually fed, nothing else being known.

    RGB from 64 pixels on is normalised as ImageNet's networks want it; grey and smaller pictures
    are brought to -1..1 (mean 0.5, std 0.5). Under 128 pixels a picture is scaled to the input
    whole; larger ones lose an eighth at the edges, as with ImageNet.
    """
    side = min(size)
    resize = round(side * _IMAGENET.resize / 224) if side >= _CUT_FROM else side
    if channels == 3 and side >= _LIKE_IMAGENET_FROM:
        return Preprocessing(size, resize, _IMAGENET.mean, _IMAGENET.std)
    return Preprocessing(size, resize, (0.5,) * channels, (0.5,) * channels)


def check_spec(spec: InputSpec) -> None:
    """Raise `ParameterError` where a spec is wrong whatever the network."""
    if spec.size is not None and not all(1 <= side <= LARGEST_SIDE for side in spec.size):
        raise ParameterError(
            f"An input of {_times(spec.size)} pixels cannot be: sides are 1 to {LARGEST_SIDE}."
        )
    for name, values in (("mean", spec.mean), ("std", spec.std)):
        if values is not None and (
            len(values) not in (1, 3) or not all(math.isfinite(item) for item in values)
        ):
            raise ParameterError(
                f"The {name} is one number for grey or three for RGB, not {_listed(values)}."
            )
    if spec.mean is not None and not all(0 <= item <= 1 for item in spec.mean):
        raise ParameterError(
            f"The mean is of values from 0 to 1, not {_listed(spec.mean)}. Divide one of values "
            "from 0 to 255 by 255."
        )
    if spec.std is not None and not all(0 < item <= _LARGEST_STD for item in spec.std):
        raise ParameterError(
            f"The std divides values from 0 to 1: {_listed(spec.std)} will not do. It must be more "
            "than 0; divide one of values from 0 to 255 by 255."
        )


# -------------------------------------------------------------------------------------- settling


def _merged(said: InputSpec, kept: InputSpec) -> InputSpec:
    """Fill in what was not said from what was kept, unless it is of other channels."""
    counts = {len(item) for item in (said.mean, said.std) if item is not None}
    other = bool(counts) and any(
        len(item) not in counts for item in (kept.mean, kept.std) if item is not None
    )
    return InputSpec(
        said.size or kept.size,
        said.mean or (None if other else kept.mean),
        said.std or (None if other else kept.std),
        said.labels or kept.labels,
    )


def _settled(
    module: nn.Module,
    spec: InputSpec,
    published: Preprocessing | None,
    labels: tuple[str, ...],
    shape: tuple[int, int, int] | None,
) -> Settled:
    if published is not None:
        channels = published.channels
    else:
        channels = shape[0] if shape is not None else find_channels(module, spec.size)
    _check_channels(spec, channels)
    found: Probe | None = None
    guessed_size = False
    if spec.size is not None:
        size = spec.size
        if published is None or size != published.size:
            found = _checked(module, channels, size, published)
    elif published is not None:
        size = published.size
    elif shape is not None:
        size = shape[1:]
    else:
        side, found = find_side(module, channels)
        size, guessed_size = (side, side), True
    base = _resized(published, size) if published is not None else usual(channels, size)
    preprocessing = replace(base, mean=spec.mean or base.mean, std=spec.std or base.std)
    findings: tuple[Finding, ...] = ()
    if published is None and (guessed_size or spec.mean is None or spec.std is None):
        findings = (_guess(preprocessing, spec, guessed_size),)
    if spec.labels is not None:
        classes = len(labels) or (found.classes if found is not None else 0)
        labels = read_class_names(expanded(spec.labels), classes)
        named = labels_finding(len(labels), classes)
        if named is not None:
            labels, findings = fitted(labels, classes), (*findings, named)
    return Settled(preprocessing, labels, findings, spec)


def _check_channels(spec: InputSpec, channels: int) -> None:
    if channels not in (1, 3):
        raise ModelError(
            f"The network takes {channels} channels: a picture has 1 (grey) or 3 (RGB), so CNNviz "
            "cannot show it one."
        )
    example = "0.485,0.456,0.406" if channels == 3 else "0.5"
    for name, values in (("mean", spec.mean), ("std", spec.std)):
        if values is not None and len(values) != channels:
            kind, count = ("RGB", "three") if channels == 3 else ("grey", "one")
            raise ParameterError(
                f"The network takes {kind} pictures: --{name} needs {count}, such as {example}, "
                f"not {_listed(values)}."
            )


def _checked(
    module: nn.Module, channels: int, size: tuple[int, int], published: Preprocessing | None
) -> Probe:
    """Return a pass over a picture of the size a person said; raise `ModelError` if it fails."""
    found = probe(module, channels, size)
    if found.fits:
        return found
    try:
        fitting = _times(published.size) if published is not None else ""
        if not fitting:
            side, _ = find_side(module, channels)
            fitting = _times((side, side))
    except ModelError:
        fitting = ""
    raise ModelError(
        f"The network does not take pictures of {_times(size)}: {found.reason}. "
        + (f"{fitting} fits." if fitting else "Try another --size.")
    )


def _resized(published: Preprocessing, size: tuple[int, int]) -> Preprocessing:
    """Return published preprocessing for another size, with the same share cut off at the edges."""
    if size == published.size:
        return published
    resize = round(published.resize * min(size) / min(published.size))
    return replace(published, size=size, resize=max(resize, min(size)))


def _guess(used: Preprocessing, spec: InputSpec, guessed_size: bool) -> Finding:
    parts, options = [], []
    if guessed_size:
        parts.append(f"{_times(used.size)} {used.colours}")
        options.append("--size")
    if spec.mean is None:
        parts.append(f"mean {_short(used.mean)}")
        options.append("--mean")
    if spec.std is None:
        parts.append(f"std {_short(used.std)}")
        options.append("--std")
    return Finding(
        "info",
        GUESSED,
        f"The file does not say how pictures go in: {', '.join(parts)} is a guess. "
        f"Change it in the window (Tools, Input and class names) or with {_and(options)}.",
    )


def _said(spec: InputSpec) -> str:
    parts = []
    if spec.size is not None:
        parts.append(_times(spec.size))
    if spec.mean is not None:
        parts.append(f"mean {_listed(spec.mean)}")
    if spec.std is not None:
        parts.append(f"std {_listed(spec.std)}")
    if spec.labels is not None:
        parts.append(f"class names from {spec.labels.name}")
    return ", ".join(parts)


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{item:g}" for item in values)


def _short(values: tuple[float, ...]) -> str:
    return _listed(values[:1] if len(set(values)) == 1 else values)


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
