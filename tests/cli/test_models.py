"""`edge-emo models` on what ships."""

from tests.cli.conftest import document


def test_models_list(edge_emo):
    rows = document(edge_emo("models", "list", "--json"), "models")["models"]
    names = ("voice", "voice-classic", "face-detector", "face", "face-classic")
    assert {(row["name"], row["precision"]) for row in rows} == {(n, p) for n in names for p in ("fp32", "int8")}
    assert {row["name"] for row in rows if row["default"]} == {"voice", "face-detector", "face"}
    text = edge_emo("models", "list").stdout.decode()
    for row in rows:
        assert row["card"] in text
        assert all(f"{metric['name']} {metric['value']:.3f}" in text for metric in row["metrics"])
