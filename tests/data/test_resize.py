import numpy as np
import pytest
import torch
from PIL import Image

from cvsr.data.resize import resize


@pytest.mark.parametrize(("height", "width"), [(40, 60), (5, 7), (10, 15), (13, 9)])
def test_it_is_pils_bicubic(height, width):
    picture = np.random.default_rng(0).random((10, 15), dtype=np.float32)
    expected = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))
    video = torch.from_numpy(picture).expand(2, 3, 2, -1, -1)
    assert torch.allclose(
        resize(video, height, width), torch.from_numpy(expected.copy()).expand(2, 3, 2, -1, -1), atol=1e-5
    )


def test_nothing_aliases_when_reducing():
    stripes = (torch.arange(64) % 2 * 2.0 - 1).expand(1, 3, 1, 64, 64)
    assert resize(stripes, 16, 16)[..., 2:-2].abs().max() < 0.1
