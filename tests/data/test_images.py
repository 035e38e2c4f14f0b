import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from cvsr.data import images
from cvsr.data.files import VideoError
from cvsr.data.video import Video, read_video, write_video


@pytest.fixture
def picture(moving):
    return moving(1, 9, 13)[0]


def test_one_frame_goes_to_png_and_back_without_loss(tmp_path, picture):
    write_video(tmp_path / "one.png", picture[None], 24, metadata={"seed": 1, "prompt": "é"})
    video = read_video(tmp_path / "one.png")
    assert np.array_equal(video.frames, picture[None])
    assert video.metadata == {"seed": 1, "prompt": "é"}
    assert video.audio is None


def test_jpeg_keeps_its_settings(tmp_path, picture):
    write_video(tmp_path / "one.jpg", picture[None], 24, metadata={"seed": 1})
    video = read_video(tmp_path / "one.jpg")
    assert np.abs(video.frames[0].astype(float) - picture).mean() < 4
    assert video.metadata == {"seed": 1}


def test_folder_of_frames_goes_out_and_back(tmp_path, moving):
    frames = moving(12, 9, 13)
    write_video(f"{tmp_path}/frames/", Video(frames, Fraction(24), metadata={"seed": 2}))
    (tmp_path / "frames" / "notes.txt").write_text("not a frame")
    (tmp_path / "frames" / ".hidden.png").write_text("not a frame")
    video = read_video(tmp_path / "frames")
    assert np.array_equal(video.frames, frames)
    assert video.metadata == {"seed": 2}
    assert len(read_video(tmp_path / "frames", max_frames=5)) == 5


def test_frames_are_taken_in_natural_order(tmp_path):
    for number in (10, 2, 1, 100, 33):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / f"frame_{number}.png")
    assert read_video(tmp_path).frames[:, 0, 0, 0].tolist() == [1, 2, 10, 33, 100]


def test_frames_of_different_sizes_are_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "1.png")
    Image.new("RGB", (4, 6)).save(tmp_path / "2.png")
    with pytest.raises(VideoError, match="from 4x4 to 4x6 at frame 1"):
        read_video(tmp_path)


def test_animation_among_frames_is_refused(tmp_path, moving):
    save_animation(tmp_path / "1.gif", moving(3, 8, 8))
    with pytest.raises(VideoError, match="animation among frames"):
        read_video(tmp_path)


def save_animation(path, frames, milliseconds=40):
    first, *rest = map(Image.fromarray, frames)
    first.save(path, save_all=True, append_images=rest, duration=milliseconds, lossless=True)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_animation_keeps_its_clock(tmp_path, moving, suffix):
    frames = moving(5, 16, 16)
    save_animation(tmp_path / f"clip.{suffix}", frames, [40, 40, 120, 40, 40])
    video = read_video(tmp_path / f"clip.{suffix}")
    assert [int(second * 1000) for second in video.timestamps] == [0, 40, 80, 200, 240]
    assert video.frames.shape == frames.shape
    if suffix != "gif":  # 256 colours a frame
        assert np.array_equal(video.frames, frames)
    save_animation(tmp_path / f"even.{suffix}", frames)
    assert read_video(tmp_path / f"even.{suffix}").fps == 25


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    grey = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(
        read_video(tmp_path / "grey.png").frames[0, :, :, 1], np.arange(256).reshape(16, 16)
    )


def test_transparent_pixels_show_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_video(tmp_path / "clear.png").frames == 255).all()


def test_orientation_of_a_photograph_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by 90 degrees
    Image.fromarray(picture).save(tmp_path / "photo.png", exif=exif)
    assert np.array_equal(read_video(tmp_path / "photo.png").frames[0], np.rot90(picture, -1))


def test_what_is_no_image_is_refused(tmp_path, picture, monkeypatch):
    encoded = io.BytesIO()
    Image.fromarray(np.tile(picture, (9, 9, 1))).save(encoded, "PNG")
    (tmp_path / "cut.png").write_bytes(encoded.getvalue()[: len(encoded.getvalue()) // 2])
    (tmp_path / "text.png").write_text("hello")
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tiff")
    for name, problem in (
        ("cut.png", "truncated"),
        ("text.png", "not an image"),
        ("float.tiff", "no fixed range"),
    ):
        with pytest.raises(VideoError, match=problem):
            read_video(tmp_path / name)
    Image.fromarray(picture).save(tmp_path / "fine.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    with pytest.raises(VideoError, match="13x9 pixels; at most 100"):
        read_video(tmp_path / "fine.png")


def test_bomb_is_refused_unopened(tmp_path):
    Image.new("1", (12000, 12000)).save(tmp_path / "bomb.png")
    with pytest.raises(VideoError, match="too many pixels"):
        read_video(tmp_path / "bomb.png")
