"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from cnnviz_desktop.paths import expanded


def test_a_tilde_is_a_home_and_that_of_nobody_a_name(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("USERPROFILE", "/home/ann")
    assert expanded("~/maps") == Path("/home/ann/maps")
    assert expanded(Path("maps")) == Path("maps")
    assert expanded("~nobody-of-this-name/maps") == Path("~nobody-of-this-name/maps")
