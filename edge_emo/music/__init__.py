"""Music: the catalogue and the ranking."""
