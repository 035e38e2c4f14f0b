"""The autoencoder is causal, treats images as one-frame videos, and starts as the best linear codec."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.autoencoder import VideoAutoencoder, decode_from_latents, encode_to_latents
from cvsr.models.linear_codec import LinearCodec, from_patches, to_patches
from cvsr.presets import PRESETS
from cvsr.training.autoencoder import fit_linear_codec, fit_overlapped_decoder


@pytest.fixture(scope="module")
def autoencoder() -> VideoAutoencoder:
    """A small one in which every convolution does something."""
    torch.manual_seed(0)
    model = VideoAutoencoder(**vars(PRESETS["tiny"].autoencoder))
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model.eval().requires_grad_(False)


def clip(frames=9, height=32, width=40, batch=1, seed=0):
    return torch.rand(batch, 3, frames, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@settings(max_examples=20)
@given(groups=st.integers(0, 3), h=st.integers(1, 4), w=st.integers(1, 4), batch=st.integers(1, 2))
def test_shapes(autoencoder, groups, h, w, batch):
    video = clip(1 + 4 * groups, 8 * h, 8 * w, batch)
    latents = autoencoder.encode(video).latent_dist.mean
    assert latents.shape == (batch, 4, 1 + groups, h, w)
    assert autoencoder.decode(latents).sample.shape == video.shape


@pytest.mark.parametrize("changed", [1, 4, 5, 8])
def test_encoder_and_decoder_see_nothing_before_it_changes(autoencoder, changed):
    video, other = clip(), clip()
    other[:, :, changed:] = clip(seed=1)[:, :, changed:]
    latents, different = (autoencoder.encode(v).latent_dist.mean for v in (video, other))
    group = (changed + 3) // 4  # the latent frame that holds the first changed frame
    assert torch.equal(latents[:, :, :group], different[:, :, :group])
    assert not torch.equal(latents[:, :, group:], different[:, :, group:])
    first, second = (autoencoder.decode(z).sample for z in (latents, different))
    unchanged = 1 + 4 * (group - 1)
    assert torch.equal(first[:, :, :unchanged], second[:, :, :unchanged])


def test_an_image_is_a_one_frame_video(autoencoder):
    video = clip(9)
    alone = autoencoder.encode(video[:, :, :1]).latent_dist.mean
    torch.testing.assert_close(alone, autoencoder.encode(video).latent_dist.mean[:, :, :1], atol=1e-5, rtol=0)
    decoded = autoencoder.decode(autoencoder.encode(video).latent_dist.mean).sample
    torch.testing.assert_close(autoencoder.decode(alone).sample, decoded[:, :, :1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(1, 3, 4, 16, 16), (1, 3, 5, 15, 16), (1, 3, 5, 16, 12)])
def test_sizes_it_cannot_group_are_refused(autoencoder, shape):
    with pytest.raises(ValueError, match=r"x=\(.*4n\+1 frames"):
        autoencoder.encode(torch.zeros(shape))


def test_patches_come_back_whole():
    video = clip(9, 24, 16, 2)
    assert torch.equal(from_patches(*to_patches(video)), video)


def test_closed_form_codec_is_the_best_linear_one():
    """Its error is the sum of the left-out eigenvalues (Eckart and Young 1936), and its latents are white."""
    torch.manual_seed(0)
    mixing = torch.randn(768, 768) / 28
    groups = torch.randn(4096, 768) @ mixing
    first = torch.randn(4096, 192)
    videos = [from_patches(first.view(16, 1, 16, 16, 192), groups.view(16, 1, 16, 16, 768))]
    codec = LinearCodec(150)
    with torch.no_grad():
        fit_linear_codec(codec, videos)
        latents = codec.encode_group(groups)
        error = (codec.decode_group(latents) - groups).square().sum(1).sum() / (len(groups) - 1)
    left_out = torch.linalg.eigvalsh(torch.cov(groups.T))[:-150].sum()
    torch.testing.assert_close(error, left_out, rtol=1e-3, atol=0)
    torch.testing.assert_close(latents.T.cov(), torch.eye(150), rtol=0, atol=1e-2)
    torch.testing.assert_close(latents.mean(0), torch.zeros(150), rtol=0, atol=1e-3)


def test_overlapped_decoder_starts_no_worse_than_the_codec():
    smooth = torch.nn.functional.avg_pool3d(clip(9, 72, 72, 8), (3, 9, 9), stride=1, padding=(1, 4, 4)) * 4
    model = VideoAutoencoder(**vars(PRESETS["tiny"].autoencoder))
    with torch.no_grad():
        fit_linear_codec(model.linear, [smooth])
        fit_overlapped_decoder(model.decoder.linear, model.linear, [smooth])
        latents = model.linear.encode(smooth)
        inner = (..., slice(8, -8), slice(8, -8))
        alone = (model.linear.decode(latents) - smooth)[inner].square().mean()
        overlapped = (model.decoder(latents) - smooth)[inner].square().mean()
    assert overlapped < 0.9 * alone


def test_a_fresh_model_is_its_linear_part():
    torch.manual_seed(0)
    model, video = VideoAutoencoder(**vars(PRESETS["tiny"].autoencoder)), clip()
    latents = model.linear.encode(video)
    assert torch.equal(model.encode(video).latent_dist.mean, latents.permute(0, 4, 1, 2, 3))
    torch.testing.assert_close(model(video).sample, model.decoder.linear(latents))


def test_normalised_latents_use_the_statistics_of_the_config(autoencoder):
    mean, std = [1.0, 2.0, 3.0, 4.0], [0.5, 1.0, 2.0, 4.0]
    other = VideoAutoencoder(**{**autoencoder.config, "latents_mean": mean, "latents_std": std})
    other.load_state_dict(autoencoder.state_dict())
    video, raw = clip(5), autoencoder.encode(clip(5)).latent_dist.mode()
    latents = encode_to_latents(other, video)
    torch.testing.assert_close(latents[:, 2], (raw[:, 2] - 3) / 2)
    torch.testing.assert_close(decode_from_latents(other, latents), autoencoder.decode(raw).sample)


def test_posterior_draws_repeat_by_seed(autoencoder):
    draws = [encode_to_latents(autoencoder, clip(5), torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_saved_and_loaded_equal(autoencoder, tmp_path):
    autoencoder.save_pretrained(tmp_path)
    assert [f.suffix for f in tmp_path.iterdir() if "config" not in f.name] == [".safetensors"]
    loaded = VideoAutoencoder.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded(clip()).sample, autoencoder(clip()).sample, rtol=0, atol=1e-5)
