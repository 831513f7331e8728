import json

from edge_emo.report import machine


def test_a_document_is_indented_unless_it_is_very_large(capsys, monkeypatch):
    machine.print_json({"a": [1, 2]})
    small = capsys.readouterr().out
    monkeypatch.setattr(machine, "_LARGEST_INDENTED", 5)
    machine.print_json({"a": [1, 2]})
    large = capsys.readouterr().out
    assert json.loads(small) == json.loads(large) == {"a": [1, 2]}
    assert small.count("\n") > 2
    assert large == '{"a":[1,2]}\n'


def test_names_that_are_no_utf8_are_printed_with_a_mark(capfdbinary):
    value = {"path": "a\udcff", "n": 1.5}
    for print_ in (machine.print_json, machine.print_json_line, machine.CsvPrinter()):
        print_(value)
    assert capfdbinary.readouterr().out.decode().count("a\N{REPLACEMENT CHARACTER}") == 3
