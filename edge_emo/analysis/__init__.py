"""Voice and face together: from a source to a timeline."""
