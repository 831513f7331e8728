"""What the commands and other doors of the package share."""
