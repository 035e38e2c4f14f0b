import os

import pytest

from cvsr.data.files import VideoError, atomic_output, check_output, output_kind, write_errors


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.mp4", "video"), ("a.MKV", "video"), ("a.png", "image"), ("a.jpg", "image"), ("a/", "folder")],
)
def test_name_tells_the_kind(name, kind):
    assert output_kind(name) == kind


@pytest.mark.parametrize("name", ["a.avi", "a", "", ".mp4"])
def test_unknown_kind_lists_the_known_ones(name):
    with pytest.raises(VideoError, match=r"\.mp4 .*\.png"):
        output_kind(name)


def test_output_that_is_the_input_is_found_through_links(tmp_path):
    source = tmp_path / "in.mp4"
    source.write_bytes(b"x")
    (tmp_path / "soft.mp4").symlink_to(source)
    (tmp_path / "hard.mp4").hardlink_to(source)
    (tmp_path / "frames").mkdir()
    for name in ("in.mp4", "soft.mp4", "hard.mp4", "frames/../in.mp4"):
        with pytest.raises(VideoError, match="overwrite the input"):
            check_output(tmp_path / name, inputs=[source])
    with pytest.raises(VideoError, match="overwrite the input"):
        check_output(f"{tmp_path}/frames/0.png", inputs=[tmp_path / "frames"])
    assert check_output(tmp_path / "out.mp4", inputs=[source]) == tmp_path / "out.mp4"


def test_impossible_places_are_found_before_the_work(tmp_path):
    (tmp_path / "file.mp4").write_bytes(b"x")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.png").touch()
    cases = {
        "missing/out.mp4": "does not exist",
        "file.mp4/out.mp4": "is a file, not a folder",
        "folder.mp4": "is a folder",
        "file.mp4/": "a file of this name",
        "full/": "not empty",
        "x" * 300 + ".mp4": "cannot be written",
    }
    for name, problem in cases.items():
        with pytest.raises(VideoError, match=problem) as caught:
            check_output(f"{tmp_path}/{name}")
        assert "\n" not in str(caught.value)


def test_place_without_the_right_to_write(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(VideoError, match="not allowed to write"):
        check_output(tmp_path / "out.mp4")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(VideoError, match="not allowed to write"):
        check_output(tmp_path / "out.mp4")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("name", ["out.mp4", "out/"])
def test_interrupted_output_leaves_nothing(tmp_path, name, error):
    (tmp_path / "out.mp4").write_text("old")
    with pytest.raises(error), atomic_output(f"{tmp_path}/{name}") as part:  # noqa: PT012
        (part / "0.png" if part.is_dir() else part).write_text("half")
        raise error
    assert os.listdir(tmp_path) == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "old"


def test_finished_output_replaces_the_old_one_and_is_readable_by_others(tmp_path):
    (tmp_path / "out.mp4").write_text("old")
    with atomic_output(tmp_path / "out.mp4") as part:
        part.write_text("new")
        assert (tmp_path / "out.mp4").read_text() == "old"
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "out.mp4").read_text() == "new"
    assert (tmp_path / "out.mp4").stat().st_mode & 0o777 == 0o666 & ~umask
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_output_through_a_link_changes_its_target(tmp_path):
    (tmp_path / "real.mp4").write_text("old")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real.mp4")
    with atomic_output(tmp_path / "link.mp4") as part:
        part.write_text("new")
    assert (tmp_path / "link.mp4").is_symlink()
    assert (tmp_path / "real.mp4").read_text() == "new"


@pytest.mark.parametrize(
    ("number", "problem"), [(28, "disk is full"), (122, "quota"), (27, "largest size"), (30, "not allowed")]
)
def test_refusals_of_the_system_are_one_line(number, problem):
    with pytest.raises(VideoError, match=problem), write_errors("out.mp4"):
        raise OSError(number, "whatever")
