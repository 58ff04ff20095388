"""Refuse layers without maps or channels, and channels that a layer has not, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz_desktop.errors import LayerError, ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.data import LayerNode
    from cnnviz_desktop.engine.loaded_model import LoadedModel


def channels_of(model: LoadedModel, node: LayerNode, why: str = "") -> int:
    """Return how many channels a layer gives, as maps or as a vector; `why` they are needed."""
    if node.output_shape is None or len(node.output_shape) not in (1, 3):
        raise _missing(model, node, f"channels{why}")
    return node.output_shape[0]


def maps_of(model: LoadedModel, node: LayerNode, why: str = "") -> int:
    """Return how many maps a layer gives; `why` they are needed."""
    if not node.has_maps or node.output_shape is None:
        raise _missing(model, node, f"maps{why}")
    return node.output_shape[0]


def check_channel(
    layer: str, channels: int, channel: int | str, word: str = "channel", least: str = ""
) -> None:
    """Raise `ParameterError` unless a layer has the channel; below 0 it means `least` if given."""
    known = isinstance(channel, int) and (channel < channels if least else 0 <= channel < channels)
    if not known:
        also = f", or -1 for {least}" if least else ""
        raise ParameterError(
            f"{layer} has {channels} channels: {word} must be 0 to {channels - 1}{also}, not "
            f"{channel}."
        )


def _missing(model: LoadedModel, node: LayerNode, what: str) -> LayerError:
    return LayerError(
        f"{node.name} ({node.kind}) gives no {what}. Choose a layer with maps such as "
        f"{model.default_layer or 'a convolution'}."
    )
