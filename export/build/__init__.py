"""From trained networks to the files that ship: `python -m export.build`. A task is built by the module of its name."""
