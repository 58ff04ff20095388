import pytest

from cnnviz_desktop.figures.numerals import count, number, percent


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (2965.4, "2\u2009965"),
        (-1234567.0, "\u22121\u2009234\u2009567"),
        (296.5, "296"),
        (29.64, "29.6"),
        (-2.965, "\u22122.96"),
        (0.2965, "0.296"),
        (0.00123, "0.00123"),
        (999.6, "1\u2009000"),
        (99.97, "100"),
        (-9.996, "\u221210.0"),
        (0.9999, "1.00"),
        (1.5e-9, "1.5×10⁻⁹"),
        (-2.5e12, "\u22122.5×10¹²"),
        (float("inf"), "∞"),
        (float("-inf"), "\u2212∞"),
        (float("nan"), "NaN"),
    ],
)
def test_number(value: float, written: str) -> None:
    assert number(value) == written


def test_count() -> None:
    assert count(2048) == "2\u2009048"


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.887, "88.7\u2009%"),
        (0.0, "0.0\u2009%"),
        (1.0, "100.0\u2009%"),
        (1e-6, "<\u20090.1\u2009%"),
        (0.99999, ">\u200999.9\u2009%"),
        (float("nan"), "NaN"),
    ],
)
def test_percent_rounds_neither_to_none_nor_to_all(share: float, written: str) -> None:
    assert percent(share) == written
