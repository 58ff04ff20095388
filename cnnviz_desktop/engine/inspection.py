"""Ask a classifier what it sees."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import Box, ImageInput, Prediction
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.recording import interruptible
from cnnviz_desktop.engine.run import SILENT, Run


def inspect(model: LoadedModel, image: ImageInput, run: Run = SILENT) -> Prediction:
    """Return the model's logits and probabilities for the picture."""
    tensor, region = model.prepare(image)
    with torch.inference_mode(), interruptible(model.module, run):
        logits = model.logits(model.module(tensor))[0]
    return prediction(model, logits, region)


def prediction(model: LoadedModel, scores: Tensor, region: Box) -> Prediction:
    """Return the answer that the scores (K,) of one picture are."""
    logits = scores.float().cpu().numpy()
    with np.errstate(invalid="ignore"):  # of a broken network, whose answer is no number
        shifted = np.exp(logits - logits.max())
        probabilities = shifted / shifted.sum()
    return Prediction(logits, probabilities, model.labels, region)
