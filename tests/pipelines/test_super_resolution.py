"""Super-resolution: an untrained network changes nothing; every size, length and scale; tiles; seeds."""

import pytest
import torch

from cvsr.data.resize import resize
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.pipelines.tiling import Tiling

PLAIN = {"num_inference_steps": 2, "detail": 1.0, "consistency": 0}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("steps", [1, 4])
def test_an_untrained_network_returns_the_codec_of_the_bicubic_enlargement(fresh, video, steps):
    enlarged = resize(video, 64, 96).clamp(-1, 1)
    latents = encode_to_latents(fresh.autoencoder, enlarged)
    arguments = PLAIN | {"num_inference_steps": steps, "generator": seeded()}
    assert torch.allclose(fresh(video, **arguments, output_type="latent").frames, latents, atol=1e-5)
    expected = decode_from_latents(fresh.autoencoder, latents).clamp(-1, 1)
    assert torch.allclose(fresh(video, **arguments).frames, expected, atol=1e-5)


@pytest.mark.parametrize("scale", [0.5, 1, 1.7, 4, 5.3])
@pytest.mark.parametrize("size", [(1, 7, 10), (3, 9, 16), (6, 16, 5)])
def test_every_size_length_and_scale(enlarger, size, scale):
    result = enlarger(torch.rand(1, 3, *size) * 2 - 1, scale=scale, num_inference_steps=1).frames
    assert result.shape == (1, 3, size[0], round(size[1] * scale), round(size[2] * scale))
    assert result.abs().max() <= 1


def test_padding_is_invisible_to_an_untrained_network_with_a_perfect_codec(fresh, monkeypatch):
    pixels = {}  # a codec that passes pixels by: latents only have to carry their shape

    def encode(autoencoder, video):
        pixels["video"] = video
        return video.new_zeros(1, 4, 1 + (video.shape[2] - 1) // 4, video.shape[3] // 8, video.shape[4] // 8)

    monkeypatch.setattr("cvsr.pipelines.super_resolution.encode_to_latents", encode)
    monkeypatch.setattr("cvsr.pipelines.super_resolution.decode_from_latents", lambda *_: pixels["video"])
    video = torch.rand(1, 3, 11, 21, 35, generator=seeded()) * 2 - 1
    tiling = Tiling(pixels=32, overlap=16, frames=5, frame_overlap=1)
    result = fresh(video, scale=3.3, **PLAIN, tiling=tiling).frames
    expected = resize(video, 69, 116).clamp(-1, 1)
    assert torch.allclose(result[:, :, :1], expected[:, :, :1], atol=1e-5)
    assert torch.allclose(result, expected, atol=5e-4)  # colours of later chunks are held to the first one's


def test_height_and_width_go_before_the_scale(enlarger, video):
    assert enlarger(video, height=30, width=50, **PLAIN).frames.shape[-2:] == (30, 50)


def test_tiles_agree_with_the_whole_where_the_network_is_local(fresh, video):
    whole = fresh(video, **PLAIN, generator=seeded()).frames
    tiled = fresh(video, **PLAIN, generator=seeded(), tiling=Tiling(48, 32, 5, 1)).frames
    assert tiled.shape == whole.shape
    assert (tiled - whole).abs().mean() < 0.02


def test_steps_are_counted_on_over_the_tiles(enlarger, video):
    calls, steps = [], []
    enlarger.transformer.register_forward_pre_hook(lambda *_: calls.append(1))
    callback = lambda pipeline, step, timestep, tensors: steps.append(step) or {}  # noqa: E731
    enlarger(video, **PLAIN, tiling=Tiling(48, 16, 5, 0), callback_on_step_end=callback)
    assert len(calls) == 2 * 1 * 2 * 3  # steps, times, rows, columns
    assert steps == list(range(len(calls)))


def test_the_seed_decides_and_a_batch_is_its_videos(enlarger, video):
    a, again, b = (enlarger(video[:1], **PLAIN, generator=seeded(s)).frames for s in (0, 0, 1))
    assert torch.equal(a, again)
    assert not torch.allclose(a, b)
    together = enlarger(video, ["a ball", ""], **PLAIN, generator=[seeded(0), seeded(1)]).frames
    alone = [
        enlarger(video[i : i + 1], prompt, **PLAIN, generator=seeded(i)).frames
        for i, prompt in enumerate(["a ball", ""])
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_strength_hides_the_input(fresh, video):
    low = encode_to_latents(fresh.autoencoder, resize(video, 64, 96).clamp(-1, 1))

    def condition(strength):
        return fresh(video, **PLAIN, strength=strength, generator=seeded(), output_type="latent").frames

    noise = condition(1.0)
    assert torch.allclose(condition(0.0), low, atol=1e-5)
    assert torch.allclose(condition(0.3), 0.7 * low + 0.3 * noise, atol=1e-4)
    assert noise.std().item() == pytest.approx(1, abs=0.1)


def test_the_network_is_told_the_strength_and_sees_both_latents(enlarger, video):
    seen = []
    enlarger.transformer.register_forward_pre_hook(lambda module, given: seen.append(given))
    enlarger(video, strength=0.4, **PLAIN)
    hidden, time, _, mask, levels = seen[0]
    assert hidden.shape == (2, 8, 2, 8, 12)
    assert time.tolist() == [1, 1]
    assert not mask.any()
    assert levels["noise_level"].tolist() == pytest.approx([0.4, 0.4])


def test_consistency_and_colour_bring_the_result_to_its_input(enlarger, video):
    def gap(**corrections):
        result = enlarger(video, num_inference_steps=1, generator=seeded(), **corrections).frames
        return (resize(result, 16, 24) - video).square().mean()

    without = gap(consistency=0)
    assert gap(consistency=3) < 0.2 * without
    assert gap(consistency=0, colour_correction="wavelet") < without


def test_adain_gives_each_frame_the_mean_of_its_input(enlarger, video):
    arguments = {"num_inference_steps": 1, "consistency": 0, "detail": 1.0}
    target = resize(0.1 * video, 64, 96).mean((-2, -1))

    def gap(kind):
        result = enlarger(0.1 * video, **arguments, colour_correction=kind, generator=seeded()).frames
        return (result.mean((-2, -1)) - target).abs().max()

    assert gap("adain") < 1e-5 < gap("none")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("scale", 0),
        ("scale", -2.0),
        ("scale", float("nan")),
        ("scale", float("inf")),
        ("scale", 0.01),
        ("height", 8),
        ("num_inference_steps", 0),
        ("strength", 1.5),
        ("strength", float("nan")),
        ("guidance_scale", float("nan")),
        ("consistency", -1),
        ("colour_correction", "lab"),
        ("detail", -0.5),
        ("detail", float("nan")),
        ("output_type", "gif"),
        ("prompt", ["one", "two", "three"]),
    ],
)
def test_what_is_not_allowed_is_said_in_one_line(enlarger, video, argument, value):
    with pytest.raises(ValueError, match=r"^\w+=[^\n]*; try [^\n]*$"):
        enlarger(video, **{argument: value})


@pytest.mark.parametrize("shape", [(3, 5, 16, 16), (1, 1, 5, 16, 16), (1, 3, 0, 16, 16)])
def test_a_tensor_that_is_no_video(enlarger, shape):
    with pytest.raises(ValueError, match=r"^video=.*allowed \(B, 3, T, H, W\)"):
        enlarger(torch.zeros(shape))


def test_latents_of_many_tiles_are_refused(enlarger, video):
    with pytest.raises(ValueError, match="share no latents"):
        enlarger(video, output_type="latent", tiling=Tiling(48, 16, 5, 1))


@pytest.mark.parametrize(
    "sizes",
    [
        {"pixels": 100},
        {"overlap": 256},
        {"overlap": -1},
        {"frames": 16},
        {"frames": 1},
        {"frame_overlap": 14},
    ],
)
def test_impossible_tiles_are_refused(sizes):
    with pytest.raises(ValueError, match=r"^\w+=.*allowed.*try"):
        Tiling(**sizes)
