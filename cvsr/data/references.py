"""References beside a clip: what its objects look like, or the video that it was edited from (UniMMVSR section 3.2).

They lie in a file of the clip's name, .npz, which is there only for clips that have references.

Legend: n references, T frames (1 for a picture), H rows, W columns.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

OVERSIZE = 4  # sides of a picture from which an object is cut out, over those of what is cut
CELL = 8  # pixels of a latent position
NOWHERE = -1.0
MARGIN = 1.2  # side of a picture over the longer side of the object that it was cut out for


@dataclass(frozen=True)
class References:
    """Pictures of objects, or one video.

    Attributes:
        frames: uint8 (n, T, H, W, 3). A video has more frames than its clip, as many before as after.
        masks: bool (n, T, H, W), where the object is in its picture; None beside a video.
        mistaken: uint8 (T, H, W, 3), the clip without the identity that the pictures show, of which inputs are made;
            None beside a video.
        places: float32 (n, T, 2, H / 8, W / 8), where in its picture (`places_in`) the middle of every latent position
            of the clip is; None where that is not known.
    """

    frames: np.ndarray
    masks: np.ndarray | None = None
    mistaken: np.ndarray | None = None
    places: np.ndarray | None = None


def write_references(clip: Path, references: References) -> None:
    """Write the references of a clip beside it."""
    arrays = {name: array for name, array in vars(references).items() if array is not None}
    with open(references_file(clip), "wb") as file:
        np.savez(file, **arrays)


def read_references(clip: Path) -> References | None:
    """The references beside a clip, None if it has none; ValueError for a file that is damaged."""
    if not references_file(clip).exists():
        return None
    try:
        with np.load(references_file(clip)) as arrays:
            return References(arrays["frames"], *map(arrays.get, ("masks", "mistaken", "places")))
    except Exception as error:  # zip, zlib and numpy each have their own
        raise ValueError(f"references={references_file(clip)}: damaged ({error}); build it again") from None


def references_file(clip: Path) -> Path:
    """Where the references of a clip are, if it has any."""
    return clip.with_suffix(".npz")


def cut_out(picture: np.ndarray, mask: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The square around an object, as it is cut out of a frame for a reference (UniMMVSR appendix A.2).

    Takes uint8 (H, W, 3) and bool (H, W), where its object is, and returns both with H = W = `size`. The square lies in
    the picture and is no larger than that. Raises ValueError for a mask without an object.
    """
    window = square_around(mask)
    parts = picture[window], mask[window].astype(np.float32)
    cut, shown = (cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA) for part in parts)
    return cut, shown > 0.5


def square_around(mask: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns of a mask bool (H, W) that `cut_out` keeps; raises as it does."""
    places = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]  # rows, columns
    if not len(places[0]):
        raise ValueError("mask: shows no object; allowed one pixel or more; try another picture")
    side = min(*mask.shape, round(MARGIN * max(1 + at[-1] - at[0] for at in places)))
    middles = [(at[0] + at[-1] + 1) // 2 for at in places]
    starts = [max(0, min(at - side // 2, most - side)) for at, most in zip(middles, mask.shape, strict=True)]
    rows, columns = (slice(start, start + side) for start in starts)
    return rows, columns


def places_in(window: tuple[slice, slice], maps: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Where in its picture an object of a clip is, float32 (T, 2, H / 8, W / 8), for every latent position's middle.

    Places are x and y in sides of the picture, from its upper left corner; both are -1 (`NOWHERE`) where the object is
    not seen, or lies outside of its picture.

    Args:
        window: of the picture's frame, as from `square_around`.
        maps: (T, 3, 3), from pixels of the clip to those of that frame.
        seen: bool (T, H, W), where the object is in the clip.
    """
    height, width = seen.shape[1:]
    rows, columns = (CELL * (np.arange(side // CELL) + 0.5) for side in (height, width))
    x, y = np.meshgrid(columns, rows)
    points = np.stack([x, y, np.ones_like(x)])  # (3, H / 8, W / 8)
    moved = np.einsum("tij,jhw->tihw", maps, points)[:, :2]
    corner, side = (window[1].start, window[0].start), window[0].stop - window[0].start
    places = (moved - np.reshape(corner, (2, 1, 1))) / side
    shown = seen[:, CELL // 2 :: CELL, CELL // 2 :: CELL]
    return inside(np.where(shown[:, None], places, NOWHERE))


def inside(places: np.ndarray) -> np.ndarray:
    """Places (…, 2, h, w) as float32, `NOWHERE` where they lie outside of the picture."""
    lies = ((places >= 0) & (places <= 1)).all(-3, keepdims=True)
    return np.where(lies, places, NOWHERE).astype(np.float32)
