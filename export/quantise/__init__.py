"""Smaller models: the ways there are, the rule that chooses among them, and what they cost."""
