"""`edge-emo songs` on what ships."""

import pytest

from tests.cli.conftest import document


@pytest.mark.slow
def test_songs(edge_emo):
    found = document(edge_emo("songs", "search", "danse macabre", "--limit", 3, "--json"), "songs")["songs"]
    assert len(found) == 3
    shown = document(edge_emo("songs", "show", found[0]["uid"], "--json"), "songs")["songs"]
    assert shown == found[:1]
    assert b"credit: " in edge_emo("songs", "show", "inc:USUAN1100546").stdout
    missing = edge_emo("songs", "show", "nope")
    assert (missing.returncode, missing.stdout) == (1, b"")
    assert b"nope: no such song" in missing.stderr
    info = document(edge_emo("songs", "info", "--json"), "catalogue")["catalogue"]
    assert info["songs"] == 6047
    assert edge_emo("songs", "info", "--csv").stdout.startswith(b"group,name,songs\n")
