"""Motion of a clip: dense optical flow from frame to frame, and which pixels count as moving."""

import itertools

import cv2
import numpy as np

_LEAST_SIDE = 16  # pixels; smaller frames are too small for the patches of the method


def motion_fields(frames: np.ndarray) -> np.ndarray:
    """Dense inverse search (Kroeger et al. 2016) in every frame of a clip.

    Args:
        frames: uint8 (T, H, W, 3), at least two.

    Returns:
        float32 (T, H, W, 2): the way (x, y) in pixels from each pixel to its place in the frame before. The first
        frame has none before it: it is taken to move on as it does until the second. Exactly 0 in a still clip.
    """
    grey = [cv2.cvtColor(_at_least(frame, _LEAST_SIDE), cv2.COLOR_RGB2GRAY) for frame in frames]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first = -search.calc(grey[0], grey[1], None)
    later = [search.calc(now, before, None) for before, now in itertools.pairwise(grey)]
    return np.stack([first, *later])[:, : frames.shape[1], : frames.shape[2]]


def moving_weight(motion: np.ndarray, threshold: float) -> np.ndarray:
    """How much pixels count as moving: (H, W) from 0, up to `threshold` pixels a frame, to 1 from twice that on.

    Args:
        motion: (H, W, 2), pixels a frame.
        threshold: above 0.
    """
    return (np.linalg.norm(motion, axis=-1) / threshold - 1).clip(0, 1)


def _at_least(frame: np.ndarray, side: int) -> np.ndarray:
    missing = [(0, max(0, side - length)) for length in frame.shape[:2]]
    return np.pad(frame, (*missing, (0, 0)), mode="edge")
