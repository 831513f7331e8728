"""Files are written whole or not at all, whatever ends the writing."""

import errno
import os
import stat

import pytest

from edge_emo.files import atomic_write, atomic_writes, check_folder, read_bytes


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "songs.csv"
    file.write_text("of before")
    return file


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_file_changes_only_once_all_is_written(path):
    with atomic_write(path) as draft:
        assert (draft.parent, draft.suffix) == (path.parent, ".csv")
        draft.write_text("of n")
        assert path.read_text() == "of before"
        draft.write_text("of now")
    assert (path.read_text(), names(path.parent)) == ("of now", ["songs.csv"])


@pytest.mark.parametrize(
    "error", [ValueError, OSError(errno.ENOSPC, "full"), KeyboardInterrupt, SystemExit, GeneratorExit]
)
def test_whatever_ends_the_writing_what_was_there_stays_and_nothing_else_does(path, error):
    with pytest.raises(error if isinstance(error, type) else OSError), atomic_write(path) as draft:  # noqa: PT012
        draft.write_text("of n")
        raise error
    assert (path.read_text(), names(path.parent)) == ("of before", ["songs.csv"])


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_last_step_leaves_what_was_there(path, monkeypatch, step):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (type(path), "replace")), fail)
    with pytest.raises(OSError, match="Input/output"), atomic_write(path) as draft:
        draft.write_text("of now")
    assert (path.read_text(), names(path.parent)) == ("of before", ["songs.csv"])


def test_content_and_name_are_on_the_disk_when_it_is_said_to_be_written(path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append((os.fstat(descriptor).st_ino, path.read_text())))
    with atomic_write(path) as draft:
        draft.write_text("of now")
    expected = [(path.stat().st_ino, "of before"), (path.parent.stat().st_ino, "of now")]
    assert synced == (expected if os.name != "nt" else expected[:1])


def test_of_several_files_none_changes_where_one_cannot_be_written(path, tmp_path):
    other = tmp_path / "songs.csv.credits.txt"
    with pytest.raises(OSError, match="full"), atomic_writes([path, other]) as drafts:  # noqa: PT012
        drafts[0].write_text("of now")
        raise OSError(errno.ENOSPC, "full")
    assert (path.read_text(), names(tmp_path)) == ("of before", ["songs.csv"])
    with atomic_writes([path, other]) as drafts:
        for draft in drafts:
            draft.write_text("of now")
    assert (path.read_text(), other.read_text()) == ("of now", "of now")


@pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")
def test_mode_and_link_of_what_is_replaced_are_kept_and_a_new_file_has_the_users(path, tmp_path):
    path.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    with atomic_write(link) as draft:
        assert stat.S_IMODE(draft.stat().st_mode) & 0o077 == 0o040 & ~current_umask()
        draft.write_text("of now")
    assert link.is_symlink()
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("of now", 0o640)
    with atomic_write(tmp_path / "new.csv") as draft:
        draft.write_text("new")
    assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o666 & ~current_umask()


def current_umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_two_writers_of_one_file_do_not_meet(path):
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write_text("of the first")
        second.write_text("of the second")
    assert (path.read_text(), names(path.parent)) == ("of the first", ["songs.csv"])


def test_a_name_as_long_as_can_be_is_written(tmp_path):
    path = tmp_path / ("a" * 250 + ".txt")
    with atomic_write(path) as draft:
        draft.write_text("of now")
    assert path.read_text() == "of now"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
def test_what_is_no_file_is_neither_replaced_nor_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device", "."):
        with pytest.raises(OSError, match="is there, and no file"), atomic_write(tmp_path / name):
            pass
        with pytest.raises(OSError, match="is no file"):
            read_bytes(tmp_path / name, 100)


def test_no_more_is_read_than_was_asked_for(path):
    assert read_bytes(path, 9) == b"of before"
    with pytest.raises(OSError, match="larger than 0 MB") as caught:
        read_bytes(path, 8)
    assert caught.value.errno == errno.EFBIG


@pytest.mark.parametrize("use", [lambda p: read_bytes(p, 9), check_folder, lambda p: atomic_write(p).__enter__()])
def test_a_path_that_cannot_be_is_an_error_of_the_system(tmp_path, use):
    with pytest.raises(OSError, match="not a possible path"):
        use(tmp_path / "a\0b")
