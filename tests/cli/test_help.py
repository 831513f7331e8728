"""Help for every command."""

from pathlib import Path

from edge_emo.cli import main

ROOT = Path(__file__).parents[2]


def commands(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


def test_every_command_has_help_and_is_in_the_readme(edge_emo):
    readme = (ROOT / "README.md").read_text()
    for path, command in commands(main):
        assert command.help, path
        if not hasattr(command, "commands"):
            assert f"edge-emo {' '.join(path)}" in readme
    assert edge_emo("--help").returncode == 0
