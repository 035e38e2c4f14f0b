"""Pictures with something to follow in every place."""

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def texture():
    """Make a soft random grey texture, uint8 (H, W, 3)."""

    def make(height, width, seed=0):
        noise = np.random.default_rng(seed).standard_normal((height, width))
        smooth = cv2.GaussianBlur(noise, (0, 0), 1.5)
        levels = 128 + 45 * smooth / max(smooth.std(), 1e-6)
        return np.repeat(levels.clip(0, 255).astype(np.uint8)[..., None], 3, axis=-1)

    return make
