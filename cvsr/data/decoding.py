"""Strict decoding of a video file: every frame as it was stored, or an error that says why not.

Decoders are made to hide damage: they repeat, conceal and drop frames, and report success. `VideoReader`
passes nothing on in silence: it listens to FFmpeg's error log, refuses frames marked corrupt, watches that
the size is constant and time rises, and counts the frames against the header.
"""

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import ColorTrc

from cvsr.data.ffmpeg import (
    EXACT_COLOURS,
    MAX_PIXELS,
    VIDEO_CODECS,
    error_log,
    first_second,
    listen,
    messages,
    open_container,
    parse_metadata,
    reason,
)
from cvsr.data.files import VideoError, input_path

MAX_SECONDS = 24 * 3600
DEFAULT_FPS = Fraction(24)  # of files that name no rate


class _Damage(Exception):
    """Something in the file is not as it should be."""


class VideoReader:
    """Iterator over (frame, second) of one video file: uint8 (H, W, 3) RGB, upright, and a `Fraction`.

    Seconds are counted from the start of the file and kept exactly (variable frame rate). Stored rotation,
    mirroring and edit lists (trimming) are applied. Ten-bit video is rounded to 8 bits. Colours follow the
    file's tags and, as in FFmpeg and decord, BT.601 where there are none. Use it in a `with` block.

    Args:
        path: a local file.
        salvage: leave damaged frames (and those predicted from them) out instead of raising.

    Attributes:
        fps: average rate in the header. time_base: unit of the timestamps in seconds.
        frames: number of frames to expect, None where the file does not say.
        pixel_aspect: width of a pixel over its height, as displayed (known after the first frame).
        metadata: the settings that `VideoWriter` left in the file. has_audio: whether there is sound.

    Raises:
        VideoError: (opening) no picture, unknown codec, HDR, too large; (iterating) the file is damaged or
            cut off; the message says how many frames can be read with `salvage=True`.
    """

    def __init__(self, path, *, salvage: bool = False):
        self.path = input_path(path)
        if self.path.is_dir():
            raise VideoError(f"path={path}: a folder, not a video file")
        self._salvage = salvage
        self._doubtful: set[int] = set()  # timestamps of packets that cannot be trusted
        self._arrivals: list[int] = []  # heap of the decoding times of packets whose frames are still to come
        self._end = Fraction(0)  # the last moment any stream reaches
        with error_log() as log:
            self._container = open_container(self.path)
        self._complaints = [message for message in messages(log) if "whitelist" not in message]
        try:
            self._inspect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[tuple[np.ndarray, Fraction]]:
        try:
            for frame, second in self._checked():
                yield self._image(frame), second
        except _Damage as damage:
            raise VideoError(self._offer_of_salvage(damage)) from None

    def count(self) -> int:
        """Decode all that is left, as strictly as ever but without converting it; the number of frames."""
        try:
            return sum(1 for _ in self._checked())
        except _Damage as damage:
            raise VideoError(self._offer_of_salvage(damage)) from None

    def _inspect(self) -> None:
        """Read the header, and refuse before decoding what cannot be decoded rightly."""
        pictures = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        self.has_audio = bool(self._container.streams.audio)
        if not pictures:
            problem = "sound only" if self.has_audio else "nothing to decode"
            raise VideoError(f"path={self.path}: no picture in this file ({problem}); name a video")
        self._stream = stream = pictures[0]
        self._is_avi = self._container.format.name == "avi"
        codec = stream.codec_context
        if codec is None:
            raise VideoError(f"path={self.path}: its picture cannot be decoded (unknown codec or cut off)")
        if codec.name not in VIDEO_CODECS:
            allowed = ", ".join(sorted(VIDEO_CODECS))
            raise VideoError(f"path={self.path}: codec {codec.name} is not read; allowed {allowed}")
        self._check_limits(codec)
        codec.thread_type, codec.thread_count = "NONE", 1  # so that the error log is this thread's
        codec.options = {"max_pixels": str(MAX_PIXELS)} | ({} if self._salvage else {"err_detect": "explode"})
        self.time_base = stream.time_base
        self.fps = _plausible(stream.average_rate) or _plausible(stream.guessed_rate) or DEFAULT_FPS
        self.frames = self._frames_in_header()
        self.pixel_aspect = Fraction(stream.sample_aspect_ratio or 1)
        self.metadata = parse_metadata(self._container.metadata)
        self._start = first_second(self._container)

    def _check_limits(self, codec: av.VideoCodecContext) -> None:
        if codec.color_trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67):
            raise VideoError(f"path={self.path}: high dynamic range is not read; convert it to BT.709")
        if codec.width * codec.height > MAX_PIXELS:
            raise VideoError(f"path={self.path}: {codec.width}x{codec.height} pixels; at most {MAX_PIXELS}")
        seconds = (self._container.duration or 0) / 1_000_000
        if seconds > MAX_SECONDS:
            raise VideoError(f"path={self.path}: {seconds:.0f} seconds; at most {MAX_SECONDS}, cut it first")

    def _frames_in_header(self) -> int | None:
        """The number of frames: exact in the index of an mp4, a guess from the duration elsewhere."""
        self._is_counted = self._container.format.name.startswith("mov") and self._stream.frames > 0
        if self._is_counted:
            return sum(not entry.is_discard for entry in self._stream.index_entries)  # after edit lists
        if self._container.duration:
            return max(1, round(self._container.duration * self.fps / 1_000_000))
        return None

    def _checked(self) -> Iterator[tuple[av.VideoFrame, Fraction]]:
        """Frames with their seconds; raises `_Damage` at the first bad sign, or leaves bad frames out."""
        if self._complaints and not self._salvage:
            raise _Damage(self._complaints[0])
        count, start, last, lasted, size = 0, Fraction(0), None, Fraction(0), None
        for frame in self._decoded():
            second = self._second(frame, count)
            size = size or (frame.width, frame.height, frame.format.name)
            problem = None
            if frame.is_corrupt or frame.pts in self._doubtful:
                problem = f"frame {count} is corrupt"
            elif (frame.width, frame.height, frame.format.name) != size:
                problem = f"{size[0]}x{size[1]} becomes {frame.width}x{frame.height} at frame {count}"
            elif last is not None and second <= last:
                problem = f"time does not rise at frame {count}"
            if problem is None:
                yield frame, second
                start = start if count else second
                count, last = count + 1, second
                lasted = second - start + (frame.duration or 0) * self.time_base
            elif not self._salvage:
                raise _Damage(problem)
        if not self._salvage:
            self._check_end(count, lasted)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        damaged = False
        packets = self._container.demux()
        while True:
            packet, complaints = listen(lambda: next(packets, None))
            if complaints and not self._salvage:
                raise _Damage(complaints[0])
            if packet is None:
                return
            self._note_end(packet)
            if packet.is_corrupt and not self._salvage:
                raise _Damage("a packet is corrupt")
            if packet.stream is not self._stream:
                continue
            frames, complaints = listen(packet.decode)
            if complaints and not self._salvage:
                raise _Damage(complaints[0])
            if packet.is_corrupt or complaints:
                damaged = True
            elif packet.is_keyframe:
                damaged = False  # predicted from nothing before it
            if damaged and packet.size:
                self._doubtful.add(packet.dts if packet.pts is None else packet.pts)
            if self._is_avi and packet.size and packet.dts is not None:
                heappush(self._arrivals, packet.dts)
            yield from frames or ()

    def _note_end(self, packet: av.Packet) -> None:
        if packet.pts is not None:
            self._end = max(self._end, (packet.pts + (packet.duration or 0)) * packet.time_base)

    def _check_end(self, count: int, lasted: Fraction) -> None:
        """Did the file hold as many frames, and last as long, as its header promised?"""
        if count == 0:
            raise _Damage("no frame")
        declared, slack = Fraction(0), 1 / self.fps
        if self._is_counted:
            if count != self.frames:
                raise _Damage(f"{count} frames where the header counts {self.frames}")
            declared = (self._stream.duration or 0) * self.time_base
            slack *= 2  # no frame is missing, and how long the last one is shown is anybody's guess
        elif self._container.format.name.startswith(("matroska", "avi")):  # one duration for all streams
            lasted, declared = self._end, Fraction(self._container.duration or 0, 1_000_000)
        if declared - lasted >= slack:
            raise _Damage(f"it ends after {float(lasted):.2f} of {float(declared):.2f} seconds")

    def _second(self, frame: av.VideoFrame, count: int) -> Fraction:
        tick = frame.pts
        if (
            self._is_avi and self._arrivals
        ):  # AVI knows decoding times only: the earliest is the next one shown
            tick = heappop(self._arrivals)
        return count / self.fps if tick is None else tick * self.time_base - self._start

    def _image(self, frame: av.VideoFrame) -> np.ndarray:
        """RGB, turned and mirrored as the display matrix says (FFmpeg leaves frames as they are stored)."""
        try:
            image = frame.to_ndarray(format="rgb24", interpolation=EXACT_COLOURS)
        except Exception as error:
            raise _Damage(f"{frame.format.name} cannot be converted to RGB: {reason(error)}") from error
        if "DISPLAYMATRIX" not in frame.side_data:
            return image
        a, b, _, c, d = np.sign(np.frombuffer(frame.side_data["DISPLAYMATRIX"], np.int32)[:5])
        if abs(a * d - b * c) != 1 or (a and b):
            raise _Damage(f"turned by {frame.rotation} degrees, not by quarter turns")
        if a == 0:
            image, a, d = image.transpose(1, 0, 2), c, b
            self.pixel_aspect = 1 / Fraction(self._stream.sample_aspect_ratio or 1)
        return np.ascontiguousarray(image[:: int(d), :: int(a)])

    def _offer_of_salvage(self, damage: _Damage) -> str:
        with VideoReader(self.path, salvage=True) as reader:
            readable = reader.count()
        problem = f"path={self.path}: damaged or cut off ({damage})"
        if not readable:
            return f"{problem}; no frame can be read, make or download it again"
        of = f"of {'' if self._is_counted else 'about '}{self.frames} frames" if self.frames else "frames"
        return f"{problem}; {readable} {of} can be read: take them with salvage=True (--salvage)"


def _plausible(rate: Fraction | None) -> Fraction | None:
    return rate if rate and Fraction(1, 100) <= rate <= 1000 else None
