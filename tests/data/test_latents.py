"""Latents are encoded once, resumably, and cropped by number."""

import pytest
import torch
from safetensors.torch import load_file

from cvsr.data.latents import LatentClips, build_latents, reduce_and_enlarge, subject_mask
from cvsr.data.pixel_sources import PixelSources
from cvsr.data.pixels import WholeClips, build_pixels
from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.data.stream import Bucket, Ticket
from cvsr.data.world import render


def encode(video):
    """A codec simple enough to foresee: every fourth frame, every eighth pixel."""
    return video[:, :, ::4, ::8, ::8]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    clips = build_pixels(tmp_path_factory.mktemp("clips"), PixelSources(world=2, frames=9, size=64))
    return clips, build_latents(tmp_path_factory.mktemp("latents"), clips, encode, "codec", reduction=4)


def test_what_is_stored(folders):
    clips, latents = folders
    video = WholeClips(clips)[1][None]
    stored = load_file(latents / "world-00001.safetensors")
    assert torch.equal(stored["latents"], encode(video)[0].half())
    assert torch.equal(stored["low"], encode(reduce_and_enlarge(video, 4))[0].half())


def test_the_main_object_is_marked_by_its_share_of_each_position(folders):
    mask = torch.from_numpy(render(sample_scene(1), 9, 64, 64).masks[0]).float()  # (T, H, W)
    share = load_file(folders[1] / "world-00001.safetensors")["subject"]
    assert share.shape == (1, 3, 8, 8)
    torch.testing.assert_close(share[0, 0, 2, 3].float(), mask[0, 16:24, 24:32].mean(), atol=1e-3, rtol=0)
    torch.testing.assert_close(share[0, 2].float().mean(), mask[5:9].mean(), atol=1e-3, rtol=0)
    assert 0 < share.mean() < 1


def test_without_a_mask_nothing_is_marked(tmp_path):
    assert not subject_mask(tmp_path / "none.png", (5, 8, 8)).any()


def test_low_resolution_is_what_a_file_can_hold(folders):
    video = WholeClips(folders[0])[0][None]
    low = reduce_and_enlarge(video, 4)
    small = ((resize(video, 16, 16).clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
    assert torch.equal(low, resize(small, 64, 64).clamp(-1, 1))


def test_crops(folders):
    bucket = Bucket(2, frames=2, size=4)
    sample = LatentClips(folders[1], seed=5)[Ticket(3, bucket)]
    again = LatentClips(folders[1], seed=5)[Ticket(3, bucket)]
    assert sample["latents"].shape == sample["low"].shape == (3, 2, 4, 4)
    assert sample["latents"].dtype == torch.float32
    assert torch.equal(sample["latents"], again["latents"])
    assert sample["caption"] in {sample_scene(0).caption, sample_scene(1).caption}


def test_a_stopped_build_goes_on_and_another_codec_is_refused(folders):
    clips, latents = folders
    (latents / "world-00000.safetensors").unlink()
    build_latents(latents, clips, encode, "codec", reduction=4)
    assert len(list(latents.glob("*.safetensors"))) == 2
    with pytest.raises(ValueError, match="another autoencoder"):
        build_latents(latents, clips, encode, "other codec", reduction=4)
