"""What --help says: every command grouped, with examples that are right, within 80 columns, in plain English."""

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from edge_emo.cli import main
from edge_emo.cli.help import Command

CLUMSY = ["is told", "from which on", "a rest of a", "that is marked so", "what ships", "by hand for all", "goes on"]


def leaves(command=main, path=()):
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    else:
        yield path, command


def help_of(path):
    done = CliRunner().invoke(main, [*path, "--help"], terminal_width=80, max_content_width=80)
    assert done.exit_code == 0
    return done.output


LEAVES = dict(leaves())


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_shows_two_examples_that_the_command_takes(path):
    command = LEAVES[path]
    assert isinstance(command, Command)
    assert len(command.examples) >= 2
    shown = help_of(path)
    for example in command.examples:
        assert f"  {example}\n" in shown
        name, *arguments = shlex.split(example.split(" > ")[0])
        assert (name, *arguments[: len(path)]) == ("edge-emo", *path)
        command.make_parser(click.Context(command)).parse_args(arguments[len(path) :])


@pytest.mark.parametrize("path", [(), ("songs",), ("history",), ("models",), *LEAVES], ids=lambda path: " ".join(path))
def test_help_fits_80_columns_and_reads_well(path):
    shown = help_of(path)
    for line in shown.splitlines():
        assert len(line) <= 80 or line.strip().startswith("--mood ["), line
    assert not [phrase for phrase in CLUMSY if phrase in " ".join(shown.split())]
    assert "..." not in re.sub(r"[A-Z]\]?\.\.\.", "", shown), "a summary that is cut off"


@pytest.mark.parametrize(
    ("path", "groups"),
    [
        (("analyze",), ["Sources", "Models", "Output", "Options", "Examples"]),
        (("recommend",), ["Sources", "Songs", "Models", "Output", "Options", "Examples"]),
        (("score",), ["Sources", "Cue sheet", "Songs", "Models", "Output", "Options", "Examples"]),
        (("songs", "search"), ["Songs", "Output", "Options", "Examples"]),
        (("models", "verify"), ["Models", "Output", "Options", "Examples"]),
    ],
)
def test_options_are_grouped(path, groups):
    assert re.findall(r"^(\w[\w ]*):$", help_of(path), re.MULTILINE) == groups


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_says_what_it_does(path):
    for param in LEAVES[path].params:
        if isinstance(param, click.Option) and not param.hidden:
            assert param.help, param.name


@pytest.mark.parametrize("group", ["models", "songs", "history"])
def test_a_group_without_a_command_prints_its_help_in_lines(edge_emo, group):
    done = edge_emo(group)
    assert done.returncode == 2
    assert done.stderr.decode() == edge_emo(group, "--help").stdout.decode()
