"""Writing H.264 chunk by chunk: exact sizes and timestamps, true colours, sound kept, whole files only."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from os import PathLike
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from cvsr.data.audio import AudioTrack
from cvsr.data.ffmpeg import EXACT_COLOURS
from cvsr.data.files import VIDEO_SUFFIXES, VideoError, atomic_output, output_kind, write_errors

CRF = 16  # visually lossless; x264's own default of 23 would smear the detail that super-resolution makes
MAX_SIDE = 16384  # pixels; x264's own limit
_BT709, _SMPTE170M = 1, 6  # AVColorSpace: the matrix that is written into the file


class VideoWriter:
    """A video file that takes frames as they come; use it in a `with` block.

    The file appears under its name when the block ends well; whatever interrupts it leaves nothing behind
    (and an older file of that name untouched). H.264 in yuv420p, which every browser plays: chroma covers
    2 x 2 pixels, so an odd height or width is made even by repeating the last row or column. Lines are never
    rounded further (1080 stay 1080). Colours are BT.709 from 720 lines on and BT.601 below, and tagged so.

    Args:
        path: .mp4, .m4v, .mov or .mkv (which keeps milliseconds only).
        fps: frames a second: the clock of frames without timestamps.
        time_base: unit of given timestamps in seconds; default the unit of `fps`.
        audio: a file whose sound is copied, up to the end of the last frame (re-encoded only where the
            container cannot hold it).
        metadata: settings, kept as JSON in the file's comment; `read_video` returns them.
        crf: x264's constant rate factor, 0 (lossless but for chroma) to 51; +6 halves the size.
        pixel_aspect: width of a pixel over its height, for players.

    Raises:
        VideoError: the output cannot be written (folder missing, not allowed, disk full), frames of the wrong
            kind or size, timestamps that do not rise, no frame at all.
    """

    def __init__(
        self,
        path: str | PathLike,
        fps: Fraction | float,
        *,
        time_base: Fraction | None = None,
        audio: str | PathLike | None = None,
        metadata: dict | None = None,
        crf: float = CRF,
        pixel_aspect: Fraction = Fraction(1),
    ):
        if output_kind(path) != "video":
            raise VideoError(
                f"output={path}: not a video; end the name with one of {' '.join(VIDEO_SUFFIXES)}"
            )
        if not 0 <= crf <= 51:
            raise VideoError(f"crf={crf}: out of range; allowed 0 (best) to 51, try {CRF}")
        self.path, self.fps = Path(path), as_rate(fps)
        self.time_base = time_base or Fraction(1, self.fps.numerator)
        self._audio_path, self._crf, self._pixel_aspect = audio, crf, pixel_aspect
        self._comment = to_json(metadata or {})
        self._stack = ExitStack()
        self._size: tuple[int, int] | None = None  # (height, width)
        self._last_tick: int | None = None
        self.end = Fraction(0)  # second at which the next frame is due

    def __enter__(self) -> "VideoWriter":
        muxer = VIDEO_SUFFIXES[self.path.suffix.lower()]
        options = {} if muxer == "matroska" else {"movflags": "+faststart"}  # plays before it is all loaded
        with ExitStack() as stack, write_errors(self.path):
            part = stack.enter_context(atomic_output(self.path))
            self._container = av.open(str(part), "w", format=muxer, options=options)
            stack.enter_context(_closed_quietly(self._container))
            self._container.metadata["comment"] = self._comment
            self._stream = self._container.add_stream("libx264", rate=self.fps)
            # Without mbtree: with it, x264's result for small frames varies with what the memory held before.
            self._stream.options = {"crf": str(self._crf), "preset": "medium", "mbtree": "0"}
            self._track = None
            if self._audio_path is not None:
                self._track = stack.enter_context(AudioTrack(self._audio_path, self._container, muxer))
            self._stack = stack.pop_all()
        return self

    def write(self, frames: np.ndarray, timestamps: Sequence[Fraction] | None = None) -> None:
        """Append uint8 frames (T, H, W, 3), at `timestamps` in seconds, or one frame interval apart."""
        check_frames(frames)
        if timestamps is not None and len(timestamps) != len(frames):
            raise VideoError(
                f"timestamps: {len(timestamps)} for {len(frames)} frames; give one for each frame"
            )
        self._size = self._size or self._begin(frames.shape[1:3])
        if frames.shape[1:3] != self._size:
            raise VideoError(
                f"frames={frames.shape}: the size changes; all must be {self._size} as the first"
            )
        with write_errors(self.path):
            for index, image in enumerate(frames):
                second = self.end if timestamps is None else Fraction(timestamps[index])
                self._encode(image, second)

    def __exit__(self, kind, error, trace) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)  # removes the unfinished file
            return
        with self._stack, write_errors(self.path):
            if self._size is None:
                raise VideoError(f"output={self.path}: no frame was written; give at least one")
            self._mux(self._stream.encode(None))
            if self._track:
                self._track.write_until(self.end)
            self._container.close()  # writes the index; a full disk may show only here

    def _begin(self, size: tuple[int, int]) -> tuple[int, int]:
        """Set the encoder up for frames of this (height, width)."""
        height, width = size
        if not 0 < min(size) <= max(size) <= MAX_SIDE:
            raise VideoError(
                f"frames={height}x{width}: H.264 holds sides of 1 to {MAX_SIDE}; resize or crop first"
            )
        codec = self._stream.codec_context
        codec.height, codec.width, codec.pix_fmt = height + height % 2, width + width % 2, "yuv420p"
        codec.time_base, codec.sample_aspect_ratio = self.time_base, self._pixel_aspect
        hd = height >= 720  # a player that ignores the tags guesses by the same rule
        codec.color_range = ColorRange.MPEG
        codec.colorspace = _BT709 if hd else _SMPTE170M
        codec.color_primaries = ColorPrimaries.BT709 if hd else ColorPrimaries.SMPTE170M
        codec.color_trc = ColorTrc.BT709 if hd else ColorTrc.SMPTE170M
        self._matrix = Colorspace.ITU709 if hd else Colorspace.ITU601
        return size

    def _encode(self, image: np.ndarray, second: Fraction) -> None:
        tick = round(second / self.time_base)
        if tick < 0 or (self._last_tick is not None and tick <= self._last_tick):
            raise VideoError(
                f"timestamps={float(second):.6f}: must rise from 0 s by {self.time_base} s or more"
            )
        height, width = image.shape[:2]
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        to_yuv = {"dst_colorspace": self._matrix, "dst_color_range": ColorRange.MPEG}
        frame = frame.reformat(format="yuv420p", interpolation=EXACT_COLOURS, **to_yuv)
        frame.pts, frame.time_base = tick, self.time_base
        self._mux(self._stream.encode(frame))
        if self._track:
            self._track.write_until(second)
        self._last_tick, self.end = tick, second + 1 / self.fps

    def _mux(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            packet.duration = max(1, round(1 / (self.fps * packet.time_base)))  # counts for the last frame
            self._container.mux(packet)


def as_rate(fps: Fraction | float) -> Fraction:
    """Frames a second as an exact fraction: 29.97 is 2997/100, 23.976023976 is 24000/1001."""
    try:
        rate = Fraction(fps).limit_denominator(1001)
    except (TypeError, ValueError, OverflowError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise VideoError(f"fps={fps}: not a frame rate; allowed above 0 up to 1000, try 24")
    return rate


def to_json(metadata: dict) -> str:
    """Settings as they are kept in a file."""
    try:
        return json.dumps(metadata, ensure_ascii=False)
    except TypeError as error:
        raise VideoError(f"metadata: not JSON ({error}); use numbers, strings, lists and dicts") from None


def check_frames(frames: np.ndarray) -> None:
    """Raise `VideoError` unless frames are uint8 (T, H, W, 3)."""
    if (
        not isinstance(frames, np.ndarray)
        or frames.dtype != np.uint8
        or frames.ndim != 4
        or frames.shape[3] != 3
    ):
        kind = f"{frames.dtype} {tuple(frames.shape)}" if hasattr(frames, "dtype") else type(frames).__name__
        raise VideoError(
            f"frames={kind}: must be a uint8 array (T, H, W, 3); convert tensors with to_frames()"
        )


@contextmanager
def _closed_quietly(container: av.container.OutputContainer) -> Iterator[av.container.OutputContainer]:
    """Close a container in the end; on the way out of an error its own complaints do not matter."""
    try:
        yield container
    finally:
        with suppress(Exception):
            container.close()
