"""Write what the pages show anew: figures from the kept results, and the output of every "console" block.

python -m tests.docs.write            figures and output
python -m tests.docs.write --picture  also docs/timeline.png, to be looked at
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from benchmarks import report
from tests.docs import material
from tests.docs.blocks import PAGES, ROOT, Block, Terminal, runnable, with_output

PICTURE = ROOT / "docs" / "timeline.png"


def output(page: Path, text: str) -> str:
    """Return a page with what the commands of its "console" blocks print now."""
    last = max((block.line for block in runnable(page) if block.language == "console"), default=0)
    if not last:
        return text

    def code(block: Block) -> str:
        if block.language == "console":
            return "".join(f"$ {command}\n{terminal.shell(command).stdout}" for command, _ in block.transcript())
        if block.is_command and block.note is None and block.line < last:
            terminal.shell(block.code)  # later blocks may read what it wrote
        return block.code

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "page"
        folder.mkdir()
        material.write_all(folder)
        terminal = Terminal(folder, Path(made) / "commands")
        return with_output(text, page, code)


def write_picture(folder: Path) -> None:
    """Draw the timeline of the film by `edge-emo analyze`, in 256 colors."""
    from PIL import Image

    drawn = Terminal(folder, folder / "commands").shell("edge-emo analyze movie.mp4 --plot timeline.png")
    drawn.check_returncode()
    with Image.open(folder / "timeline.png") as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


@click.command()
@click.option("--picture", is_flag=True, help="Draw docs/timeline.png anew.")
def main(picture: bool) -> None:
    """Write the figures and the output of every page."""
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = output(page, report.with_figures(before) if page in report.PAGES else before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            click.echo(f"{page.relative_to(ROOT)}: written", err=True)
    if picture:
        with tempfile.TemporaryDirectory() as made:
            material.write_film(Path(made) / "movie.mp4", scene_s=8)
            write_picture(Path(made))


if __name__ == "__main__":
    main()
