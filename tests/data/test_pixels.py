"""Clips are built once, resumably, and cropped by number."""

import json

import numpy as np
import pytest
import torch

from cvsr.data.images import read_image
from cvsr.data.pixel_sources import PixelSources
from cvsr.data.pixels import PixelClips, WholeClips, build_pixels
from cvsr.data.reference_augmentation import MOST_SHIFT
from cvsr.data.references import read_references
from cvsr.data.scenes import sample_scene
from cvsr.data.stream import Bucket, Ticket
from cvsr.data.tasks import editing, identity_references
from cvsr.data.video import write_video
from cvsr.data.world import render

SOURCES = PixelSources(world=3, photographs=1, frames=5, size=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_pixels(tmp_path_factory.mktemp("pixels"), SOURCES)


def test_clips_are_the_scenes_with_their_captions(folder):
    names = sorted(path.stem for path in folder.glob("*.npy"))
    assert names == ["photograph-00000", "world-00000", "world-00001", "world-00002"]
    scene = sample_scene(1)
    assert np.array_equal(np.load(folder / "world-00001.npy"), render(scene, 5, 64, 64).frames)
    assert (folder / "world-00001.txt").read_text() == scene.caption


def test_a_stopped_build_goes_on(folder):
    (folder / "world-00002.npy").unlink()
    untouched = (folder / "world-00001.npy").stat().st_mtime_ns
    build_pixels(folder, SOURCES)
    assert np.array_equal(np.load(folder / "world-00002.npy"), render(sample_scene(2), 5, 64, 64).frames)
    assert (folder / "world-00001.npy").stat().st_mtime_ns == untouched
    assert not (folder / "unfinished").exists()


def test_clips_of_other_sources_are_not_mixed_in(folder):
    with pytest.raises(ValueError, match="other sources"):
        build_pixels(folder, PixelSources(world=4, frames=5, size=64))


def test_what_older_folders_are_made_of_stays_recorded_as_it_was():
    assert json.dumps(SOURCES.describe()) == (
        '{"world": 3, "photographs": 1, "videos": [], "cuts": 0, "frames": 5, "size": 64, "split": "train", "seed": 0}'
    )
    described = PixelSources(world=3, edits=1).describe()
    assert list(described)[-3:] == ["identities", "edits", "reference_size"]
    assert list(PixelSources(world=3, stills=1).describe())[-2:] == ["reference_size", "stills"]
    assert list(PixelSources(world=3, repaints=1).describe())[-2:] == ["reference_size", "repaints"]


@pytest.fixture(scope="module")
def with_references(tmp_path_factory):
    counts = {"world": 1, "identities": 2, "edits": 1, "stills": 1, "repaints": 3}
    sources = PixelSources(**counts, frames=5, size=64, seed=5, reference_size=48)
    return build_pixels(tmp_path_factory.mktemp("references"), sources)


def mask_of(clip):
    (stacked,), _, _ = read_image(clip.with_suffix(".png"))
    return stacked[..., 0].reshape(-1, 64, 64) > 127


def test_identities_have_pictures_of_their_objects(with_references):
    for index, seed in enumerate((6, 7)):  # after the world's
        clip, scene = with_references / f"identity-{index:05d}.npy", sample_scene(seed)
        expected = identity_references(seed, "train", 5, 64, 64)
        assert np.array_equal(np.load(clip), expected.video)
        assert clip.with_suffix(".txt").read_text() == scene.caption
        assert np.array_equal(mask_of(clip), expected.masks.any(0))
        references = read_references(clip)
        count = min(3, len(scene.objects))
        assert references.frames.shape == (count, 1, 48, 48, 3)
        assert references.masks.shape == (count, 1, 48, 48)
        assert np.array_equal(references.mistaken, expected.mistaken)
        for mask in references.masks[:, 0]:
            spans = [np.ptp(np.flatnonzero(mask.any(axis))) + 1 for axis in (0, 1)]
            assert 0.7 * 48 < max(spans) <= 48  # cut out around its object


def test_stills_are_one_frame_with_a_picture_of_the_main_object(with_references):
    clip = with_references / "still-00000.npy"
    expected = identity_references(9, "train", 1, 64, 64, max_references=1)  # after the edit's seed
    assert np.array_equal(np.load(clip), expected.video)
    assert np.load(clip).shape == (1, 64, 64, 3)
    assert np.array_equal(mask_of(clip), expected.masks[0])
    references = read_references(clip)
    assert references.frames.shape == (1, 1, 48, 48, 3)
    assert np.array_equal(references.mistaken, expected.mistaken)


def test_repaints_are_stills_with_their_prints(with_references):
    drawn = []
    for index, seed in enumerate((10, 11, 12)):  # after the still's
        clip = with_references / f"repaint-{index:05d}.npy"
        expected = identity_references(seed, "train", 1, 64, 64, max_references=1, mistaken="colours")
        assert np.array_equal(np.load(clip), expected.video)
        assert np.array_equal(read_references(clip).mistaken, expected.mistaken)
        drawn.append(identity_references(seed, "train", 1, 64, 64, max_references=1).mistake)
    assert "print" in drawn  # what one of them would have lost as a still


def test_edits_have_their_source_from_earlier_until_later(with_references):
    clip, frames = with_references / "edit-00000.npy", 5 + 2 * MOST_SHIFT
    expected, shown = editing(8, "train", frames, 64, 64), slice(MOST_SHIFT, -MOST_SHIFT)
    assert np.array_equal(np.load(clip), expected.video[shown])
    assert clip.with_suffix(".txt").read_text() == expected.caption
    assert np.array_equal(mask_of(clip), expected.mask[shown])
    references = read_references(clip)
    assert np.array_equal(references.frames, expected.source[None])
    assert references.masks is None
    untouched = (references.frames[0, shown] == np.load(clip)).all(-1)
    assert untouched.mean() > 0.5
    assert not untouched[mask_of(clip)].all()
    assert read_references(with_references / "world-00000.npy") is None


def test_real_videos_are_cut_and_reduced(tmp_path):
    ramp = np.arange(96, dtype=np.uint8)[None, None, :, None] * 2
    frames = np.broadcast_to(ramp + np.arange(12, dtype=np.uint8)[:, None, None, None], (12, 80, 96, 3))
    write_video(tmp_path / "ramp.mp4", np.ascontiguousarray(frames), fps=25)
    sources = PixelSources(videos=(str(tmp_path / "ramp.mp4"),), cuts=4, frames=5, size=32)
    clips = WholeClips(build_pixels(tmp_path / "pixels", sources))
    assert len(clips) == 4
    for clip in clips:
        assert clip.shape == (3, 5, 32, 32)
        slope = clip.diff(dim=3).mean() * 127.5
        assert 1.5 < slope < 5.5  # 2 levels a pixel, times the reduction of 1 to 2.5
    with pytest.raises(ValueError, match="at least 17 frames"):
        build_pixels(tmp_path / "others", PixelSources(videos=sources.videos, cuts=1, size=32))


def test_crops_repeat_by_number(folder):
    clips, bucket = PixelClips(folder, seed=3), Bucket(1, frames=3, size=24)
    crop = clips[Ticket(11, bucket)]
    assert crop.shape == (3, 3, 24, 24)
    assert torch.equal(crop, PixelClips(folder, seed=3)[Ticket(11, bucket)])
    assert not torch.equal(crop, clips[Ticket(12, bucket)])
    pictures = [clips[Ticket(number, Bucket(1, frames=1, size=24))] for number in range(8)]
    assert {picture.shape for picture in pictures} == {(3, 1, 24, 24)}


def test_crops_change_their_contrast_and_saturation(tmp_path):
    colour = np.array([160, 120, 90], np.uint8)
    np.save(tmp_path / "plain.npy", np.broadcast_to(colour, (5, 16, 16, 3)))
    clips, contrasts, saturations = PixelClips(tmp_path), [], []
    before = torch.from_numpy(colour / 127.5 - 1)
    for number in range(100):
        after = clips[Ticket(number, Bucket(1, frames=5, size=16))][:, 0, 0, 0].double()
        contrast = after.mean() / before.mean()
        contrasts.append(contrast.item())
        spread = [(pixel - pixel.mean())[0] for pixel in (before, after)]
        saturations.append((spread[1] / spread[0] / contrast).item())
    for changes in (np.array(contrasts), np.array(saturations)):
        assert 0.3 < (abs(changes - 1) < 1e-4).mean() < 0.7  # every second one
        assert 0.5 <= changes.min() < 0.8 < 1.2 < changes.max() <= 1.5


def test_crops_are_reduced_mirrored_turned_and_played_backwards(tmp_path, monkeypatch):
    monkeypatch.setattr("cvsr.data.pixels.COLOURS", 0.0)
    t, y, x = np.ogrid[:9, :48, :48]
    np.save(tmp_path / "ramp.npy", np.repeat((5 * t + y + 3 * x)[..., None], 3, axis=-1).astype(np.uint8))
    clips, seen = PixelClips(tmp_path), set()
    for number in range(64):
        crop = 127.5 * (clips[Ticket(number, Bucket(1, frames=5, size=16))][0].double() + 1)
        rates = [crop.diff(dim=dim).mean().item() for dim in range(3)]  # in time, down, to the right
        turned = abs(rates[1]) > abs(rates[2])
        down, right = (rates[2], rates[1]) if turned else (rates[1], rates[2])
        assert 0.97 <= down <= 2.03  # the ramp rises by 1 a line, more where the crop is reduced
        assert abs(right) == pytest.approx(3 * down, abs=0.25)
        assert abs(rates[0]) == pytest.approx(5, abs=0.1)
        seen.add((turned, right > 0, rates[0] > 0, down > 1.1))
    assert len(seen) == 16


def test_a_share_without_clips_is_refused(folder):
    with pytest.raises(ValueError, match="begins with 'film'"):
        PixelClips(folder, {"film": 1.0})
    assert json.loads((folder / "sources.json").read_text())["world"] == 3
