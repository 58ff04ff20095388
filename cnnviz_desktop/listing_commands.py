"""The command line's `models`, `weights` and `layers`: lists of what there is."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.model_options import Add, add_model_options, load
from cnnviz_desktop.terminal import in_columns

if TYPE_CHECKING:
    from cnnviz_desktop.data import LayerNode


def add_listings(add: Add) -> None:
    """Add the three commands."""
    models = add("models", _models, "List or search the models that can be loaded by name.")
    models.add_argument(
        "search",
        nargs="*",
        metavar="WORD",
        help="a part of a name, family or source, a year (2015, “<2016”), parameters (“<10M”), "
        "accuracy (“>75”), size (“<100MB”), or here: weights on this machine; every word must fit",
    )
    models.add_argument("--json", action="store_true", help="print JSON")
    weights = add("weights", _weights, "List the downloaded weights, or delete one's.")
    weights.add_argument(
        "--delete", metavar="NAME", help="delete the weights of this model or file"
    )
    weights.add_argument("--json", action="store_true", help="print JSON")
    layers = add("layers", _layers, "List a model's layers with output shapes and parameters.")
    layers.add_argument("--json", action="store_true", help="print JSON")
    add_model_options(layers)


def _models(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine.catalogue import search

    entries = search(options.search)
    if options.json:
        print(json.dumps([entry.__dict__ for entry in entries], indent=2))
        return 0
    if not entries:
        raise ParameterError(
            f"No model fits “{' '.join(options.search)}”: every word has to. Use fewer words; "
            "“cnnviz models --help” says which there are."
        )
    rows = [
        (
            entry.name,
            str(entry.year or ""),
            f"{entry.parameters / 1e6:.1f} M" if entry.parameters else "",
            f"{entry.accuracy:.1f} %" if entry.accuracy else "",
            f"{entry.megabytes:.0f} MB" if entry.megabytes else "",
            "on this machine"
            if entry.here
            else "downloads once"
            if entry.published
            else "none published",
        )
        for entry in entries
    ]
    header = ("model", "year", "parameters", "top-1", "size", "weights")
    print(in_columns(header, rows, right=(2, 3, 4)))
    return 0


def _weights(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine import cached_weights

    if options.delete is not None:
        item = cached_weights.named(options.delete)
        cached_weights.delete(item)
        print(f"Deleted {item.path} ({item.megabytes:.0f} MB).")
        return 0
    found = cached_weights.cached()
    if options.json:
        print(json.dumps([item.__dict__ for item in found], indent=2, default=str))
        return 0
    if not found:
        print("No weights are downloaded. Loading a model by its name fetches them once.")
        return 0
    rows = [
        (
            item.model or "not of the catalogue",
            f"{item.megabytes:.1f} MB",
            f"{item.used:%Y-%m-%d}",
            str(item.path) + ("" if item.whole else " (unfinished)"),
        )
        for item in found
    ]
    print(in_columns(("model", "size", "used", "file"), rows, right=(1,)))
    print(f"{sum(item.megabytes for item in found):.0f} MB in all.")
    return 0


def _layers(options: argparse.Namespace) -> int:
    model = load(options)
    if options.json:
        print(json.dumps([_layer_row(node) for node in model.layers.walk() if node.name], indent=2))
        return 0
    rows = []
    for node in model.layers.walk():
        if not node.name:
            continue
        shape = "×".join(map(str, node.output_shape)) if node.output_shape else "–"
        indent = "  " * node.name.count(".")
        mark = "  ← default" if node.name == model.default_layer else ""
        alias = f"  {node.alias}" if node.alias else ""
        last = f"{node.calls:<5}{alias}{mark}".rstrip()
        rows.append((indent + node.label, node.kind, shape, f"{node.parameters:,}", last))
    print(f"{model.name}: {model.summary}")
    known = "  known as" if any(node.alias for node in model.layers.walk()) else ""
    header = ("layer", "kind", "output", "parameters", f"calls{known}")
    print(in_columns(header, rows, right=(2, 3)))
    print(f"Default layer: {model.default_layer or 'none'}. {model.default_reason}")
    return 0


def _layer_row(node: LayerNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind,
        "output_shape": node.output_shape,
        "parameters": node.parameters,
        "calls": node.calls,
        "alias": node.alias,
    }
