"""Clips that the tests make for themselves: small, moving, with a different picture in every frame."""

from fractions import Fraction

import av
import numpy as np
import pytest


@pytest.fixture(scope="session")
def moving():
    """Make smooth, colourful uint8 frames (T, H, W, 3), no two alike."""

    def make(frames=8, height=48, width=64):
        y, x = np.mgrid[:height, :width]
        waves = [
            (np.sin(x / 9 + t / 3), np.cos(y / 7 + t / 4), np.sin((x + y) / 11 - t / 5))
            for t in range(frames)
        ]
        return np.stack([np.stack(wave, -1) * 100 + 128 for wave in waves]).round().astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def encode():
    """Write a clip with PyAV alone, as other programs would, oddities included."""

    def write(
        path, frames, codec="libx264", pix_fmt="yuv420p", ticks=None, rotation=None, options=None, sound=None
    ):
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=24, options=options or {})
            stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pix_fmt
            if ticks is not None:
                stream.codec_context.time_base = Fraction(1, 600)
            if rotation:
                stream.set_display_rotation(*rotation)
            tone = container.add_stream(sound, rate=48000, layout="mono") if sound else None
            for index, image in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                if ticks is not None:
                    frame.pts, frame.time_base = ticks[index], Fraction(1, 600)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if tone:
                _add_tone(container, tone, seconds=len(frames) / 24)

    return write


def _add_tone(container, stream, seconds):
    wave = np.sin(np.arange(int(48000 * seconds)) * 0.1)[None]
    for start in range(0, wave.shape[1], 1024):
        chunk = (wave[:, start : start + 1024] * 20000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
