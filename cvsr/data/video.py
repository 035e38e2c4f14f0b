"""A video in memory, read from and written to files: the only way in and out for what a user names.

    video = read_video("clip.mp4")
    write_video("copy.mp4", replace(video, frames=enlarged))        # rate, timestamps and sound kept

Files are read strictly (see `cvsr.data.decoding`) and written whole or not at all. For random access into
the clips of a data set see `cvsr.data.clips`; for videos larger than memory, `VideoReader` and `VideoWriter`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from os import PathLike
from pathlib import Path

import numpy as np
import torch

from cvsr.data.encoding import CRF, VideoWriter, as_rate, check_frames, to_json
from cvsr.data.files import VideoError, output_kind
from cvsr.data.frame_source import FrameSource
from cvsr.data.images import image_output

MAX_BYTES = 8 * 2**30  # of decoded frames in memory: 1380 frames of 1080p
_FINEST_CLOCK = 10_000_000  # ticks a second, for timestamps without a small common denominator


@dataclass
class Video:
    """Frames and everything that has to survive a round trip through the models.

    Attributes:
        frames: uint8 (T, H, W, 3), RGB.
        fps: average frames a second.
        timestamps: second at which each frame is shown, rising; by default `fps` apart.
        metadata: settings found in (or to be kept in) the file.
        audio: the file whose sound belongs to it, or None.
        pixel_aspect: width of a pixel over its height, as displayed.
    """

    frames: np.ndarray
    fps: Fraction
    timestamps: list[Fraction] | None = None
    metadata: dict = field(default_factory=dict)
    audio: Path | None = None
    pixel_aspect: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        check_frames(self.frames)
        self.fps = as_rate(self.fps)
        if self.timestamps is None:
            self.timestamps = [index / self.fps for index in range(len(self.frames))]
        if len(self.timestamps) != len(self.frames):
            problem = f"timestamps: {len(self.timestamps)} for {len(self.frames)} frames"
            raise VideoError(f"{problem}; give one for each, or None for equal steps")

    def __len__(self) -> int:
        return len(self.frames)


def read_video(path: str | PathLike, *, salvage: bool = False, max_frames: int | None = None) -> Video:
    """Read a video file, an image (one frame), an animation or a folder of frames, strictly.

    Args:
        path: the name of a local file or folder. Images of a folder are taken in natural order, 24 a second.
        salvage: from a damaged or cut-off video file take the frames that can be read.
        max_frames: read no more than this many, from the start (what comes after them is not checked).

    Raises:
        VideoError: one line on what is wrong with the file and what to do about it.
    """
    source = FrameSource(path, salvage=salvage, max_frames=max_frames)
    frames = _gather(source)
    kept = {"metadata": source.metadata, "audio": source.audio, "pixel_aspect": source.pixel_aspect}
    return Video(frames, source.fps, source.timestamps(len(frames)), **kept)


def write_video(
    path: str | PathLike,
    video: Video | np.ndarray,
    fps: Fraction | float | None = None,
    *,
    metadata: dict | None = None,
    crf: float = CRF,
) -> None:
    """Write a video (.mp4 .m4v .mov .mkv), one frame (.png .jpg) or a folder of PNG frames ("name/").

    Args:
        path: the output; appears whole or not at all.
        video: a `Video`, whose rate, timestamps, sound and metadata are kept, or uint8 frames (T, H, W, 3).
        fps: frames a second of an array of frames (a `Video` has its own).
        metadata: settings to keep in the file instead of the video's.
        crf: x264's constant rate factor, 0 (best) to 51.

    Raises:
        VideoError: the output cannot be written, or the frames are of the wrong kind.
    """
    if isinstance(video, Video) == (fps is not None):
        raise VideoError(f"fps={fps}: goes with an array of frames, and only with one; a Video has its own")
    video = video if isinstance(video, Video) else Video(video, fps)
    with video_output(path, video, metadata=metadata, crf=crf) as write:
        write(video.frames)


@contextmanager
def video_output(
    path: str | PathLike, like: Video, *, metadata: dict | None = None, crf: float = CRF
) -> Iterator[Callable[[np.ndarray], None]]:
    """Write as `write_video` does, but frames as they come: `write(frames)`, uint8 (T, H, W, 3), in the block.

    Args:
        path: the output; appears, whole, when the block ends well, or not at all.
        like: the video, or `cvsr.data.footage.Footage`, whose rate, timestamps, sound and metadata are kept; as many
            frames have to come.
        metadata: settings to keep in the file instead of its own.
        crf: x264's constant rate factor, 0 (best) to 51.

    Raises:
        VideoError: the output cannot be written, frames of the wrong kind, or not as many as `like` has.
    """
    metadata = like.metadata if metadata is None else metadata
    kind = output_kind(path)
    if len(like) == 0 or (kind == "image" and len(like) > 1):
        raise VideoError(
            f"frames={len(like)}: cannot make {path}; one frame makes an image, any number a video"
        )
    with ExitStack() as stack:
        if kind == "video":
            kept = {"audio": like.audio, "pixel_aspect": like.pixel_aspect, "metadata": metadata}
            writer = VideoWriter(path, like.fps, time_base=_clock(like), crf=crf, **kept)
            append = stack.enter_context(writer).write
        else:
            append = stack.enter_context(image_output(path, to_json(metadata)))
        count = 0

        def write(frames: np.ndarray) -> None:
            nonlocal count
            check_frames(frames)
            append(frames, like.timestamps[count : count + len(frames)])
            count += len(frames)

        yield write
        if count != len(like):
            raise VideoError(
                f"frames={count}: {len(like)} were to come for {path}; give one for each timestamp"
            )


def to_tensor(frames: np.ndarray) -> torch.Tensor:
    """uint8 frames (T, H, W, 3) → float32 (3, T, H, W) in [-1, 1]; `to_frames` undoes it exactly."""
    check_frames(frames)
    video = torch.from_numpy(np.ascontiguousarray(frames)).permute(3, 0, 1, 2)  # (3, T, H, W)
    return video.contiguous().float().div_(127.5).sub_(1)


def to_frames(video: torch.Tensor) -> np.ndarray:
    """Float (3, T, H, W), clamped to [-1, 1], → uint8 frames (T, H, W, 3), rounded to the nearest level."""
    if video.ndim != 4 or video.shape[0] != 3 or not video.is_floating_point():
        kind = f"{video.dtype} {tuple(video.shape)}"
        raise VideoError(f"video={kind}: must be float (3, T, H, W); take one video of the batch")
    levels = np.empty((video.shape[1], *video.shape[2:], 3), np.uint8)
    for index, frame in enumerate(video.detach().unbind(1)):  # one at a time: a large video has no room beside it
        if not torch.isfinite(frame).all():
            raise VideoError("video: holds NaN or infinite values; look for the step that made them")
        values = frame.float().add(1).mul_(127.5).round_().clamp_(0, 255).byte()
        levels[index] = values.permute(1, 2, 0).cpu().numpy()  # (H, W, 3)
    return levels


def _gather(source: FrameSource) -> np.ndarray:
    """Stack frames into one array without holding them twice."""
    buffer, count = np.empty((0,)), 0
    for image in source:
        if count == 0:
            expected = min(source.expected or 64, source.max_frames or sys.maxsize)
            _check_memory(expected * image.nbytes, source.path)
            buffer = np.empty((expected, *image.shape), np.uint8)  # (T, H, W, 3); takes memory as it is filled
        if count == len(buffer):
            _check_memory(2 * buffer.nbytes, source.path)
            buffer = np.concatenate([buffer, np.empty_like(buffer)])
        buffer[count] = image
        count += 1
    return buffer[:count]


def _check_memory(size: int, path: Path) -> None:
    if size > MAX_BYTES:
        problem = f"its frames take {size / 2**30:.1f} GiB of memory, at most {MAX_BYTES / 2**30:.0f}"
        raise VideoError(f"path={path}: {problem}; read a part with max_frames, or cut it first")


def _clock(video: Video) -> Fraction:
    """The coarsest unit of time that holds every timestamp exactly (or one fine enough to be near)."""
    ticks = lcm(video.fps.numerator, *(second.denominator for second in video.timestamps))
    return Fraction(1, min(ticks, _FINEST_CLOCK))
