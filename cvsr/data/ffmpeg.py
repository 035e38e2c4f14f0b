"""FFmpeg with its doors closed and its complaints heard: how the readers of this package open and call it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import Interpolation

from cvsr.data.files import VideoError

MAX_PIXELS = 2**26  # 8192 x 8192 a frame

# Sound-only formats are let in, to be refused by name ("no picture").
FORMATS = "mov,mp4,m4a,3gp,matroska,webm,avi,mpegts,mpeg,yuv4mpegpipe,mp3,aac,wav,flac,ogg"
VIDEO_CODECS = {
    "av1", "dnxhd", "ffv1", "h263", "h264", "hevc", "libdav1d", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4",
    "msmpeg4", "prores", "rawvideo", "theora", "vp8", "vp9",
}  # fmt: skip
AUDIO_CODECS = {
    "aac", "ac3", "alac", "eac3", "flac", "mp2", "mp2float", "mp3", "mp3float", "opus", "pcm_f32le",
    "pcm_s16be", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "vorbis",
}  # fmt: skip

# swscale's default path is fast and 1 to 2 levels too dark; these flags round rightly and interpolate chroma.
EXACT_COLOURS = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


def open_container(path: Path) -> av.container.InputContainer:
    """Open a local file: no network, no playlists, no rarely tested decoders, no gigantic pictures.

    Raises `VideoError` for text, for containers off the list, and for what is no video at all.
    """
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": FORMATS,
        "codec_whitelist": ",".join(sorted(VIDEO_CODECS | AUDIO_CODECS)),
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        return av.open(str(path), options=options)
    except av.ArgumentError:
        problem = "not read as a video; convert it to mp4 or mkv (images go by .png, .jpg, …)"
    except PermissionError:
        problem = "not allowed to read it; change its permissions"
    except Exception as error:  # whatever a parser trips over, the caller gets one line
        problem = f"not a video, or damaged beyond reading ({reason(error)}); make or download it again"
    if _is_text(path):
        problem = "a text file, not a video; look at what was saved under this name"
    raise VideoError(f"path={path}: {problem}")


def first_second(container: av.container.InputContainer) -> Fraction:
    """When the first picture or sound of a file begins: the zero that its timestamps are counted from."""
    streams = [*container.streams.video, *container.streams.audio]
    return min((s.start_time * s.time_base for s in streams if s.start_time is not None), default=Fraction(0))


def parse_metadata(tags: dict[str, str]) -> dict:
    """The JSON object in the comment of a file, or an empty dict."""
    comment = next((value for key, value in tags.items() if key.lower() == "comment"), "")
    try:
        settings = json.loads(comment)
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}


def listen(call: Callable[[], Any]) -> tuple[Any, list[str]]:
    """The result of a call to FFmpeg (None if it raised), and what it raised or logged as an error."""
    with error_log() as log:
        result, raised = None, []
        try:
            result = call()
        except Exception as error:  # FFmpeg's errors, and PyAV's own on what it cannot represent
            raised = [reason(error)]
    return result, messages(log) + raised


def messages(log: list[tuple[int, str, str]]) -> list[str]:
    """The messages of a log, each on one line."""
    return [" ".join(message.split()).rstrip(".") for _, _, message in log]


def reason(error: Exception) -> str:
    """An exception's message on one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())


@contextmanager
def error_log() -> Iterator[list[tuple[int, str, str]]]:
    """Collect what FFmpeg logs as an error in this thread: (level, part of FFmpeg, message)."""
    level, skip = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # or a second file with the same damage would seem sound
    try:
        with av.logging.Capture() as log:
            yield log
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return all(byte >= 32 or 9 <= byte <= 13 for byte in file.read(512))
