"""Errors are planted where they are said to be, and what is left of them is measured."""

import pytest
import torch

from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_tensor
from cvsr.data.world import render
from cvsr.measurements.structural_errors import plant_errors, structure_kept, survival


@pytest.fixture(scope="module")
def clean():
    return torch.stack([to_tensor(render(sample_scene(i, "validation"), 5, 32, 48).frames) for i in range(2)])


def test_errors_are_local_steady_and_seeded(clean):
    planted = plant_errors(clean, seed=3)
    assert planted.shape == clean.shape
    assert planted.abs().max() <= 1
    change = (planted - clean).abs().amax(1)  # (B, T, H, W)
    share = (change > 0.1).float().mean(dim=(1, 2, 3))
    assert (share > 0.01).all()
    assert (share < 0.35).all()
    touched = (change > 0.1).any(dim=1)
    assert not touched[:, [0, -1]].any()  # the frame's border stays as it is
    assert torch.equal(planted, plant_errors(clean, seed=3))
    assert torch.equal(planted[1:], plant_errors(clean[1:], seed=4))
    assert not torch.equal(planted, plant_errors(clean, seed=5))


@pytest.mark.parametrize("size", [(1, 9, 9), (2, 7, 13), (1, 33, 8)])
def test_any_size_and_length_will_do(size):
    video = torch.rand(1, 3, *size) * 2 - 1
    planted = plant_errors(video, 0)
    assert planted.shape == video.shape
    assert planted.isfinite().all()


def test_a_grey_clip_stays_grey():
    grey = torch.full((1, 3, 2, 16, 16), 0.3)
    torch.testing.assert_close(plant_errors(grey, 0), grey)


def test_survival_is_one_for_bicubic_and_nothing_for_a_result_that_ignores_them(clean):
    planted = plant_errors(clean, 0)
    enlarged, enlarged_clean = (resize(video, 128, 192) for video in (planted, clean))
    torch.testing.assert_close(survival(enlarged, enlarged_clean, planted, clean), torch.ones(2))
    assert not survival(enlarged_clean, enlarged_clean, planted, clean).any()
    half = (enlarged + enlarged_clean) / 2
    torch.testing.assert_close(survival(half, enlarged_clean, planted, clean), torch.full((2,), 0.5))


def test_structure_is_kept_by_bicubic_and_fades_with_contrast(clean):
    enlarged = resize(clean, 128, 192)
    torch.testing.assert_close(structure_kept(enlarged, clean), torch.ones(2))
    faded = 0.4 * enlarged + 0.2  # another brightness is no structure
    torch.testing.assert_close(structure_kept(faded, clean), torch.full((2,), 0.4), atol=1e-4, rtol=0)
    assert structure_kept(-enlarged, clean).max() < 0
