from export.assets.songs_by_emotion import TARGET, document


def test_the_page_shows_what_is_recommended_today():
    assert TARGET.read_text(encoding="utf-8") == document()
