"""References beside a clip: what its objects look like, or the video that it was edited from (UniMMVSR section 3.2).

They lie in a file of the clip's name, .npz, which is there only for clips that have references.

Legend: n references, T frames (1 for a picture), H rows, W columns.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

OVERSIZE = 4  # sides of a picture from which an object is cut out, over those of what is cut
MARGIN = 1.2  # side of a picture over the longer side of the object that it was cut out for


@dataclass(frozen=True)
class References:
    """Pictures of objects, or one video.

    Attributes:
        frames: uint8 (n, T, H, W, 3). A video has more frames than its clip, as many before as after.
        masks: bool (n, T, H, W), where the object is in its picture; None beside a video.
        mistaken: uint8 (T, H, W, 3), the clip without the identity that the pictures show, of which inputs are made;
            None beside a video.
    """

    frames: np.ndarray
    masks: np.ndarray | None = None
    mistaken: np.ndarray | None = None


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
            return References(arrays["frames"], arrays.get("masks"), arrays.get("mistaken"))
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
    places = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]  # rows, columns
    if not len(places[0]):
        raise ValueError("mask: shows no object; allowed one pixel or more; try another picture")
    side = min(*mask.shape, round(MARGIN * max(1 + at[-1] - at[0] for at in places)))
    middles = [(at[0] + at[-1] + 1) // 2 for at in places]
    starts = [max(0, min(at - side // 2, most - side)) for at, most in zip(middles, mask.shape, strict=True)]
    window = tuple(slice(start, start + side) for start in starts)
    parts = picture[window], mask[window].astype(np.float32)
    cut, shown = (cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA) for part in parts)
    return cut, shown > 0.5
