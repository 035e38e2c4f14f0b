"""Windows of a clip that stand for clips of other sizes and shapes, for networks that draw patches of a whole.

A patch of 128 pixels is half as wide as a small result and a thirtieth of a large one. Clips of one size teach all of
that if now more and now less of them counts as the whole: PatchVSR trains on clips from 1024×1024 to 2K (section 4.1).

A window is (4,), top, left, bottom and right edge in latent positions.
"""

import numpy as np

Window = np.ndarray


def draw_window(rng: np.random.Generator, size: tuple[int, int], least: int) -> Window:
    """A window of a clip of `size` (h, w), whose sides are `least` to the clip's, log-uniform, each for itself."""
    start, stop = [], []
    for side in size:
        shortest = min(least, side)
        length = round(shortest * (side / shortest) ** rng.random())
        start.append(int(rng.integers(side - length + 1)))
        stop.append(start[-1] + length)
    return np.array([*start, *stop])


def draw_patch(rng: np.random.Generator, window: Window, size: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """Rows and columns of a patch of size × size in a window, and its place (4,), the edges as shares of the window.

    Raises:
        ValueError: a patch larger than the window.
    """
    corner, sides = window[:2], window[2:] - window[:2]
    if size > sides.min():
        raise ValueError(
            f"size={size}: a patch larger than its whole of {sides[0]}×{sides[1]}; allowed up to {sides.min()}; try"
            " buckets no larger than the shards' `whole`"
        )
    start = np.array([rng.integers(side - size + 1) for side in sides])
    place = np.concatenate([start / sides, (start + size) / sides])
    rows, columns = (slice(int(first), int(first) + size) for first in corner + start)
    return (rows, columns), place
