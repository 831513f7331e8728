"""What `--help` shows of a command: its options in groups, and examples."""

from __future__ import annotations

from typing import Any, ClassVar

import click

_GROUPS = {
    "Sources": "camera microphone list_devices voice face fps faces audio_track",
    "Service": "control absent_s hold_s every_s",
    "Fleet": "mqtt mqtt_name mqtt_prefix mqtt_login mqtt_ca metrics",
    "Cue sheet": "out force min_region_s crossfade_s frame_rate gaps edited another",
    "Songs": "mood count seed strategy intent license_choice min_duration_s max_duration_s genres instruments bpm "
    "occasions local limit uses_history catalogue data_dir",
    "Models": "precision voice_model face_model detector threads models_dir",
    "Output": "jsonl quiet notices details output output_file playlist play plot annotate",
}


class Command(click.Command):
    """A command whose help shows its options in groups, and at the end its `examples`."""

    groups: ClassVar[dict[str, str]] = _GROUPS
    """The names of the options in each group, with spaces between them; others come last."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group that has options here."""
        group_of = {name: group for group, names in self.groups.items() for name in names.split()}
        sections: dict[str, list[tuple[str, str]]] = {group: [] for group in (*self.groups, "Options")}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record:
                sections[group_of.get(str(param.name), "Options")].append(record)
        for group, records in sections.items():
            if records:
                with formatter.section(group):
                    formatter.write_dl(records, col_max=26)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line that can be copied."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class Group(click.Group):
    """A group of such commands."""

    command_class = Command
