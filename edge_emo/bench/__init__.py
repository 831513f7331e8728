"""Milliseconds and memory of every stage on this machine, from what is installed: `edge-emo bench`."""
