"""Help for every command."""

from pathlib import Path

from edge_emo.cli import main

ROOT = Path(__file__).parents[2]


def commands(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


def test_every_command_has_help_and_is_in_the_documentation(edge_emo):
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    for path, command in commands(main):
        assert command.help, path
        if not hasattr(command, "commands"):
            assert f"edge-emo {' '.join(path)}" in pages
    assert edge_emo("--help").returncode == 0
