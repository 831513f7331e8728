"""The README and the pages of docs/ say what the kept results say, and these are of the models that ship."""

import pytest

from benchmarks import environment, report
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder

RESULTS = sorted(path.stem for path in environment.RESULTS.glob("*.json"))


@pytest.mark.parametrize("path", report.PAGES, ids=lambda path: path.name)
def test_a_page_says_what_the_results_say(path):
    text = path.read_text(encoding="utf-8")
    assert text == report.with_figures(text), "run python -m benchmarks.report"
    assert text.count("<!-- figures:") == text.count("<!-- end of figures -->")


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_of_the_models_that_ship(name):
    for card, sha256 in environment.read(name)["environment"]["models"].items():
        assert read_card(models_folder() / card).sha256 == sha256, f"measure {name} again"


def test_a_figure_that_was_changed_by_hand_is_found():
    text = (environment.ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    changed = text.replace("`voice` int8 by fold: 0.", "`voice` int8 by fold: 1.")
    assert changed != text
    assert report.with_figures(changed) == text


def test_a_block_of_a_name_that_there_is_not_is_refused():
    with pytest.raises(KeyError):
        report.with_figures("<!-- figures: nothing -->\n<!-- end of figures -->")


def test_all_blocks_are_shown_somewhere():
    pages = "".join(path.read_text(encoding="utf-8") for path in report.PAGES)
    for name in report.BLOCKS:
        assert f"<!-- figures: {name} -->" in pages
