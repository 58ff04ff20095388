"""Let torchvision import in a bundle whose torch is a little older than it.

torchvision describes its detection operators to torch when it is imported, and stops where their
compiled half did not load, as with a CPU-only torch of another release. No classifier uses them, so
a declaration is enough. Where they do load, theirs come first and nothing is declared here.
"""

import importlib.machinery
import importlib.util
import sys

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


class _Finder:
    """Declare the operators just before torchvision is imported, when torch has to be loaded."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            _declare()


def _declare():
    import torch  # noqa: PLC0415 - not before it is wanted

    try:
        torch.ops.load_library(_extension())
    except Exception:
        declared = torch.library.Library("torchvision", "DEF")
        for schema in _OPERATORS:
            declared.define(schema)
        sys.modules[__name__ + ".declared"] = declared  # as long as the program runs


def _extension():
    spec = importlib.util.find_spec("torchvision._C")
    return spec.origin


sys.meta_path.insert(0, _Finder())
