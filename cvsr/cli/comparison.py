"""Videos side by side, each under its label."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from cvsr.data.resize import resize
from cvsr.data.video import to_frames, to_tensor

STRIP = 28  # height of the label
INK, PAPER = (235, 235, 235), 24
WIDEST = 8192  # players give up on wider pictures


def comparison_path(output: str) -> str:
    """large.mp4 → large_compare.mp4, frames/ → frames_compare.mp4."""
    path = Path(output)
    suffix = ".mp4" if output.endswith("/") or not path.suffix else path.suffix
    return str(path.with_name(f"{path.stem}_compare{suffix}"))


def before_and_after(small: np.ndarray, large: np.ndarray, first: str, last: str) -> np.ndarray:
    """The small video in blocks, its bicubic enlargement and the large video, uint8 (T, H, W, 3) each."""
    height, width = large.shape[1:3]
    blocks = np.stack(
        [cv2.resize(frame, (width, height), interpolation=cv2.INTER_NEAREST) for frame in small]
    )
    bicubic = np.concatenate([_bicubic(frame[None], height, width) for frame in small])
    return side_by_side({first: blocks, "bicubic": bicubic, last: large})


def side_by_side(videos: Mapping[str, np.ndarray]) -> np.ndarray:
    """Label → uint8 (T, H, W, 3), all of one shape. Returns (T, H + STRIP, n·W, 3), smaller if too wide."""
    panels = [np.concatenate([_label(text, video), video], axis=1) for text, video in videos.items()]
    joined = np.concatenate(panels, axis=2)
    if (width := joined.shape[2]) > WIDEST:
        size = (WIDEST, round(joined.shape[1] * WIDEST / width))
        joined = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in joined])
    return joined


def _label(text: str, video: np.ndarray) -> np.ndarray:
    strip = np.full((STRIP, video.shape[2], 3), PAPER, np.uint8)
    cv2.putText(strip, text, (8, STRIP - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return np.broadcast_to(strip, (len(video), *strip.shape))


@torch.no_grad()
def _bicubic(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    return to_frames(resize(to_tensor(frames)[None], height, width)[0])
