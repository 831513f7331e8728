"""Features of sound, by numpy alone."""
