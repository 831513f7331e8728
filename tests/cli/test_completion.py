"""Completion in shells, as the README tells to switch it on."""

import shutil

import pytest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_asks_the_command(edge_emo, shell):
    if shell == "bash" and not shutil.which("bash"):  # its version is asked for
        pytest.skip("no bash on the PATH")
    done = edge_emo(env={"_EDGE_EMO_COMPLETE": f"{shell}_source"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"_EDGE_EMO_COMPLETE={shell}_complete".encode() in done.stdout


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("edge-emo rec", {"recommend"}),
        ("edge-emo songs s", {"search", "show"}),
        ("edge-emo recommend --no-h", {"--no-history"}),
        ("edge-emo recommend --mood s", {"sad", "surprised"}),
    ],
)
def test_commands_options_and_choices_are_completed(edge_emo, words, completions):
    asked = {"_EDGE_EMO_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = edge_emo(env=asked)
    assert {line.split(",", 1)[1] for line in done.stdout.decode().splitlines()} == completions
