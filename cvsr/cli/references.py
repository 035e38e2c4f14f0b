"""`--reference` and `--reference-video`: files that a system is shown beside its input."""

import warnings
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from cvsr.cli.memory import check_memory
from cvsr.data.video import read_video, to_tensor

BYTES_PER_VALUE = 12  # of a reference: float32, once more at the size at which it is read, and while it is resized


def reference_settings(images: Sequence[str], videos: Sequence[str], frames: int) -> dict[str, list[Tensor]]:
    """The `references` of an enlargement, ID images (3, H, W) and videos (3, T, H, W) in [-1, 1]; nothing if none.

    Of videos no more than `frames` are read.

    Raises:
        VideoError: a file that cannot be read.
        ValueError: a video among the images, or a file too large for the memory there is.
    """
    references = [*map(_read_image, images), *(_read_video(path, frames) for path in videos)]
    return {"references": references} if references else {}


def _read_image(path: str) -> Tensor:
    pictures = read_video(path, max_frames=2).frames
    if len(pictures) > 1:
        raise ValueError(f"reference={path}: a video; allowed images; try --reference-video {path}")
    return _to_tensor("reference", path, pictures)[:, 0]


def _read_video(path: str, frames: int) -> Tensor:
    shown = read_video(path, max_frames=frames).frames
    if len(shown) < frames:
        warnings.warn(
            f"reference-video={path}: ends after {len(shown)} of {frames} frames; its last one stays to the end",
            stacklevel=2,
        )
    return _to_tensor("reference-video", path, shown)


def _to_tensor(option: str, path: str, frames: np.ndarray) -> Tensor:
    count, height, width = frames.shape[:3]
    what = f"{option}={path}: {count} frame{'s' * (count > 1)} of {width}x{height}"
    check_memory(BYTES_PER_VALUE * frames.size, what, "a smaller one")
    return to_tensor(frames)
