"""The pages on the techniques say what the techniques are now."""

from __future__ import annotations

import re

import pytest

from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.reference import guide, index, page
from cnnviz_desktop.resources import resource

HEADS = ["When to use it", "When not to", "How to read it"]
WRITE = "run python -m cnnviz_desktop.reference docs/techniques.md"


def test_the_list_in_the_documentation_is_the_present_one(repository):
    written = (repository / "docs" / "techniques.md").read_text(encoding="utf-8")
    assert written == index(), WRITE


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.command)
def test_each_page_in_the_documentation_is_the_present_one(repository, kind):
    place = repository / "docs" / "techniques" / f"{kind.command}.md"
    assert place.read_text(encoding="utf-8") == page(kind, "../../resources/help/"), WRITE


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.command)
def test_each_technique_has_a_guide_that_says_when_and_how(kind):
    text = guide(kind)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADS
    first, *parts = re.split(r"^## .+$", text, flags=re.MULTILINE)
    assert len(first.split()) >= 12, "what it shows comes first"
    for head, part in zip(HEADS, parts, strict=True):
        assert len(part.split()) >= 12, f"{head}: say a little more"
    assert all(item.startswith("- ") for item in parts[0].strip().splitlines())


def test_every_parameter_is_on_its_page():
    for kind in TECHNIQUES:
        entry = page(kind)
        assert f"`cnnviz {kind.command} MODEL" in entry
        assert f"`{kind.__name__}`" in entry
        for item in kind.parameters():
            assert f"| `{item.option}` |" in entry
            assert item.help.replace("|", "\\|") in entry


def test_every_picture_is_of_a_technique_and_small():
    pictures = list(resource("help").glob("*.png"))
    commands = {kind.command for kind in TECHNIQUES}
    assert {path.stem for path in pictures} <= commands
    assert all(path.stat().st_size < 60_000 for path in pictures)


def test_sources_are_links():
    pages = "".join(page(kind) for kind in TECHNIQUES)
    assert "[arXiv:1610.02391](https://arxiv.org/abs/1610.02391)" in pages
    assert "[doi:10.23915/distill.00007](https://doi.org/10.23915/distill.00007)" in pages
