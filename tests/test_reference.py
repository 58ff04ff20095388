"""The reference of all techniques says what they are now."""

from __future__ import annotations

from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.reference import page


def test_the_page_in_the_documentation_is_the_present_one(repository):
    written = (repository / "docs" / "techniques.md").read_text(encoding="utf-8")
    assert written == page(), "run python -m cnnviz_desktop.reference docs/techniques.md"


def test_every_technique_and_parameter_is_on_it():
    text = page()
    for kind in TECHNIQUES:
        entry = text.partition(f"### {kind.title}\n")[2].partition("\n### ")[0]
        assert f"`cnnviz {kind.command} MODEL" in entry
        assert f"`{kind.__name__}`" in entry
        for item in kind.parameters():
            assert f"| `{item.option}` |" in entry
            assert item.help.replace("|", "\\|") in entry


def test_sources_are_links():
    assert "[arXiv:1610.02391](https://arxiv.org/abs/1610.02391)" in page()
    assert "[doi:10.23915/distill.00007](https://doi.org/10.23915/distill.00007)" in page()
