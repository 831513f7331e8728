"""What the site says from the code itself: every command's help, and the fields of a card. A hook of MkDocs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from edge_emo.cli import main
from edge_emo.models.schema import Card


def commands() -> str:
    """Return a section for each command, with what its `--help` prints."""
    return "\n\n".join(
        f"{'#' * (1 + len(names))} {' '.join(names)}\n\n```text\n{text}\n```" for names, text in _helps(main, None)
    )


def _helps(command: click.Command, parent: click.Context | None) -> Iterator[tuple[list[str], str]]:
    name = command.name if parent else "edge-emo"
    context = click.Context(command, parent, info_name=name, **command.context_settings)
    yield context.command_path.split(), command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _helps(child, context)


def card_fields() -> str:
    """Return a section for each part of a card, with the type, the limits and the default of every field."""
    (_, parts) = msgspec.json.schema_components([Card])
    return "\n\n".join(_part(name, parts[name]) for name in sorted(parts, key=lambda name: name != "Card"))


def _part(name: str, part: dict[str, Any]) -> str:
    rows = [
        f"| `{field}` | {_kind(about)} | {_code(about['default']) if 'default' in about else 'required'} |"
        for field, about in part["properties"].items()
    ]
    about = " ".join(part["description"].split())
    return "\n".join([f"## {name}", "", about, "", "| field | value | default |", "|---|---|---|", *rows])


def _kind(about: dict[str, Any]) -> str:
    """Return what a field may be, in words."""
    if "anyOf" in about:
        return " or ".join(_kind(kind) for kind in about["anyOf"])
    if "$ref" in about:
        name = about["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in about:
        return ", ".join(_code(value) for value in about["enum"])
    if about.get("type") == "array":
        kind = about.get("items") or next(iter(about.get("prefixItems", ())), {})
        return f"list of {_kind(kind)}" if kind else "list"
    if about.get("type") == "object":
        return f"object of {_kind(about['additionalProperties'])}" if about.get("additionalProperties") else "object"
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {about[key]:,}" for key, sign in signs.items() if key in about]
    return " ".join([str(about.get("type", "anything")), ", ".join(limits)]).strip()


def _code(value: object) -> str:
    return f"`{msgspec.json.encode(value).decode()}`"


_MARKS: dict[str, Callable[[], str]] = {"<!-- commands -->": commands, "<!-- card fields -->": card_fields}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the generated sections where a page asks for them; MkDocs calls this for each page."""
    for mark, text in _MARKS.items():
        if mark in markdown:
            markdown = markdown.replace(mark, text())
    return markdown
