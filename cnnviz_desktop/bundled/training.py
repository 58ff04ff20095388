"""Train the bundled model on pictures it draws, and write its weights, checkpoints and samples.

    python -m cnnviz_desktop.bundled.training [--out DIR] [--samples DIR] [--epochs N] [--threads N]
        [--log-dir DIR]

The same command on the same machine writes the same files. Besides the cross-entropy the loss has
a small share for evidence that lies off the object ("right for the right reasons", Ross et al.
2017, arXiv:1703.03717), so that where an explanation ought to point is known.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.bundled.model_card import model_card
from cnnviz_desktop.bundled.network import BundledNet, normalised
from cnnviz_desktop.bundled.pictures import (
    CLASSES,
    HELD_OUT_SEEDS,
    SIZE,
    TRAINING_SEEDS,
    Drawing,
    background,
    draw,
    drawings,
    own_label,
)
from cnnviz_desktop.engine.tracking import Tracker, track
from cnnviz_desktop.resources import resource

State = Mapping[str, Tensor]

# Apart from each other: watched while training, measured at the end, and chosen by eye.
_WATCHED = HELD_OUT_SEEDS[:500]
_MEASURED = HELD_OUT_SEEDS[100_000:]
SAMPLE_SEEDS: Mapping[str, int] = {
    "striped star": 1_200_047,
    "dotted disc": 1_201_577,
    "checked hexagon": 1_202_245,
    "wavy ring": 1_203_629,
    "ringed triangle": 1_204_081,
    "striped cross": 1_205_351,
    "netted ring": 1_206_853,
    "dotted star": 1_207_730,
    "ringed hexagon": 1_208_284,
    "netted triangle": 1_209_022,
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a training depends on, besides the machine and the versions of its libraries."""

    pictures: int = 8000
    epochs: int = 8
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    off_object: float = 0.1  # the weight of evidence off the object in the loss
    held_out: int = 2400
    seed: int = 0
    threads: int = 2

    @property
    def steps(self) -> int:
        """Count the optimiser's steps; a last, smaller batch is left out."""
        return self.epochs * (self.pictures // self.batch)

    @property
    def kept_steps(self) -> tuple[int, ...]:
        """Return the steps whose weights are kept: untrained, early, on the way and final."""
        return (0, self.steps // 8, self.steps // 3, self.steps)


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures: `pixels` uint8 (B, 3, H, W), `labels` int64 (B,), `masks` bool (B, 1, H, W)."""

    pixels: Tensor
    labels: Tensor
    masks: Tensor

    def __getitem__(self, rows: Tensor) -> Batch:
        return Batch(self.pixels[rows], self.labels[rows], self.masks[rows])


@dataclass(frozen=True)
class Progress:
    """How far a training had come: mean loss since the last one, accuracy on held-out pictures.

    At step 0 the loss, too, is that on the held-out pictures.
    """

    step: int
    loss: float
    accuracy: float

    def __str__(self) -> str:
        return f"step {self.step}: loss {self.loss:.3f}, held out {self.accuracy:.1%}"


@dataclass(frozen=True, eq=False)
class Training:
    """A trained network, its weights at the kept steps and the course of its training."""

    net: BundledNet
    checkpoints: Mapping[int, State]
    course: Sequence[Progress]


@dataclass(frozen=True)
class Evaluation:
    """What a network is worth on held-out pictures; all but the counts are shares, 0 to 1.

    `pointing` is how often the largest evidence for the answer (Grad-CAM at `blocks`) falls on the
    object; `background_accuracy` how often the object's class is guessed with the object gone.
    """

    count: int
    accuracy: float
    class_accuracy: Mapping[str, float]
    confidence: float
    pointing: float
    background_count: int
    background_accuracy: float


def train(settings: Settings, log_dir: Path | None = None) -> Training:
    """Train a network as `settings` say, printing how far it is.

    With `log_dir` it is logged to TensorBoard's event files; the weights are the same.
    """
    with ExitStack() as stack:
        stack.enter_context(_reproducible(settings))
        print(f"drawing {settings.pictures} pictures")
        data = collate(drawings(TRAINING_SEEDS[: settings.pictures]))
        watched = collate(drawings(_WATCHED[: settings.held_out]))
        net = BundledNet().to(memory_format=torch.channels_last)
        optimiser = torch.optim.AdamW(
            net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.learning_rate, total_steps=settings.steps, pct_start=0.25
        )
        checkpoints = {0: _frozen(net)}
        with torch.inference_mode():
            first = float(_loss(net.eval(), watched, settings.off_object))
        course = [Progress(0, first, _accuracy(net, watched))]
        losses: list[float] = []
        tracker: Tracker | None = None
        if log_dir is not None:
            tracker = stack.enter_context(
                track(net, log_dir, images=normalised(watched.pixels[:8]))
            )
        net.train()
        for step, batch in enumerate(_batches(data, settings), start=1):
            loss = _loss(net, batch, settings.off_object)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            if tracker is not None:
                tracker.step(loss=loss)
            if step in settings.kept_steps:
                checkpoints[step] = _frozen(net)
            if step in settings.kept_steps or step % (settings.pictures // settings.batch) == 0:
                course.append(Progress(step, float(np.mean(losses)), _accuracy(net, watched)))
                losses.clear()
                print(course[-1])
                if tracker is not None:
                    tracker.scalars({"accuracy/held_out": course[-1].accuracy}, step - 1)
        return Training(net.eval(), checkpoints, course)


def evaluate(net: BundledNet, seeds: Sequence[int], bare_seeds: Sequence[int]) -> Evaluation:
    """Measure a network on the pictures of `seeds` and on the backgrounds of `bare_seeds`."""
    batch = collate(drawings(seeds))
    with torch.inference_mode():
        maps = torch.cat([net.blocks(normalised(part)) for part in torch.split(batch.pixels, 100)])
        probabilities = net.head(maps.mean((2, 3))).softmax(1)
        answers = probabilities.argmax(1)
        peaks = _upsampled(_evidence(net, maps, answers)).flatten(1).argmax(1, keepdim=True)
    right = answers == batch.labels
    return Evaluation(
        count=len(seeds),
        accuracy=_share(right),
        class_accuracy={
            name: _share(right[batch.labels == label]) for label, name in enumerate(CLASSES)
        },
        confidence=float(probabilities.max(1).values.mean()),
        pointing=_share(batch.masks.flatten(1).gather(1, peaks)),
        background_count=len(bare_seeds),
        background_accuracy=_background_accuracy(net, bare_seeds),
    )


def _background_accuracy(net: BundledNet, seeds: Sequence[int]) -> float:
    hits = 0
    with torch.inference_mode():
        for seed in seeds:
            bare = torch.from_numpy(background(seed)).movedim(2, 0)[None]
            hits += int(net(normalised(bare)).argmax()) == own_label(seed)
    return hits / len(seeds)


def write(training: Training, evaluation: Evaluation, settings: Settings, out: Path) -> None:
    """Write weights, checkpoints, labels, course and model card into the folder `out`."""
    checkpoints = out / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    (out / "bundled.safetensors").write_bytes(save(dict(_frozen(training.net))))
    for step, state in training.checkpoints.items():
        small = {name: x.half() if x.is_floating_point() else x for name, x in state.items()}
        (checkpoints / f"step-{step:05d}.safetensors").write_bytes(save(small))
    (out / "labels.json").write_text(json.dumps(CLASSES, indent=2) + "\n", encoding="utf-8")
    with (out / "training.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["step", "loss", "held_out_accuracy"])
        rows.writerows([p.step, f"{p.loss:.4f}", f"{p.accuracy:.4f}"] for p in training.course)
    card = model_card(training, evaluation, settings)
    (out / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def write_samples(net: BundledNet, folder: Path) -> None:
    """Write the sample pictures and their masks, printing how sure the network is of each."""
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    for name, seed in SAMPLE_SEEDS.items():
        drawing = draw(seed, CLASSES.index(name))
        file = f"{name.replace(' ', '-')}.png"
        Image.fromarray(drawing.pixels).save(folder / file, optimize=True)
        Image.fromarray(drawing.mask).save(folder / "masks" / file, optimize=True)
        with torch.inference_mode():
            probabilities = net(normalised(collate([drawing]).pixels)).softmax(1)[0]
        print(f"sample {name}: probability {float(probabilities[drawing.label]):.3f}")


def collate(drawn: Iterable[Drawing]) -> Batch:
    """Gather drawings into one batch."""
    drawn = list(drawn)
    pixels = torch.from_numpy(np.stack([drawing.pixels for drawing in drawn]))
    masks = torch.from_numpy(np.stack([drawing.mask for drawing in drawn]))
    labels = torch.tensor([drawing.label for drawing in drawn])
    return Batch(pixels.movedim(3, 1).contiguous(), labels, masks.unsqueeze(1))


@contextmanager
def _reproducible(settings: Settings) -> Iterator[None]:
    """Fix seeds, threads and algorithms, and put all of them back."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            torch.set_num_threads(settings.threads)
            torch.use_deterministic_algorithms(True)
            yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)


def _batches(data: Batch, settings: Settings) -> Iterator[Batch]:
    """Yield every step's pictures, turned, mirrored and with their colour channels exchanged."""
    count = settings.pictures // settings.batch
    for _ in range(settings.epochs):
        order = torch.randperm(settings.pictures)[: count * settings.batch]
        for rows in order.view(count, settings.batch):
            batch = data[rows]
            turns, mirror = int(torch.randint(4, ())), bool(torch.randint(2, ()))
            pixels, masks = (
                torch.rot90(x.flip(3) if mirror else x, turns, (2, 3))
                for x in (batch.pixels, batch.masks)
            )
            yield replace(batch, pixels=pixels[:, torch.randperm(3)], masks=masks)


def _loss(net: BundledNet, batch: Batch, off_object: float) -> Tensor:
    inputs = normalised(batch.pixels).contiguous(memory_format=torch.channels_last)
    maps = net.blocks(inputs)
    evidence = _evidence(net, maps, batch.labels).relu()
    cover = functional.adaptive_avg_pool2d(
        batch.masks.float(), (evidence.shape[1], evidence.shape[2])
    )[:, 0]
    outside = (evidence * (1 - cover)).sum((1, 2)) / (evidence.sum((1, 2)) + 1e-6)
    logits = net.head(net.pool(maps).flatten(1))
    return functional.cross_entropy(logits, batch.labels) + off_object * outside.mean()


def _evidence(net: BundledNet, maps: Tensor, classes: Tensor) -> Tensor:
    """Return what each place of the last maps adds to the logit of each picture's class.

    With an average and one linear layer behind them this is Grad-CAM but for a constant.
    """
    return torch.einsum("bchw,bc->bhw", maps, net.head.weight[classes])


def _upsampled(evidence: Tensor) -> Tensor:
    return functional.interpolate(evidence[:, None], (SIZE, SIZE), mode="bilinear")[:, 0]


def _accuracy(net: BundledNet, batch: Batch) -> float:
    training = net.training
    net.eval()
    with torch.inference_mode():
        parts = [net(normalised(part)).argmax(1) for part in torch.split(batch.pixels, 100)]
    net.train(training)
    return _share(torch.cat(parts) == batch.labels)


def _share(hits: Tensor) -> float:
    return float(hits.float().mean())


def _frozen(net: BundledNet) -> State:
    return {name: value.detach().clone().contiguous() for name, value in net.state_dict().items()}


def main(argv: Sequence[str] | None = None) -> None:
    """Train, measure and write the bundled model and the samples."""
    parser = argparse.ArgumentParser(prog="python -m cnnviz_desktop.bundled.training")
    parser.add_argument("--out", type=Path, help="where the model goes (the project's own)")
    parser.add_argument("--samples", type=Path, help="where the samples go (in --out, if given)")
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--threads", type=int, default=Settings.threads)
    parser.add_argument("--log-dir", type=Path, help="where TensorBoard's event files go (nowhere)")
    options = parser.parse_args(argv)
    out = options.out or resource(".") / "bundled"
    samples = options.samples or (out if options.out else resource(".")) / "samples"
    settings = Settings(epochs=options.epochs, threads=options.threads)
    training = train(settings, options.log_dir)
    # A network sees one or two classes in most backgrounds, so chance needs many to show.
    bare_seeds = _MEASURED[: 4 * settings.held_out]
    evaluation = evaluate(training.net, _MEASURED[: settings.held_out], bare_seeds)
    print(
        f"held out: accuracy {evaluation.accuracy:.2%}, pointing {evaluation.pointing:.2%}, "
        f"background alone {evaluation.background_accuracy:.2%}"
    )
    write(training, evaluation, settings, out)
    write_samples(training.net, samples)


if __name__ == "__main__":
    main()
