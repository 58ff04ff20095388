"""Hold a network with all that is needed to use it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from cnnviz_desktop.data import PRETRAINED, RANDOM, Box, Finding, ImageInput, InputSpec, LayerNode
from cnnviz_desktop.engine.class_names import fitted
from cnnviz_desktop.engine.doctor import examine
from cnnviz_desktop.engine.input_size import first_line
from cnnviz_desktop.engine.layers import Trace, default_layer, trace
from cnnviz_desktop.engine.outputs import Watch, scores_of, use_logits, watched
from cnnviz_desktop.engine.preprocessing import Fit, Preprocessing
from cnnviz_desktop.engine.recording import first_tensor
from cnnviz_desktop.engine.remembered_inputs import remembered
from cnnviz_desktop.errors import LayerError, ModelError, ParameterError, TargetError, did_you_mean
from cnnviz_desktop.model_names import rooted
from cnnviz_desktop.paths import expanded

_FLOAT = torch.float32

_Wanted = tuple[Preprocessing, torch.device, torch.memory_format]
_inputs: WeakKeyDictionary[ImageInput, tuple[_Wanted, Tensor, Box]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network ready to be looked into: `module` in eval mode with its parameters frozen.

    `name` and `weights` are what loads it again: `weights` a file's name, "none" for random ones,
    "pretrained" for those that it comes with.
    `spec` is what a person said of its input, `findings` what the doctor noticed, errors first.
    """

    name: str
    module: nn.Module
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    device: torch.device
    layers: LayerNode
    default_layer: str
    default_reason: str
    weights: str
    findings: tuple[Finding, ...] = ()
    spec: InputSpec = field(default_factory=InputSpec)
    layout: torch.memory_format = torch.contiguous_format

    @property
    def title(self) -> str:
        """Return the name to show: a catalogue's, or that of a file without its folders."""
        return Path(self.name).name or self.name

    def prepare(self, image: ImageInput) -> tuple[Tensor, Box]:
        """Return the network's input (1, C, H, W) float32 and the box of the picture it covers.

        The last input of a picture is kept as long as the picture: walking the layers would scale
        a large photograph down again for each.
        """
        if not isinstance(image, ImageInput):  # a path, in a notebook
            raise ParameterError("A network looks at what load_image returns: load_image(...).")
        wanted = self.preprocessing, self.device, self.layout
        known = _inputs.get(image)
        if known is None or known[0] != wanted:
            tensor, region = self.preprocessing(image)
            tensor = tensor.to(self.device).contiguous(memory_format=self.layout)
            known = wanted, tensor, region
            if not image.pixels.flags.writeable:
                _inputs[image] = known
        return known[1].clone(), known[2]

    def spec_of(self, name: str, weights: str | None) -> InputSpec:
        """Return what is said of another network's input: of this one with other weights, the same.

        What a person said of the file of those holds for itself.
        """
        if rooted(name) != rooted(self.name) or weights in (None, PRETRAINED):
            return InputSpec()
        known = None if weights == RANDOM else remembered(expanded(str(weights)))
        return self.spec if known is None else InputSpec()

    def beside(self, first: LoadedModel) -> LoadedModel:
        """Return the same network, fed pictures that are cut as those of `first` are.

        Class names taken over from that one go where it has another count of classes.
        """
        own, theirs = self.spec.labels, first.spec.labels
        labels = self.labels
        if own is not None and own == theirs and len(labels) != len(first.labels):
            labels = fitted((), len(labels))
        return replace(self, labels=labels).with_fit(first.preprocessing.fit)

    def with_fit(self, fit: Fit) -> LoadedModel:
        """Return the same network fed by another way of fitting pictures: crop, squash or pad."""
        return replace(self, preprocessing=replace(self.preprocessing, fit=fit))

    def logits(self, output: object) -> Tensor:
        """Return the class scores (N, K) out of what the network gave."""
        scores = scores_of(output, len(self.labels))
        if scores is None:
            given = first_tensor(output)
            shape = "nothing" if given is None else "×".join(map(str, given.shape))
            raise ModelError(
                f"{self.title} answers with {shape}, not with one score per class. "
                "Feature maps and filters work; predictions and explanations need a classifier."
            )
        return scores

    def layer(self, name: str | None, *, weights: bool = False) -> LayerNode:
        """Return the layer of that name; None is the default one.

        With `weights` the default is the first convolution. Raises `LayerError` for an unknown
        layer and for one that a pass does not run.
        """
        if name is None:
            name = self.first_convolution if weights else self.default_layer
            if not name and weights:
                raise LayerError(
                    f"{self.title} has no convolution to begin with: name a layer with weights."
                )
            if not name:
                raise LayerError(
                    f"{self.default_reason} What explains the network's input, such as saliency, "
                    "needs none; else name a layer."
                )
        node = self.layers.find(name) if name else None
        if node is None:
            nodes = self.layers.walk()
            known = [word for item in nodes for word in (item.name, item.alias) if word]
            given = "" if self.weights == PRETRAINED else f" --weights {self.weights}"
            raise LayerError(
                f"{self.title} has no layer “{name}”.{did_you_mean(name, known)} "
                f"“cnnviz layers {self.name}{given}” lists them all."
            )
        if not weights and not node.calls:
            raise LayerError(
                f"{node.name} is not run when {self.title} looks at a picture. "
                "Choose another layer."
            )
        return node

    @property
    def first_convolution(self) -> str:
        """Return the name of the first layer with kernels, or ""."""
        kinds = (nn.Conv2d, nn.ConvTranspose2d)
        found = (name for name, child in self.module.named_modules() if isinstance(child, kinds))
        return next(found, "")

    def call(self, layer: LayerNode, call: int) -> int:
        """Return which of the layer's calls is meant, counted from 0; -1 is the last."""
        if not -1 <= call < layer.calls:
            times = "once" if layer.calls == 1 else f"{layer.calls} times"
            raise ParameterError(
                f"{layer.name} runs {times} in a pass: call must be -1 (the last) or "
                f"0 to {layer.calls - 1}, not {call}."
            )
        return call % layer.calls

    def target(self, target: int | str | None, logits: Tensor) -> int:
        """Return the class index meant by an index, a label, or None for the likeliest."""
        if target is None:
            return int(logits.argmax())
        if isinstance(target, str) and not target.strip().removeprefix("-").isdecimal():
            return self._labelled(target)
        index = int(target)
        if not 0 <= index < len(self.labels):
            raise TargetError(
                f"{self.title} has no class {index}: it knows {len(self.labels)} classes, "
                f"0 to {len(self.labels) - 1}."
            )
        return index

    def _labelled(self, label: str) -> int:
        wanted = label.strip().lower()
        found = [index for index, known in enumerate(self.labels) if known.lower() == wanted]
        if len(found) > 1:
            raise TargetError(
                f"{self.title} has {len(found)} classes called “{label}”: choose one by its index, "
                f"{' or '.join(map(str, found))}."
            )
        if not found:
            close = did_you_mean(label, self.labels)
            hint = close or f" Name one of its classes or an index, 0 to {len(self.labels) - 1}."
            raise TargetError(f"{self.title} has no class “{label}”.{hint}")
        return found[0]

    @property
    def parameters(self) -> int:
        """Count the parameters."""
        return self.layers.parameters

    @property
    def summary(self) -> str:
        """Say in one line what this network is."""
        count = self.parameters
        size = f"{count / 1e3:.1f} k" if count >= 1e3 else f"{count}"
        size = f"{count / 1e6:.2f} M" if count >= 1e5 else size
        height, width = self.preprocessing.size
        kind = " · random weights" if self.weights == RANDOM else ""
        grey = " grey" if self.preprocessing.channels == 1 else ""
        classes = "1 class" if len(self.labels) == 1 else f"{len(self.labels)} classes"
        return f"{size} parameters · {height}×{width}{grey} · {classes}{kind}"

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of names, shapes and bytes of all weights, as hex."""
        digest = hashlib.sha256()
        for name, tensor in self.module.state_dict().items():
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            if flat.numel():
                digest.update(flat.view(torch.uint8).numpy().data)
        return digest.hexdigest()


def ready(
    name: str,
    module: nn.Module,
    labels: tuple[str, ...],
    preprocessing: Preprocessing,
    device: torch.device,
    weights: Path | str | None,
    *,
    findings: Iterable[Finding] = (),
    spec: InputSpec | None = None,
) -> LoadedModel:
    """Freeze a network, lay it out for the device, run it once, and let the doctor examine it.

    `findings` are what loading noticed. Labels are made to fit the scores: a class without a name
    is "class 7". Raises `ModelError` where the network cannot run.
    """
    module = module.eval().requires_grad_(False)
    if any(item.is_floating_point() and item.dtype != _FLOAT for item in module.parameters()):
        module = module.to(_FLOAT)  # half precision saves space in files; pictures come in single
    module = module.to(device)  # not before: Apple's devices know no double precision
    example = torch.zeros(1, preprocessing.channels, *preprocessing.size, device=device)
    seen, watch, layout = _laid_out(module, example, len(labels))
    end = use_logits(module, watch, len(labels))
    noticed = examine(
        module,
        seen,
        labels,
        (*findings, *(() if end is None else (end,))),
        used=watch.used,
        drawn=weights == RANDOM,
    )
    layer, reason = default_layer(module, seen)
    origin = PRETRAINED if weights is None else str(weights)
    return LoadedModel(
        name=name,
        module=module,
        labels=fitted(labels, seen.outputs) if seen.outputs else labels,
        preprocessing=preprocessing,
        device=device,
        layers=seen.root,
        default_layer=layer,
        default_reason=reason,
        weights=origin,
        findings=noticed,
        spec=InputSpec() if spec is None else spec,
        layout=layout,
    )


def _laid_out(
    module: nn.Module, example: Tensor, classes: int
) -> tuple[Trace, Watch, torch.memory_format]:
    """Bring a network to the memory layout in which it is fastest, and run it once."""
    layout = torch.contiguous_format
    if example.device.type == "cpu":
        # Measured: a pass takes 0.6 to 0.97 of the time it takes in the default layout.
        layout = torch.channels_last
        module.to(memory_format=layout)
    try:
        return *_run_once(module, example.contiguous(memory_format=layout), classes), layout
    except ModelError as error:
        if layout is torch.contiguous_format or "view size is not compatible" not in str(error):
            raise
    # x.view(-1, 400), as many write it where x.flatten(1) is meant, knows the default layout alone.
    layout = torch.contiguous_format
    module.to(memory_format=layout)
    return *_run_once(module, example, classes), layout


def _run_once(module: nn.Module, example: Tensor, classes: int) -> tuple[Trace, Watch]:
    """Return what one pass shows of the network."""
    try:
        with watched(module) as watch:
            seen = trace(module, example)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a network of someone's own raises
        raise ModelError(
            f"The network fails at a picture of {'×'.join(map(str, example.shape[1:]))} (channels, "
            f"height, width): {first_line(error)}. Say its size: --size HEIGHTxWIDTH."
        ) from error
    scores = scores_of(watch.answer, classes)
    return replace(seen, outputs=0 if scores is None else scores.shape[1]), watch
