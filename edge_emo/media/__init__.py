"""Sources of sound and pictures: opened safely, decoded, on one clock."""
