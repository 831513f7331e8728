"""What everything stands on: emotions, readings on a clock, errors, files."""
