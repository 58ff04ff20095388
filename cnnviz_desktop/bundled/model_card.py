"""Write the bundled model's card from what its training was told and what it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz_desktop.bundled.network import INPUT_SIZE, MEAN, STD, WIDTHS
from cnnviz_desktop.bundled.pictures import CLASSES, SIZE

if TYPE_CHECKING:
    from cnnviz_desktop.bundled.training import Evaluation, Settings, Training


def model_card(training: Training, evaluation: Evaluation, settings: Settings) -> str:
    """Return the card of a trained network, in Markdown; it names no time, machine or path."""
    widths = ", ".join(map(str, WIDTHS))
    parameters = sum(parameter.numel() for parameter in training.net.parameters())
    classes = "\n".join(
        f"| {name} | {accuracy:.1%} |" for name, accuracy in evaluation.class_accuracy.items()
    )
    accuracies = {progress.step: progress.accuracy for progress in training.course}
    checkpoints = "\n".join(
        f"| `checkpoints/step-{step:05d}.safetensors` | {step} | {accuracies[step]:.1%} |"
        for step in training.checkpoints
    )
    return f"""\
# Model card: bundled

A small convolutional network that tells {len(CLASSES)} kinds of textured shapes apart. It ships
with CNNviz Desktop so that everything can be tried with no network connection, and so that
explanations can be scored where the truth is known. Licence: MIT, as the project; pictures and
weights are its own.

## Pictures

Drawn by `cnnviz_desktop.bundled.pictures`, {SIZE}x{SIZE} RGB: one object on clutter. Each texture
and each shape belongs to two classes, so neither alone decides. The object lies wholly inside,
anywhere, at any angle, in two random colours, and covers 5 to 20 % of the picture; its mask is
kept. The background holds plain shapes of the same outlines and faint textures. It is drawn from
the seed alone and is the same whatever the class.

## Network

- Four blocks of twice convolution, batch normalisation and ReLU, with {widths} channels and
  maps of 64, 32, 16 and 8 pixels a side; a global average; one linear layer.
- {parameters:,} parameters, float32.
- Input: {INPUT_SIZE}x{INPUT_SIZE}, RGB from 0 to 1, mean {MEAN}, standard deviation {STD}.
- The halving convolutions have even kernels, so that each map cell lies in the middle of the pixels
  it was made from.

## Training

- {settings.pictures:,} pictures, {settings.epochs} epochs: {settings.steps:,} steps of
  {settings.batch} pictures.
- Quarter turns, mirroring and exchanged colour channels.
- AdamW with a one-cycle learning rate up to {settings.learning_rate} and weight decay
  {settings.weight_decay}; seed {settings.seed}.
- Loss: cross-entropy plus {settings.off_object} times the share of the class's evidence at `blocks`
  that lies off the object (after Ross et al. 2017, arXiv:1703.03717).

**The network has thus been told where to look.** That Grad-CAM finds the object here says that the
explanation works, not that any network would look there.

## Measured on {evaluation.count:,} held-out pictures

Their seeds are disjoint from those of training.

- Accuracy {evaluation.accuracy:.2%}, mean confidence {evaluation.confidence:.2%}.
- Pointing game: the largest evidence at `blocks` falls on the object in {evaluation.pointing:.2%}.
- With the object left out of {evaluation.background_count:,} pictures, its class is guessed in
  {evaluation.background_accuracy:.2%} of them; chance is {1 / len(CLASSES):.2%}.

| class | accuracy |
|---|---|
{classes}

## Files

`bundled.safetensors` (the model), `labels.json`, `training.csv` (loss and accuracy on the way), and
weights kept during training in float16, with their accuracy on held-out pictures:

| file | step | accuracy |
|---|---|---|
{checkpoints}

## Limits

It knows these drawings and nothing else. To a photograph, or to a pair of texture and shape outside
the list, it gives one of its {len(CLASSES)} answers all the same, often with high confidence.

## Make it again

```
python -m cnnviz_desktop.bundled.training --epochs {settings.epochs} --threads {settings.threads}
```

The same machine, versions and thread count give the same bytes; others give a like network.
"""
