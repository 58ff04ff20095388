"""Hold what is known of a network: its layers and what the doctor noticed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

PRETRAINED, RANDOM = "pretrained", "none"  # where weights are from that are no file


@dataclass(frozen=True)
class LayerNode:
    """One module of a network as a single dry pass saw it.

    `name` is dotted, "" for the root. `output_shape` leaves the batch out: (C, h, w) or (K,); None
    where the module was not called or returns no tensor. `parameters` counts its whole subtree.
    `calls` is how often one pass runs it. `alias` is the name that papers and Keras know it by.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int
    calls: int
    children: tuple[LayerNode, ...] = ()
    alias: str = ""

    @property
    def label(self) -> str:
        """Return the last part of the dotted name."""
        return self.name.rpartition(".")[2]

    @property
    def has_maps(self) -> bool:
        """Tell whether the output is a stack of maps (C, h, w)."""
        return self.output_shape is not None and len(self.output_shape) == 3

    def walk(self) -> Iterator[LayerNode]:
        """Yield this node and all below it, parents first, in the order of `named_modules()`."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> LayerNode | None:
        """Return the node of that dotted name, else of that alias, or None.

        A block answers to the name of its output without "_out" too: `conv4_block6`.
        """
        for node in self.walk():
            if node.name == name:
                return node
        wanted = {name.lower(), f"{name.lower()}_out"}
        return next((node for node in self.walk() if node.alias and node.alias in wanted), None)


@dataclass(frozen=True)
class Finding:
    """What the model doctor noticed: a title of a few words, a sentence, and names it is about."""

    severity: Literal["info", "warning", "error"]
    title: str
    detail: str
    items: tuple[str, ...] = ()
