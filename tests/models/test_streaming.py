"""Streams through causal autoencoders: pieces of any lengths give what the whole clip gives."""

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderKLWan
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.autoencoder import VideoAutoencoder, decode_from_latents, encode_to_latents
from cvsr.models.streaming import DecodeStream, EncodeStream, decode_stream, encode_stream
from cvsr.presets import PRESETS

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def ours():
    torch.manual_seed(0)
    network = VideoAutoencoder(**vars(PRESETS["tiny"].autoencoder)).eval()
    for parameter in network.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def wan():
    torch.manual_seed(0)
    return AutoencoderKLWan(
        base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.1] * 4, latents_std=[1.5] * 4
    ).eval()


AUTOENCODERS = {"ours": ours(), "wan": wan()}


def cut(video, lengths):
    """Pieces of the lengths, in turn, until nothing is left."""
    pieces, start = [], 0
    while start < video.shape[2]:
        length = lengths[len(pieces) % len(lengths)]
        pieces.append(video[:, :, start : start + length])
        start += length
    return pieces


@given(
    groups=st.integers(0, 9),
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    size=st.sampled_from([(8, 8), (8, 24), (40, 16)]),
)
@settings(max_examples=25)
@torch.no_grad()
def test_pieces_of_any_length_give_what_the_whole_clip_gives(groups, lengths, size):
    network = AUTOENCODERS["ours"]
    video = torch.rand(1, 3, 4 * groups + 1, *size) * 2 - 1
    latents = encode_to_latents(network, video)
    streamed = torch.cat(list(encode_stream(network, cut(video, lengths))), dim=2)
    torch.testing.assert_close(streamed, latents, **CLOSE)
    decoded = torch.cat(list(decode_stream(network, cut(latents, lengths))), dim=2)
    torch.testing.assert_close(decoded, decode_from_latents(network, latents), **CLOSE)


@given(
    rows=st.integers(1, 12), columns=st.integers(1, 12), tile=st.integers(1, 7), groups=st.integers(0, 2)
)
@settings(max_examples=15)
@torch.no_grad()
def test_tiles_of_any_size_give_what_the_whole_frame_gives(rows, columns, tile, groups):
    network = AUTOENCODERS["ours"]
    video = torch.rand(1, 3, 4 * groups + 1, 8 * rows, 8 * columns) * 2 - 1
    latents = encode_to_latents(network, video)
    tiled = torch.cat(list(encode_stream(network, cut(video, [3]), tile=tile)), dim=2)
    torch.testing.assert_close(tiled, latents, **CLOSE)
    decoded = torch.cat(list(decode_stream(network, cut(latents, [1]), tile=tile)), dim=2)
    torch.testing.assert_close(decoded, decode_from_latents(network, latents), **CLOSE)


@pytest.mark.parametrize("tile", [2, 5])
@torch.no_grad()
def test_tiles_are_exact_from_the_reach_on_and_not_without_overlap(tile):
    network = AUTOENCODERS["ours"]
    latents = torch.randn(1, len(network.config.latents_mean), 2, 9, 7)
    whole = decode_from_latents(network, latents)
    tiled = DecodeStream(network, tile, network.reach[1]).push(latents)
    assert torch.allclose(tiled, whole, atol=1e-5)
    assert not torch.allclose(DecodeStream(network, tile, 0).push(latents), whole, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_the_reach_is_how_far_a_change_spreads(part):
    """No shorter, or tiles would have seams; no longer, or they would cost more than they must."""
    network, places = ours().double(), 25  # far changes are too faint for single precision
    size = (1, 3, 1, 8, 8 * places) if part == "encoder" else (1, 4, 1, 1, places)
    given = torch.rand(size, dtype=torch.float64)
    call = network.moments if part == "encoder" else network.frames
    changed = given.clone()
    changed[..., -given.shape[-1] // places :] += 1.0  # the last latent position, or its pixels
    distance = (call(changed) - call(given)).abs().amax(dim=(0, 1, 2, 3)).view(places, -1).amax(1)
    reach = network.reach[0 if part == "encoder" else 1]
    assert distance.nonzero().min() == places - 1 - reach


@torch.no_grad()
@pytest.mark.parametrize("kind", AUTOENCODERS)
def test_two_streams_of_one_model_do_not_disturb_each_other(kind):
    network = AUTOENCODERS[kind]
    videos = torch.rand(2, 1, 3, 9, 16, 16) * 2 - 1
    streams = [EncodeStream(network), EncodeStream(network)]
    pieces = [[stream.push(video[:, :, :5]) for stream, video in zip(streams, videos, strict=True)]]
    pieces.append([stream.push(video[:, :, 5:]) for stream, video in zip(streams, videos, strict=True)])
    for video, *parts in zip(videos, *pieces, strict=True):
        torch.testing.assert_close(torch.cat(parts, dim=2), encode_to_latents(network, video), **CLOSE)


@torch.no_grad()
def test_frames_are_given_as_they_come_and_a_short_last_group_is_filled():
    network, video = AUTOENCODERS["ours"], torch.rand(1, 3, 7, 8, 8)
    stream = EncodeStream(network)
    counts = [stream.push(video[:, :, i : i + 1]).shape[2] for i in range(7)]
    assert counts == [1, 0, 0, 0, 1, 0, 0]
    last = stream.finish()
    padded = torch.cat([video, video[:, :, -1:].expand(-1, -1, 2, -1, -1)], dim=2)
    torch.testing.assert_close(last, encode_to_latents(network, padded)[:, :, 2:], **CLOSE)


@torch.no_grad()
def test_after_a_stream_the_model_encodes_whole_clips_as_before():
    network, video = AUTOENCODERS["ours"], torch.rand(1, 3, 5, 8, 8)
    before = encode_to_latents(network, video)
    EncodeStream(network).push(video)
    assert torch.equal(encode_to_latents(network, video), before)


def test_what_cannot_be_streamed_is_refused():
    with pytest.raises(ValueError, match="allowed VideoAutoencoder, AutoencoderKLWan"):
        EncodeStream(AutoencoderKL(block_out_channels=(8,), norm_num_groups=4))
    with pytest.raises(ValueError, match="tile=4: allowed numbers >= 1, with a VideoAutoencoder"):
        DecodeStream(AUTOENCODERS["wan"], tile=4)
    with pytest.raises(ValueError, match="no frame was pushed"):
        EncodeStream(AUTOENCODERS["ours"]).finish()
    with pytest.raises(ValueError, match=r"latents=\(1, 7, 1, 2, 2\): not this autoencoder's"):
        DecodeStream(AUTOENCODERS["ours"]).push(torch.zeros(1, 7, 1, 2, 2))
