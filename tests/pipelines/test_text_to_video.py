"""Text to video: sizes, steps, seeds, guidance, callbacks."""

import numpy as np
import pytest
import torch

from cvsr.models.autoencoder import decode_from_latents

SMALL = {"height": 16, "width": 24, "num_frames": 5, "num_inference_steps": 2}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("asked", "latent_frames"), [(1, 1), (2, 2), (5, 2), (6, 3), (9, 3)])
def test_any_number_of_frames(base, asked, latent_frames):
    arguments = SMALL | {"num_frames": asked}
    assert base("a ball", **arguments).frames.shape == (1, 3, asked, 16, 24)
    assert base("a ball", **arguments, output_type="latent").frames.shape == (1, 4, latent_frames, 2, 3)


def test_output_types_show_the_same_video(base):
    latents = base(**SMALL, generator=seeded(), output_type="latent").frames
    video = base(**SMALL, generator=seeded()).frames
    frames = base(**SMALL, generator=seeded(), output_type="np").frames
    assert torch.allclose(video, decode_from_latents(base.autoencoder, latents).clamp(-1, 1))
    assert frames.dtype == np.uint8
    assert frames.shape == (1, 5, 16, 24, 3)
    assert np.abs(frames / 127.5 - 1 - video.permute(0, 2, 3, 4, 1).numpy()).max() <= 0.5 / 127.5 + 1e-6


def test_the_seed_decides(base):
    a, again, b = (base("a ball", **SMALL, generator=seeded(s)).frames for s in (0, 0, 1))
    assert torch.equal(a, again)
    assert not torch.allclose(a, b)


def test_a_batch_is_its_videos(base):
    prompts = ["a red ball", ""]
    together = base(prompts, **SMALL, generator=[seeded(3), seeded(4)]).frames
    alone = [
        base(prompt, **SMALL, generator=seeded(s)).frames for prompt, s in zip(prompts, (3, 4), strict=True)
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_the_prompt_and_its_guidance_matter(base):
    def result(prompt, scale):
        return base(prompt, **SMALL, guidance_scale=scale, generator=seeded(), output_type="latent").frames

    plain, none, guided = result("a red ball", 1.0), result("", 1.0), result("a red ball", 3.0)
    assert not torch.allclose(plain, none)
    assert not torch.allclose(plain, guided)
    assert torch.equal(none, result("", 3.0)) or torch.allclose(none, result("", 3.0), atol=1e-5)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_every_step_calls_the_network_once_and_the_callback_after_it(base, steps):
    calls, seen = [], []
    base.transformer.register_forward_pre_hook(lambda *_: calls.append(1))

    def callback(pipeline, step, timestep, tensors):
        seen.append((step, timestep.item(), tensors["latents"].shape))
        return {}

    base("a ball", **SMALL | {"num_inference_steps": steps}, callback_on_step_end=callback)
    assert len(calls) == steps
    assert [step for step, *_ in seen] == list(range(steps))
    assert [time for _, time, _ in seen] == pytest.approx(
        [1000 * (1 - i / steps) for i in range(steps)], abs=1e-2
    )


def test_a_callback_can_replace_the_latents(base):
    def callback(pipeline, step, timestep, tensors):
        return {"latents": torch.full_like(tensors["latents"], step)}

    result = base(**SMALL, output_type="latent", callback_on_step_end=callback)
    assert torch.equal(result.frames, torch.ones_like(result.frames))


def test_a_callback_sees_what_each_step_predicts(base):
    seen = []

    def callback(pipeline, step, timestep, tensors):
        seen.append(tensors["clean"])
        return {}

    result = base(**SMALL, output_type="latent", callback_on_step_end=callback).frames
    assert len(seen) == SMALL["num_inference_steps"]
    torch.testing.assert_close(seen[-1], result)  # Euler's last step goes all the way
    assert not torch.allclose(seen[0], result)


def test_an_untrained_network_ends_at_its_prediction_of_zero(base):
    torch.nn.init.zeros_(base.transformer.to_sample.weight)
    torch.nn.init.zeros_(base.transformer.to_sample.bias)
    latents = base(**SMALL, output_type="latent").frames
    assert latents.abs().max() < 1e-5


def test_a_plain_tuple_on_request(base):
    (frames,) = base(**SMALL, return_dict=False)
    assert frames.shape == (1, 3, 5, 16, 24)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("height", 20),
        ("width", 0),
        ("num_frames", 0),
        ("num_frames", 2.5),
        ("num_inference_steps", 0),
        ("guidance_scale", -1.0),
        ("output_type", "gif"),
    ],
)
def test_what_is_not_allowed_is_said_in_one_line(base, argument, value):
    with pytest.raises(ValueError, match=r"^\w+=.*allowed[^\n]*; try [^\n]*$"):
        base("a ball", **SMALL | {argument: value})
