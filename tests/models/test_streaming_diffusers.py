"""Autoencoders of diffusers through the kit's stream: what comes out is what diffusers' own encode and decode give."""

import pytest
import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLLTX2Video,
    AutoencoderKLLTXVideo,
    AutoencoderKLQwenImage,
    AutoencoderKLWan,
)

from cvsr.evaluation.cost import peak_bytes
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.models.latent_space import compression, latent_channels
from cvsr.models.streaming import DecodeStream, EncodeStream, decode_stream, encode_stream

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
WIDTHS = {"block_out_channels": (8, 8, 8, 8), "latent_channels": 4}
SMALL = WIDTHS | {"layers_per_block": 1, "norm_num_groups": 4}
LTX = WIDTHS | {"layers_per_block": (1,) * 5, "decoder_layers_per_block": (1,) * 5}
LTX["decoder_block_out_channels"] = (8, 8, 8, 8)
LTX2 = LTX | {"decoder_block_out_channels": (8, 16, 32), "decoder_layers_per_block": (1,) * 4}
LTX2 |= {"temporal_compression_ratio": 8, "spatial_compression_ratio": 32}  # as released
STATISTICS = {"latents_mean": [0.1, -0.2, 0.3, 0.0], "latents_std": [1.5, 0.5, 1.0, 2.0]}
WAN = STATISTICS | {"base_dim": 8, "z_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
WAN22 = WAN | {"is_residual": True, "in_channels": 12, "out_channels": 12, "patch_size": 2}
KINDS = {
    "wan": (AutoencoderKLWan, WAN),
    "wan 2.2": (AutoencoderKLWan, WAN22 | {"scale_factor_spatial": 16}),
    "qwen": (AutoencoderKLQwenImage, WAN),
    "cogvideox": (AutoencoderKLCogVideoX, SMALL),
    "hunyuan": (AutoencoderKLHunyuanVideo, SMALL),
    "ltx": (AutoencoderKLLTXVideo, LTX),
    "ltx 2": (AutoencoderKLLTX2Video, LTX2),
}
COMPRESSIONS = {"wan 2.2": (4, 16), "ltx": (8, 32), "ltx 2": (8, 32)}
# Groups of frames after the first: below, at and above what one piece or tile holds. CogVideoX's odd ones: below.
LENGTHS = {"cogvideox": (0, 2, 4, 8), "hunyuan": (0, 1, 3, 4, 5, 6, 10), "ltx": (0, 1, 2, 3, 5)}


def build(kind):
    torch.manual_seed(0)
    cls, sizes = KINDS[kind]
    network = cls(**sizes).eval()
    if hasattr(network, "use_framewise_decoding"):
        network.use_framewise_encoding = network.use_framewise_decoding = True
    return network


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def network(kind):
    return build(kind)


def clip(network, groups):
    frames, patch = compression(network)
    generator = torch.Generator().manual_seed(groups)
    return torch.rand(1, 3, 1 + frames * groups, 2 * patch, 3 * patch, generator=generator) * 2 - 1


def streamed(stream, *args, lengths=(2,)):
    """The result of pieces of the lengths, in turn."""
    network, x = args
    pieces, start = [], 0
    while start < x.shape[2]:
        pieces.append(x[:, :, start : start + lengths[len(pieces) % len(lengths)]])
        start += pieces[-1].shape[2]
    return torch.cat(list(stream(network, pieces)), dim=2)


def test_what_a_latent_position_stands_for(kind, network):
    assert compression(network) == COMPRESSIONS.get(kind, (4, 8))
    assert latent_channels(network) == 4


@torch.no_grad()
def test_a_stream_gives_what_diffusers_gives(kind, network):
    for index, groups in enumerate(LENGTHS.get(kind, (0, 1, 3))):
        video = clip(network, groups)
        latents = encode_to_latents(network, video)
        lengths = [(1,), (40,), (2, 7), (30, 1)][index % 4]
        torch.testing.assert_close(streamed(encode_stream, network, video, lengths=lengths), latents, **CLOSE)
        decoded = decode_from_latents(network, latents)
        assert decoded.shape == video.shape
        torch.testing.assert_close(streamed(decode_stream, network, latents, lengths=lengths), decoded, **CLOSE)


@torch.no_grad()
def test_cogvideox_takes_a_remainder_last():
    """Where diffusers takes it first: the same network with the same caches, in the pieces that a stream can know."""
    network, video = build("cogvideox"), clip(build("cogvideox"), 5)
    moments, caches = [], None
    for piece in video.split((9, 8, 4), dim=2):
        out, caches = network.encoder(piece, conv_cache=caches)
        moments.append(out[:, :4])
    latents = torch.cat(moments, dim=2) * network.config.scaling_factor
    torch.testing.assert_close(streamed(encode_stream, network, video), latents, **CLOSE)
    frames, caches = [], None
    raw = latents / network.config.scaling_factor
    for piece in (raw[:, :, :3], raw[:, :, 3:5], raw[:, :, [5, 5]]):
        out, caches = network.decoder(piece, conv_cache=caches)
        frames.append(out)
    expected = torch.cat(frames, dim=2)[:, :, : video.shape[2]]
    torch.testing.assert_close(streamed(decode_stream, network, latents), expected, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("groups", [1, 3])
def test_cogvideox_gives_as_many_frames_as_there_were(groups):
    network = build("cogvideox")
    video = clip(network, groups)
    latents = streamed(encode_stream, network, video)
    assert latents.shape[2] == 1 + groups
    assert streamed(decode_stream, network, latents).shape == video.shape
    assert decode_from_latents(network, latents).shape == video.shape


@torch.no_grad()
def test_results_leave_as_soon_as_they_are_final():
    """A tile of HunyuanVideo's is 5 latent frames; all but the last two, which fade into the next, are final."""
    network = build("hunyuan")
    stream, video = EncodeStream(network), clip(network, 10)
    counts = [stream.push(frame).shape[2] for frame in video.split(1, dim=2)]
    assert {index: count for index, count in enumerate(counts) if count} == {16: 4, 28: 3, 40: 3}
    assert stream.finish().shape[2] == 1
    stream = DecodeStream(network)
    assert [stream.push(torch.zeros(1, 4, 1, 2, 3)).shape[2] for _ in range(8)] == [0, 0, 0, 0, 13, 0, 0, 12]
    assert stream.finish().shape[2] == 29 - 25


@torch.no_grad()
def test_tiles_in_space_are_diffusers_own():
    network = build("hunyuan")
    network.enable_tiling(16, 16, tile_sample_stride_height=8, tile_sample_stride_width=8)
    video = clip(network, 5)
    latents = encode_to_latents(network, video)
    torch.testing.assert_close(streamed(encode_stream, network, video), latents, **CLOSE)
    torch.testing.assert_close(
        streamed(decode_stream, network, latents), decode_from_latents(network, latents), **CLOSE
    )


@torch.no_grad()
def test_two_streams_of_one_model_do_not_disturb_each_other(network):
    latents = torch.randn(2, 1, 4, 6, 2, 2)
    streams = [DecodeStream(network), DecodeStream(network)]
    pieces = [
        [stream.push(x[:, :, part]) for stream, x in zip(streams, latents, strict=True)]
        for part in (slice(0, 3), slice(3, 6))
    ]
    pieces.append([stream.finish() for stream in streams])
    for x, *parts in zip(latents, *pieces, strict=True):
        torch.testing.assert_close(torch.cat(parts, dim=2), streamed(decode_stream, network, x), **CLOSE)


@torch.no_grad()
def test_the_model_is_left_as_it_was(network):
    before = {name: value for name, value in vars(network).items() if name.startswith("use_")}
    video = clip(network, 2)
    latents = encode_to_latents(network, video)
    streamed(encode_stream, network, video)
    assert {name: value for name, value in vars(network).items() if name.startswith("use_")} == before
    assert torch.equal(encode_to_latents(network, video), latents)


@torch.no_grad()
def test_half_precision_is_the_models_matter(kind):
    """Video and normalised latents stay in single precision; the network gets them in its own."""
    network = build(kind).to(torch.bfloat16)
    video = clip(network, 1)
    latents = encode_to_latents(network, video)
    assert latents.dtype == torch.float32
    assert torch.equal(streamed(encode_stream, network, video), latents)
    assert streamed(decode_stream, network, latents).shape == decode_from_latents(network, latents).shape


@torch.no_grad()
@pytest.mark.parametrize("kind", ["cogvideox", "hunyuan"])
def test_memory_does_not_grow_with_the_length(kind):
    network = build(kind)

    def decode(frames):
        for _ in decode_stream(network, (torch.randn(1, 4, 1, 4, 4) for _ in range(frames))):
            pass

    short, long = (peak_bytes(lambda frames=frames: decode(frames)) for frames in (9, 21))
    assert long < 1.1 * short


def test_a_decoder_that_removes_noise_is_refused():
    network = AutoencoderKLLTXVideo(**LTX | {"timestep_conditioning": True})
    with pytest.raises(ValueError, match="timestep_conditioning=True: its decoder removes noise"):
        DecodeStream(network)
