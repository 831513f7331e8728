"""What is known of the songs that were shown, and what was learned from it."""

from __future__ import annotations

from edge_emo.app.documents import HistoryDocument
from edge_emo.music.ranking.recommend import Recommender
from edge_emo.music.store.catalogue import Catalogue
from edge_emo.music.store.database import UserDatabase
from edge_emo.music.store.history import History


def learned(catalogue: Catalogue, database: UserDatabase) -> HistoryDocument:
    """Return the counts of a history, and the likes and dislikes learned from it. Raises UserDataError."""
    history = History(database)
    counted = history.stats()
    memory = Recommender(catalogue, history).memory
    assert memory is not None
    memory.refresh()
    return HistoryDocument(counted, memory.likes())
