"""Model files: cards, manifest, sessions."""
