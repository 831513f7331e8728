"""Which songs suit, and in which order."""
