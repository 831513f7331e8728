"""Songs from folders and lists, and to playlists."""
