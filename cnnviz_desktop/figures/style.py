"""Name the colours of data and the look of plates, in one place for screen and paper.

The default colour maps are baked in, byte for byte as matplotlib has them, because importing
matplotlib would hold up a window's first picture by 60 ms.
"""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.errors import ParameterError, did_you_mean, quoted

SEQUENTIAL = "magma"  # activations: dark reads "silent"
SIGNED = "RdBu_r"  # always with symmetric limits, so that white is zero
KERNELS = "gray"  # zero at mid-grey: excitatory light, inhibitory dark
OVERLAY = "inferno"  # heat on a photograph, its opacity growing with the value

SEQUENTIAL_MAPS = ("magma", "cividis", "viridis", "gray", "inferno")
SIGNED_MAPS = ("RdBu_r", "PuOr_r", "PRGn_r", "BrBG_r")

GAMMA = 0.7  # the window's default for rectified maps: lifts the faint without lying about zero

# A value that is not a number. No offered colour map comes near this cyan, so it cannot be mistaken
# for a measurement.
NO_VALUE = (0, 200, 220)

PINS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9")  # Okabe-Ito; bars only, too pale for text
CURVES_LIGHT = ("#1A1D21", "#005A8F", "#944500", "#00614A")
CURVES_DARK = ("#E6E9ED", "#56B4E9", "#E69F00", "#CC79A7")

# Red, green and blue as differences from entry to entry, one colour map after the other.
_LISTED = ("magma", "inferno", "viridis", "cividis")
_LISTED_TABLES = (
    "c-n<lOJc+z2o=&^q-W{6tKR=8wF&=U5=11<XcQih1#1xlP$xnglo3g=qJz$Yv>T<1Sq<x`(J>I5mM}GE5h5R"
    "G51QVdTV#6+iEZn)EeosCI$xiM*sAJmj=<=HXnOQvP|_c6q^lpiIUZ<qh#(em*gvjg@X;7D(HY4HPz=3;0f|"
    "LWOHAE_FfXW1bIdw&&1BF(7jMs_9zJfAHqey~{tx1DVgz~!HFrE@?9b>NEMH8mO@*3{UgvuhScVOELVf^##_"
    "uiaXPkS+8GPuDEUqlRgbDgiFg&yM#lD390rmm(hI?~~-Y8qCo4=r(g<_n=NPkuSc{kQ!Z*{4q2|hDl;$o(cs"
    "|kJbaL#=5O*)2NV>TeGwgR}cxTrd?rimP4L1HKb2xK}i`%IdO&LVgPz+7~~P-7BPksM;RhVAprdU{?}TPYi8"
    "*Hk>$8Vm58GHCcMDJb7Dy{K*IJwWHR3g;5s5N6m3mBEWb50nrS)KmydzaBVT7-n+GGyl&7S8N;@Lf_N#lfOr"
    "w)p3nKzTjrakuTHOG%N}Byy#Z~QT>L=_-b>H4|hAn+@ICfZ<MZP%LenU7n|Zwsqp0O{J|I1^6l7QlNCt9VlI"
    "Z`{H?Uw`}drPbK*@!rd1g&B^(YXod&^wF9v3g"
)
# ColorBrewer's diverging schemes and black to white: straight lines between these anchors.
_ANCHORED = {
    "gray": "000000 ffffff",
    "RdBu": "67001f b2182b d6604d f4a582 fddbc7 f7f7f7 d1e5f0 92c5de 4393c3 2166ac 053061",
    "PuOr": "7f3b08 b35806 e08214 fdb863 fee0b6 f7f7f7 d8daeb b2abd2 8073ac 542788 2d004b",
    "PRGn": "40004b 762a83 9970ab c2a5cf e7d4e8 f7f7f7 d9f0d3 a6dba0 5aae61 1b7837 00441b",
    "BrBG": "543005 8c510a bf812d dfc27d f6e8c3 f5f5f5 c7eae5 80cdc1 35978f 01665e 003c30",
}


@dataclass(frozen=True)
class PlateStyle:
    """The chrome of a plate: what is not data."""

    ground: str
    text: str
    muted: str
    line: str
    track: str  # the empty part of a bar
    accent: str  # the bar of the likeliest class
    bar: str  # the other bars
    against: str  # what takes away


LIGHT = PlateStyle(
    ground="#FFFFFF",
    text="#1A1D21",
    muted="#545C66",
    line="#D3D7DC",
    track="#EEF0F2",
    accent="#1B66C9",
    bar="#9DB4D0",
    against="#D55E00",
)
DARK = PlateStyle(
    ground="#151719",
    text="#E6E9ED",
    muted="#A0A9B4",
    line="#34383D",
    track="#24282C",
    accent="#6CB2FF",
    bar="#4F6F94",
    against="#E8833A",
)

# DejaVu Sans comes with matplotlib and has digits of one width, so plates look alike everywhere.
FONT = "DejaVu Sans"
TITLE_SIZE = 12.0  # points on the page
TEXT_SIZE = 8.5
CAPTION_SIZE = 7.0


@lru_cache(maxsize=64)
def lut(name: str) -> Pixels:
    """Return a colour map as 256 RGB rows, read-only; raise ParameterError for an unknown name."""
    # Read-only as the bytes are, for it is shared by every caller.
    return np.frombuffer(colours(name), np.uint8).reshape(256, 3)


@lru_cache(maxsize=64)
def colours(name: str) -> bytes:
    """Return the 256 RGB triples of a colour map; raise ParameterError for an unknown name.

    Without NumPy for the maps that are offered: a window shows them before NumPy is loaded.
    """
    base = name.removesuffix("_r")
    if base in _LISTED:
        rows = _unpack(_LISTED.index(base))
    elif base in _ANCHORED:
        rows = _interpolate(_ANCHORED[base])
    else:
        rows = _ask_matplotlib(base, name)
    return b"".join(reversed(rows) if name.endswith("_r") else rows)


def layer_shades(layers: int, *, dark: bool) -> list[str]:
    """Return a colour for each layer by its depth, to be told apart by anyone on a ground."""
    table = lut("viridis")
    low, high = (70, 250) if dark else (10, 205)
    rows = np.linspace(low, high, max(layers, 1)).round().astype(int)
    return ["#{:02x}{:02x}{:02x}".format(*table[row]) for row in rows[:layers]]


def _unpack(place: int) -> list[bytes]:
    """Return the 256 colours of a listed map."""
    packed = zlib.decompress(base64.b85decode(_LISTED_TABLES))[place * 768 : (place + 1) * 768]
    channels = (accumulate(packed[start : start + 256]) for start in (0, 256, 512))
    return [bytes(value % 256 for value in colour) for colour in zip(*channels, strict=True)]


def _interpolate(anchors: str) -> list[bytes]:
    """Return the 256 colours on straight lines between evenly spaced hex colours."""
    marks = [bytes.fromhex(word) for word in anchors.split()]
    rows = []
    for step in range(256):
        place, rest = divmod(step * (len(marks) - 1), 255)
        ends = zip(marks[place], marks[min(place + 1, len(marks) - 1)], strict=True)
        rows.append(bytes(round(low + (high - low) * rest / 255) for low, high in ends))
    return rows


def _ask_matplotlib(base: str, name: str) -> list[bytes]:
    """Return the 256 colours of a map that only matplotlib knows."""
    from matplotlib import colormaps

    if not re.fullmatch(r"\w+", base) or base not in colormaps:
        known = (*SEQUENTIAL_MAPS, *SIGNED_MAPS)
        hint = did_you_mean(name, known) or f" Try {', '.join(known)}."
        raise ParameterError(f"There is no colour map named {quoted(name)}.{hint}")
    table = np.asarray(colormaps[base](np.arange(256) / 255))[:, :3]
    return [row.tobytes() for row in np.round(table * 255).astype(np.uint8)]
