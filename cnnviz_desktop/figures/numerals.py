"""Write numbers for people: three digits that matter, true minus, thin spaces in thousands."""

from __future__ import annotations

import math

THIN_SPACE = "\u2009"
MINUS = "\u2212"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """Write a measured value with three significant digits, whole above 100."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    size = abs(value)
    if size == 0:
        return "0"
    if not 1e-3 <= size < 1e7:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}×10{str(int(exponent)).translate(_RAISED)}".replace("-", MINUS)
    rounded = float(f"{size:.2e}")  # 9.999 is written as 10.0
    places = max(0, 2 - math.floor(math.log10(rounded)))
    return _typeset(f"{value:,.{places}f}")


def count(value: int) -> str:
    """Write a whole number."""
    return _typeset(f"{value:,}")


def amount(value: int, one: str, many: str) -> str:
    """Write how many there are of something: "1 picture", "3 pictures"."""
    return f"{count(value)} {one if value == 1 else many}"


def percent(share: float) -> str:
    """Write a share 0..1 as a percentage with one decimal, never rounding to none or to all."""
    if math.isnan(share):
        return "NaN"
    if 0 < share < 0.0005:
        return f"<{THIN_SPACE}0.1{THIN_SPACE}%"
    if 0.9995 <= share < 1:
        return f">{THIN_SPACE}99.9{THIN_SPACE}%"
    return f"{100 * share:.1f}{THIN_SPACE}%"


def _typeset(digits: str) -> str:
    return digits.replace(",", THIN_SPACE).replace("-", MINUS)
