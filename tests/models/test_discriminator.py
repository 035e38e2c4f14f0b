"""The discriminator: a score a latent position, images and videos alike, and slopes that stay bounded."""

import pytest
import torch

from cvsr.models.discriminator import PatchDiscriminator


@pytest.fixture
def discriminator() -> PatchDiscriminator:
    torch.manual_seed(0)
    return PatchDiscriminator(width=4).eval()


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 32, 32), (5, 32, 48), (17, 64, 32)])
def test_scores_lie_on_the_latent_grid(discriminator, frames, height, width):
    scores = discriminator(noise(2, 3, frames, height, width))
    assert scores.shape == (2, 1, 1 + (frames - 1) // 4, height // 8, width // 8)


def test_a_video_is_judged_alone_whatever_else_is_in_the_batch(discriminator):
    batch = noise(3, 3, 5, 16, 16)
    torch.testing.assert_close(discriminator(batch)[1:2], discriminator(batch[1:2]))


def test_it_sees_the_past_and_the_future(discriminator):
    video = noise(1, 3, 17, 16, 16).requires_grad_()
    discriminator(video)[:, :, 2].sum().backward()
    reached = video.grad.abs().amax((0, 1, 3, 4)).nonzero().flatten().tolist()
    assert min(reached) < 8 < max(reached)


def test_every_layer_has_spectral_norm_one():
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(width=4)
    with torch.no_grad():
        for layer in discriminator.layers[::2]:
            layer.parametrizations.weight.original.mul_(100)
        for _ in range(50):  # power iterations
            discriminator(noise(1, 3, 1, 8, 8))
    for layer in discriminator.layers[::2]:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        torch.testing.assert_close(largest, torch.tensor(1.0), rtol=1e-3, atol=0)
