"""`python -m edge_emo`."""

from edge_emo.cli import main

main(prog_name="edge-emo")
