"""Voice: activity, features, recognition."""
