"""Patches: put back where they were, whatever the size."""

import pytest
import torch

from cvsr.models.patches import patchify, unpatchify


@pytest.mark.parametrize("size", [(4, 6, 8), (3, 5, 7), (1, 1, 1)])
@pytest.mark.parametrize("patch", [(1, 1, 1), (2, 2, 4)])
def test_patches_are_put_back_where_they_were(patch, size):
    video = torch.randn(2, 4, *size)
    assert torch.equal(unpatchify(patchify(video, patch), patch, size), video)


def test_a_patch_that_is_not_full_repeats_the_last_values():
    patches = patchify(torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 1, 3), (1, 1, 2))
    assert patches.flatten().tolist() == [1.0, 2.0, 3.0, 3.0]
