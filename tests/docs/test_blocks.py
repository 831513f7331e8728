"""Every command and every Python block of the documentation runs, or says why not and names only what there is."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tests.docs.blocks import (
    PAGES,
    ROOT,
    Block,
    alike,
    blocks,
    indented_commands,
    inline_commands,
    runnable,
    unknown,
    words_of,
)
from tests.docs.pip import problems

RUN_BY_CI = {"main command", "test command"}
NEEDS_TENSORFLOW = {ROOT / "docs" / "how-to" / "convert-a-model.md"}
"""Its blocks are run by tests/export."""
LANGUAGES = {"sh", "console", "python", "json", "text"}
RUN = [page for page in PAGES if runnable(page) and page not in NEEDS_TENSORFLOW]
NOT_RUN = [block for page in PAGES for block in blocks(page) if block.not_run]


def page_id(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.skipif(os.name == "nt", reason="the commands of the pages are for a POSIX shell")
@pytest.mark.parametrize("page", RUN, ids=page_id)
def test_what_a_page_shows_runs(page, terminal):
    if ".otio" in page.read_text(encoding="utf-8") and importlib.util.find_spec("opentimelineio") is None:
        pytest.skip("needs OpenTimelineIO, which has no wheel for this Python")
    for block in runnable(page):
        run(block, terminal)


def run(block, terminal):
    """Run a block; of a "console" block compare what comes with what is shown."""
    if block.language == "python":
        terminal.python(block)
    elif block.language == "sh":
        done = terminal.shell(block.code)
        assert done.returncode == 0, f"{block.place}: {done.stderr or done.stdout}"
    else:
        for command, shown in block.transcript():
            done = terminal.shell(command)
            assert done.returncode == 0, f"{block.place}: {command}: {done.stderr}"
            assert alike(shown, done.stdout), f"{block.place}: run python -m tests.docs.write\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_that_are_not_run_name_what_there_is(page):
    shown = [words for block in blocks(page) if block.not_run and block.is_command for words in words_of(block.code)]
    shown += [words for command in inline_commands(page) for words in words_of(command)]
    wrong = {" ".join(words): unknown(words) for words in shown}
    assert not {command: names for command, names in wrong.items() if names}


def test_few_blocks_are_not_run_and_each_says_why():
    assert [block.place for block in NOT_RUN if len(block.not_run) < 10] == []
    assert len(NOT_RUN) <= 12, [f"{block.place}: {block.not_run}" for block in NOT_RUN]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_block_says_its_language_and_no_command_hides(page):
    assert {block.language for block in blocks(page)} <= LANGUAGES
    assert {block.note for block in blocks(page) if block.not_run is None} <= RUN_BY_CI | {None}
    assert indented_commands(page) == []
    fences = sum(line.startswith("```") for line in page.read_text(encoding="utf-8").splitlines())
    assert fences == 2 * len(blocks(page))


def test_continuous_integration_runs_the_two_commands_of_the_readme():
    runs = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    noted = [block.note for block in blocks(ROOT / "README.md") if block.note]
    assert set(noted) >= RUN_BY_CI
    assert all(f'"{note}"' in runs for note in RUN_BY_CI)


def test_an_option_that_there_is_not_is_found():
    assert unknown(["edge-emo", "songs", "search", "piano", "--license", "cc-by"]) == []
    assert unknown(["edge-emo", "songs", "search", "--licence", "cc-by"]) == ["--licence"]
    assert unknown(["python", "-m", "benchmarks.nothing"]) == ["benchmarks.nothing"]
    assert unknown(["python", "-m", "benchmarks.scaling", "--smallest", "1"]) == ["--smallest"]
    assert unknown(["edge-emo", "songs", "find"]) == ["find"]


def test_a_release_that_there_is_not_is_not_installed():
    assert problems(["install", "-e", ".[test,video]"]) == []
    assert problems(["install", "edge-emo[video]"])
    assert problems(["install", ".[vidio]"])


def test_other_output_is_found_but_not_another_rounding():
    assert alike("sample: happy (71%)\n1. A\n", "sample: happy (71%)\n1. A\n")
    assert alike("sample: happy (71%)\n1. A\n", "sample: happy (70%)\n1. B\n")
    assert not alike("sample: happy (71%)\n1. A\n", "sample: happy (71%)\n1. B\n")
    assert not alike("sample: happy (71%)\n1. A\n", "sample: happy (51%)\n1. A\n")
    assert not alike("sample: happy (71%)\n1. A\n", "sample: sad (71%)\n1. A\n")
    assert alike("a.mp4\n 0.00 s  happy 91%  ███\n", "a.mp4\n 0.00 s  happy 90%  ██\n")
    assert not alike("a.mp4\n 0.00 s  happy 91%\n", "a.mp4\n 1.00 s  happy 91%\n")


def test_the_lines_of_a_transcript_are_told_apart():
    block = Block(ROOT / "README.md", 1, "console", "$ a -b\none\ntwo\n$ c\n", None)
    assert block.transcript() == [("a -b", "one\ntwo\n"), ("c", "")]
