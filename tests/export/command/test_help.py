"""What `--help` says of each command. Runs without TensorFlow."""

import shlex

import pytest
from click.testing import CliRunner

from export.__main__ import main


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command_with_a_whole_sentence(option):
    done = CliRunner().invoke(main, [option])
    assert done.exit_code == 0
    for name in main.commands:
        (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == [name]]
        assert line.endswith(".")
        assert not line.endswith("...")


@pytest.mark.parametrize("name", main.commands)
def test_the_help_of_a_command_ends_with_two_examples_that_it_understands(name):
    done = CliRunner().invoke(main, [name, "-h"])
    assert done.exit_code == 0
    examples = done.stdout.split("Examples:\n")[1].splitlines()
    assert len(examples) == 2
    for example in examples:
        python, is_module, module, command, *arguments = shlex.split(example.split("&&")[0])
        assert [python, is_module, module, command] == ["python", "-m", "export", name]
        known = {option for parameter in main.commands[name].params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("-")} <= known
