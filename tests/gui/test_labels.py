"""Numbers as the window writes them, and text that gives way."""

from __future__ import annotations

import math

import pytest
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.labels import ElidedLabel

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (2965.4, "2\u2009965"),
        (-13.44, "−13.4"),
        (0.25, "0.25"),
        (0.0704, "0.070"),
        (1.2345e-7, "1.2e−7"),
        (-3.8e9, "−3.8e9"),
        (99.96, "100"),
        (9.996, "10.0"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
    ],
)
def test_values(number: float, text: str) -> None:
    assert labels.value(number) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.887, "88.7\u2009%"),
        (1.0, "100.0\u2009%"),
        (0.99999, ">99.9\u2009%"),
        (0.00001, "<0.1\u2009%"),
        (0.0, "0.0\u2009%"),
    ],
)
def test_percent_never_claims_certainty(share: float, text: str) -> None:
    assert labels.percent(share) == text


def test_counts_and_shapes() -> None:
    assert labels.count(740) == "740"
    assert labels.count(1_248_424) == "1.25\u2009M"
    assert labels.count(138_357_544) == "138\u2009M"
    assert labels.count(999_499) == "999\u2009k"
    assert labels.count(999_800) == "1.00\u2009M"
    assert labels.count(99_990_000) == "100\u2009M"
    assert labels.shape((96, 109, 109)) == "96×109×109"
    assert labels.shape(None) == "–"
    assert labels.whole(-1_234_567) == "−1\u2009234\u2009567"


def test_elided_label_keeps_the_whole_text_in_its_tooltip(qtbot, qapp: QApplication) -> None:
    theme.apply(qapp, "light")
    label = ElidedLabel("features.denseblock3.denselayer24.conv2")
    qtbot.addWidget(label)
    label.resize(60, 20)
    label.show()
    assert label.elided() and label.toolTip() == label.text()
    label.resize(label.sizeHint())
    assert not label.elided() and label.toolTip() == ""
    label.set_hint("A layer")
    assert label.toolTip() == "A layer"
    assert label.accessibleName() == label.text()
