import json

from edge_emo.report import machine


def test_a_document_is_indented_unless_it_is_very_large(monkeypatch):
    small = machine.json_document({"a": [1, 2]})
    monkeypatch.setattr(machine, "_LARGEST_INDENTED", 5)
    large = machine.json_document({"a": [1, 2]})
    assert json.loads(small) == json.loads(large) == {"a": [1, 2]}
    assert small.count(b"\n") > 2
    assert large == b'{"a":[1,2]}\n'


def test_rows_are_a_document_lines_of_json_or_csv_with_one_header():
    rows = [{"a": 1.25, "b": ["x", "y"]}, {"a": 2, "b": []}]
    found = {output: b"".join(machine.rendered(output, rows, {"rows": rows})) for output in ("json", "jsonl", "csv")}
    assert json.loads(found["json"]) == {"rows": rows}
    assert [json.loads(line) for line in found["jsonl"].splitlines()] == rows
    assert found["csv"] == b"a,b\n1.25,x|y\n2,\n"


def test_names_that_are_no_utf8_get_a_mark():
    value = {"path": "a\udcff", "n": 1.5}
    found = b"".join(render(value) for render in (machine.json_document, machine.json_line, machine.CsvLines()))
    assert found.decode().count("a\N{REPLACEMENT CHARACTER}") == 3
