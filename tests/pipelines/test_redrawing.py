"""SDEdit: nothing happens at alpha 0, everything at 1, and in between the model has its part."""

import numpy as np
import pytest
import torch

from cvsr.data.degradations.model_guided import ModelGuided
from cvsr.data.degradations.pipeline import degrade
from cvsr.data.video import to_frames, to_tensor
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.pipelines.redrawing import Redrawing, redraw


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def latents() -> torch.Tensor:
    return torch.randn(1, 4, 2, 2, 3, generator=seeded(5))


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 16, 24, 3), np.uint8)


def test_no_noise_no_change(base, latents):
    assert torch.equal(redraw(base, latents, ["a ball"], 0.0, seeded()), latents)


def test_noise_alone_is_what_the_pipeline_draws(base, latents):
    ours = redraw(base, latents, ["a ball"], 1.0, seeded(), steps=4, guidance_scale=3.0)
    size = {"height": 16, "width": 24, "num_frames": 5}
    run = {"num_inference_steps": 4, "guidance_scale": 3.0, "generator": seeded(), "output_type": "latent"}
    assert torch.allclose(ours, base("a ball", **size, **run).frames, atol=1e-5)


@pytest.mark.parametrize(
    ("alpha", "steps", "calls"), [(0.3, 10, 3), (0.35, 30, 10), (0.01, 10, 1), (1.0, 2, 2)]
)
def test_alpha_is_its_share_of_the_steps(base, latents, alpha, steps, calls):
    times = []
    base.transformer.register_forward_pre_hook(lambda _, inputs: times.append(inputs[1][0].item()))
    redraw(base, latents, ["a ball"], alpha, seeded(), steps)
    assert times == pytest.approx([alpha * (1 - i / calls) for i in range(calls)], abs=1e-6)


def test_a_model_that_knows_the_clip_gives_it_back(base, latents):
    """With the velocity of this very clip, the way back ends where it began, whatever the noise."""
    base.guided_velocity = lambda *_: lambda x, t, step: (x - latents) / t.view(-1, 1, 1, 1, 1)
    for alpha in (0.3, 0.8):
        assert torch.allclose(redraw(base, latents, [""], alpha, seeded(), 10), latents, atol=1e-5)


def test_frames_of_any_size_and_length(base):
    redrawing = Redrawing(base, "a ball", steps=4)
    for shape in ((1, 8, 8), (2, 9, 17), (6, 24, 15)):
        frames = np.full((*shape, 3), 90, np.uint8)
        redrawn = redrawing(frames, 0.5, 1)
        assert redrawn.shape == frames.shape
        assert redrawn.dtype == np.uint8
    assert redrawing.latents(np.full((6, 24, 15, 3), 90, np.uint8), 0.5, 1).shape == (1, 4, 3, 3, 2)


def test_latents_are_those_of_the_frames(base, frames):
    redrawing = Redrawing(base, "a ball", steps=4)
    decoded = decode_from_latents(base.autoencoder, redrawing.latents(frames, 0.5, 1))
    assert np.array_equal(redrawing(frames, 0.5, 1), to_frames(decoded[0]))
    kept = encode_to_latents(base.autoencoder, to_tensor(frames)[None])
    assert torch.allclose(redrawing.latents(frames, 0.0, 1), kept, atol=1e-5)


def test_the_record_decides(base, frames):
    redrawing = Redrawing(base, "a ball", steps=4)
    first, again, other = (degrade([ModelGuided(0.5, seed)], frames, redrawing) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("wrong", [{"alpha": 1.5}, {"alpha": -0.1}, {"steps": 0}, {"guidance_scale": -1.0}])
def test_mistakes(base, latents, wrong):
    with pytest.raises(ValueError, match=r"^\w+=.*allowed[^\n]*; try [^\n]*$"):
        redraw(base, latents, ["a ball"], **{"alpha": 0.4, **wrong})
