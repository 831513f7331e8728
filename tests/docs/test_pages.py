"""The README is short, links lead somewhere, and the site builds without the network."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

from edge_emo.cli import main
from tests.docs.blocks import PAGES, ROOT
from tests.docs.test_blocks import page_id

_LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:edge_emo|export|benchmarks|tests|docs|models_onnx)/[\w/.-]+)`")


def anchors(page):
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor and "<!-- card fields -->" not in target.read_text(encoding="utf-8"):
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_are_named_are_there(page):
    made = {"benchmarks/folds/", "benchmarks/results/"}
    named = set(_PATH.findall(page.read_text(encoding="utf-8"))) - made
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_schema_is_linked():
    page = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    for schema in (ROOT / "docs" / "schemas").glob("*.json"):
        assert f"(../schemas/{schema.name})" in page


def test_the_reference_of_commands_is_their_help():
    generated = load_hook()
    text = generated.on_page_markdown("# Commands\n\n<!-- commands -->\n")
    assert text.startswith("# Commands\n\n## edge-emo\n")
    for name, command in main.commands.items():
        assert f"### edge-emo {name}\n" in text
        for option in command.params:
            if option.param_type_name == "option" and not option.hidden:
                assert max(option.opts, key=len) in text


def test_the_reference_of_cards_names_every_field():
    from edge_emo.models.schema import Card

    text = load_hook().card_fields()
    for name in Card.__dataclass_fields__:
        assert f"| `{name}` |" in text


def load_hook():
    spec = importlib.util.spec_from_file_location("generated", ROOT / "docs" / "generated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs the extra: pip install '.[docs]'")
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    loads = re.compile(r"""<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=["']?(?:https?:)?//""")
    for page in tmp_path.rglob("*.html"):
        assert loads.search(page.read_text(encoding="utf-8")) is None, page
