"""Optical flow between two frames, warping with it, and where it can be trusted.

Frames are float arrays (H, W, 3) in [0, 1]; a flow is (H, W, 2) in pixels: the way (x, y) from the first
frame's pixel to its place in the second.
"""

import cv2
import numpy as np


def optical_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense inverse search (Kroeger et al. 2016): for every pixel of `first`, where it is in `second`."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return method.calc(_grey(first), _grey(second), None)


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Fetch `image` at every pixel plus its flow, bilinearly; (H, W, C) or (H, W). Edges are repeated."""
    return cv2.remap(image, _targets(flow), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def trusted_flow(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The flow first -> second and a mask (H, W) of the pixels seen in both frames.

    A pixel counts as seen if it stays inside the picture and the way there and back returns to it
    (the forward-backward check of Ruder et al. 2016).
    """
    there, back = optical_flow(first, second), optical_flow(second, first)
    returned = warp(back, there)
    gap = np.square(there + returned).sum(-1)
    allowance = 0.01 * (np.square(there).sum(-1) + np.square(returned).sum(-1)) + 0.5
    return there, (gap <= allowance) & _inside(_targets(there))


def _targets(flow: np.ndarray) -> np.ndarray:
    height, width = flow.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)  # (H, W, 2)
    return (grid + flow).astype(np.float32)


def _inside(targets: np.ndarray) -> np.ndarray:
    height, width = targets.shape[:2]
    return ((targets >= 0) & (targets <= (width - 1, height - 1))).all(-1)


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor((frame.clip(0, 1) * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY)
