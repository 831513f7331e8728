"""The models of a folder: what their cards say, and whether their files are sound."""

from __future__ import annotations

from pathlib import Path

from edge_emo.app.documents import ModelRow
from edge_emo.core.errors import ModelError
from edge_emo.models.card_json import read_card
from edge_emo.models.manifest import models_folder, read_manifest
from edge_emo.models.session import Model, verified


def model_rows(models_dir: str | None, *, load: bool) -> list[ModelRow]:
    """Return a row for each model file of a folder, by default of those that ship.

    Its `status` is "ok" where the SHA-256 is that of the card and, with `load`, the model can be loaded. Raises
    ModelError where the manifest cannot be read.
    """
    folder = Path(models_dir) if models_dir else models_folder()
    manifest = read_manifest(folder)
    rows = []
    for name, entry in manifest.models.items():
        for precision, card_name in entry.cards.items():
            is_default = name in manifest.tasks.values() and precision == entry.default
            try:
                card = read_card(folder / card_name)
            except ModelError as error:
                card_path = str(folder / card_name)
                rows.append(ModelRow(name, "", "", precision, is_default, card_path, "", 0.0, "", "", [], str(error)))
                continue
            path, status = folder / card.file, "ok"
            try:
                if load:
                    Model(folder / card_name).load()
                else:
                    verified(path, card)
            except ModelError as error:
                status = str(error)
            size = path.stat().st_size / 1000 if path.is_file() else 0.0
            rows.append(
                ModelRow(
                    card.name,
                    card.version,
                    card.task,
                    card.precision,
                    is_default,
                    str(folder / card_name),
                    str(path),
                    round(size, 1),
                    card.sha256,
                    card.license,
                    card.metrics,
                    status,
                )
            )
    return rows
