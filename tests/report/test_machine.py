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
