from edge_emo.app.models import model_rows
from edge_emo.models.manifest import models_folder, read_manifest


def test_every_model_that_ships_is_listed_as_its_card_describes_it():
    rows = model_rows(None, load=False)
    manifest = read_manifest(models_folder())
    assert len(rows) == sum(len(entry.cards) for entry in manifest.models.values())
    assert {row.status for row in rows} == {"ok"}
    assert {row.name for row in rows if row.default} == set(manifest.tasks.values())


def test_a_file_that_its_card_does_not_describe_has_that_as_its_status(models):
    damaged = model_rows(str(models), load=False)[0]
    with open(damaged.file, "ab") as file:
        file.write(b"\0")
    for load in (False, True):
        first, *others = model_rows(str(models), load=load)
        assert "SHA-256" in first.status
        assert {row.status for row in others} == {"ok"}
