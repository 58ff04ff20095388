"""Recording all thirteen convolutions of VGG16, against a bare forward."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.ratio import Row
from cnnviz_desktop import load_model
from cnnviz_desktop.engine.recording import record


def rows() -> Iterator[Row]:
    """Yield the row: the bare pass ends where the recording pass does, at the last convolution."""
    model = load_model("vgg16", weights="none")
    tensor = torch.randn(1, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    convolutions = {
        name: 1 for name, child in model.module.named_modules() if isinstance(child, nn.Conv2d)
    }
    features = model.module.get_submodule("features")
    assert isinstance(features, nn.Sequential)
    bare = features[:29]

    def forward() -> None:
        with torch.inference_mode():
            bare(tensor)

    yield Row(
        name="record 13 convolutions of vgg16",
        contenders={
            "bare forward": forward,
            "cnnviz": lambda: record(model.module, tensor, convolutions),
        },
        target=1.06,
    )
