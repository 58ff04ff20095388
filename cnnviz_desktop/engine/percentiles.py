"""Say how much is much for a unit: a percentile of its values over pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.images import image_files, load_image
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.recording import interruptible, record
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ImageError

PICTURES = 500
SHARE = 0.999


def high_values(
    model: LoadedModel,
    layer: str,
    call: int,
    units: Sequence[int],
    folder: Path,
    run: Run = SILENT,
) -> Floats:
    """Return the 99.9th percentile of each unit's values (N) over a folder's first 500 pictures.

    Every place of a map counts; files that cannot be read do not. `layer` "" stands for the logits.
    """
    found: list[Floats] = []
    problem: ImageError | None = None
    for file in run.track(image_files(folder)[:PICTURES], "Measuring what is much"):
        try:
            image = load_image(file)
        except ImageError as error:
            problem = error
            continue
        tensor, _region = model.prepare(image)
        if layer:
            calls = {layer: call + 1}
            values = record(model.module, tensor, calls, run)[layer][call]
        else:
            with torch.inference_mode(), interruptible(model.module, run):
                values = model.logits(model.module(tensor))
        chosen = values[0, list(units)].reshape(len(units), -1)
        found.append(chosen.float().cpu().numpy())
    if problem is not None and not found:
        raise problem
    return np.quantile(np.concatenate(found, axis=1), SHARE, axis=1).astype(np.float32)
