"""What a result depends on: a run goes on only where all of that is the same."""

from cvsr.cli.production import identity


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return str(path)


def test_files_count_by_what_they_hold_and_by_their_order(tmp_path):
    first, second = write(tmp_path / "a" / "face.png", b"one"), write(tmp_path / "b" / "face.png", b"two")
    moved = write(tmp_path / "c" / "hat.png", b"one")
    known = identity({"seed": 0}, [first, second], {"base": "hash"})
    assert identity({"seed": 0}, [moved, second], {"base": "hash"}) == known
    assert identity({"seed": 0}, [second, first], {"base": "hash"}) != known
    write(tmp_path / "a" / "face.png", b"another")  # of the same name as the second
    assert identity({"seed": 0}, [first, second], {"base": "hash"}) != known
