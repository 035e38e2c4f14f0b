"""Motion blur, block by block: every block has a line-shaped kernel along its own motion.

Blocks overlap by half, and their results are blended linearly, so that no borders are to be seen between them.
"""

import math

import cv2
import numpy as np

_BLOCKS = 16  # along the shorter side of the frame


def line_kernel(way: np.ndarray, longest: float) -> np.ndarray:
    """float32 (size, size), sums to 1: a line one pixel wide, along `way` (x, y) and as long, up to `longest`.

    A way of 0 makes the kernel of one pixel, which changes nothing.
    """
    length = float(np.hypot(*way))
    half = min(length, longest) / 2
    reach = math.ceil(half)
    direction = np.asarray(way) / max(length, 1e-6)
    grid = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2), axis=-1)  # (size, size, 2)
    along = (grid @ direction).clip(-half, half)
    distance = np.linalg.norm(grid - along[..., None] * direction, axis=-1)  # to the line
    weights = (1 - distance).clip(0, None)
    return (weights / weights.sum()).astype(np.float32)


def blur_along(frame: np.ndarray, motion: np.ndarray, weight: np.ndarray, exposure: float) -> np.ndarray:
    """A frame as a camera takes it whose shutter stays open for `exposure` times the time between two frames.

    Args:
        frame: uint8 (H, W, 3).
        motion: (H, W, 2), pixels a frame.
        weight: (H, W), 0 where pixels are to stay as they are, 1 where they take the blurred value; a block's
            kernel follows the mean motion of its pixels with this weight.
        exposure: from 0; 1 makes lines as long as the way from frame to frame, up to an eighth of the frame.
    """
    height, width = weight.shape
    side = max(2, min(height, width) // _BLOCKS)  # between the centres of blocks; a block is twice as wide
    rows, columns = _hats(height, side), _hats(width, side)  # (blocks, H), (blocks, W)
    moving = rows @ weight @ columns.T  # (blocks, blocks)
    total = np.einsum("ih,hwc,jw->ijc", rows, motion * weight[..., None], columns, optimize=True)
    original = frame.astype(np.float32)
    padded = cv2.copyMakeBorder(original, side, side, side, side, cv2.BORDER_REPLICATE)
    blurred = original.copy()
    for i, j in zip(*np.nonzero(moving), strict=True):
        y, x = (slice(max(0, (k - 1) * side), (k + 1) * side) for k in (i, j))
        kernel = line_kernel(exposure * total[i, j] / moving[i, j], 2 * side)
        block = padded[y.start : y.stop + 2 * side, x.start : x.stop + 2 * side]
        filtered = cv2.filter2D(block, -1, kernel)[side:-side, side:-side]
        share = rows[i, y, None] * columns[j, x]  # (h, w) of the block
        blurred[y, x] += share[..., None] * (filtered - original[y, x])
    return (original + weight[..., None] * (blurred - original)).round().clip(0, 255).astype(np.uint8)


def _hats(length: int, side: int) -> np.ndarray:
    """float32 (blocks, length): how much each block has a say at each pixel; columns sum to 1."""
    centres = np.arange(0, length + side, side)
    return (1 - np.abs(np.arange(length) - centres[:, None]) / side).clip(0, None).astype(np.float32)
