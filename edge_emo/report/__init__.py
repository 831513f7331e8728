"""Reports: one module per kind of reader."""
