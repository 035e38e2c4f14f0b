"""The sound of a video file, carried over into another one."""

from collections.abc import Iterator
from fractions import Fraction
from os import PathLike

import av

from cvsr.data.ffmpeg import AUDIO_CODECS, first_second, open_container, reason
from cvsr.data.files import VideoError, input_path

_EVERYWHERE = {"aac", "ac3", "alac", "mp3", "mp3float"}
COPIED = {  # muxer: what is copied into it, because it fits and players play it; all else becomes AAC
    "mp4": _EVERYWHERE | {"eac3", "flac", "opus"},
    "mov": _EVERYWHERE | {"pcm_s16be", "pcm_s16le", "pcm_s24le"},
    "matroska": AUDIO_CODECS,
}


class AudioTrack:
    """First sound track of `path`, muxed into `output` in step with its pictures. Use it in a `with` block.

    Packets are copied as they are; what the container cannot hold is encoded again as AAC. A file
    without sound gives nothing. Make it before the first packet is muxed, when the header is written.

    Raises `VideoError` where the sound is damaged or of an unknown kind.
    """

    def __init__(self, path: str | PathLike, output: av.container.OutputContainer, muxer: str):
        self._path, self._output = path, output
        self._source = open_container(input_path(path))
        self._start = first_second(self._source)
        self._packets: Iterator[av.Packet] = iter(())
        self._next: av.Packet | None = None
        if not self._source.streams.audio:
            return
        sound = self._source.streams.audio[0]
        try:
            if sound.codec_context.name in COPIED[muxer]:
                self._packets = self._copied(sound, output.add_stream_from_template(sound))
            else:
                encoder = output.add_stream("aac", rate=sound.rate, layout=sound.layout.name)
                self._packets = self._encoded(sound, encoder)
        except Exception as error:
            self._source.close()
            raise self._unusable(error) from error

    def __enter__(self) -> "AudioTrack":
        return self

    def __exit__(self, *_) -> None:
        self._source.close()

    def write_until(self, second: Fraction) -> None:
        """Mux the sound that begins before `second` of the video and has not been muxed yet."""
        while True:
            if self._next is None:
                self._next = self._read()
            if self._next is None or self._next.pts * self._next.time_base >= second:
                return
            packet, self._next = self._next, None
            self._output.mux(packet)

    def _read(self) -> av.Packet | None:
        try:
            return next(self._packets, None)
        except Exception as error:
            raise self._unusable(error) from error

    def _copied(self, sound: av.AudioStream, target: av.AudioStream) -> Iterator[av.Packet]:
        for packet in self._source.demux(sound):
            if packet.pts is None or packet.dts is None:  # the empty packet at the end
                continue
            shift = round(self._start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = target
            yield packet

    def _encoded(self, sound: av.AudioStream, target: av.AudioStream) -> Iterator[av.Packet]:
        for frame in self._source.decode(sound):
            if frame.pts is not None:
                frame.pts -= round(self._start / frame.time_base)
            yield from target.encode(frame)
        yield from target.encode(None)

    def _unusable(self, error: Exception) -> VideoError:
        return VideoError(f"audio={self._path}: cannot be carried over ({reason(error)}); try audio=None")
