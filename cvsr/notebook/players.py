"""Videos in a page: H.264 inside the HTML, so that a lesson stays one file and plays offline."""

import base64
import html
from collections.abc import Mapping
from fractions import Fraction

import imageio_ffmpeg
import mediapy
import numpy as np
from IPython.display import HTML

from cvsr.notebook.figures import captioned, grid


def encode(video: np.ndarray, fps: float | Fraction) -> bytes:
    """uint8 (T, H, W, 3) as the bytes of an mp4.

    Odd sizes are padded to even ones: H.264 halves the resolution of colour, and browsers insist on it.
    """
    if video.dtype != np.uint8 or video.ndim != 4 or video.shape[3] != 3:
        raise ValueError(
            f"video={video.dtype}{video.shape}: no video; allowed uint8 (T, H, W, 3); try to_frames(tensor)"
        )
    height, width = video.shape[1:3]
    even = np.pad(video, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    mediapy.set_ffmpeg(imageio_ffmpeg.get_ffmpeg_exe())  # comes with the package: no system install
    return mediapy.compress_video(even, fps=float(fps), crf=20)


def player(video: np.ndarray, fps: float | Fraction, caption: str, width: int | None = None) -> str:
    """HTML of a player that loops in silence; `caption` is read aloud to those who cannot see."""
    source = base64.b64encode(encode(video, fps)).decode()
    text = html.escape(caption)
    size = f' width="{width}"' if width else ""
    video_html = (
        f'<video aria-label="{text}" autoplay controls loop muted playsinline{size} '
        f'style="max-width:100%"><source type="video/mp4" src="data:video/mp4;base64,{source}"></video>'
    )
    return captioned(video_html, caption)


def show(video: np.ndarray, fps: float | Fraction, caption: str, width: int | None = None) -> HTML:
    """A player as the output of a cell."""
    return HTML(player(video, fps, caption, width))


def beside(videos: Mapping[str, np.ndarray], height: int = 256, columns: int | None = None) -> np.ndarray:
    """One video of several under their names: in one player they stay in step. As long as the shortest.

    All in one row, or `columns` in each.
    """
    names, length = list(videos), min(len(video) for video in videos.values())
    columns = columns or len(names)
    rows = [names[start : start + columns] for start in range(0, len(names), columns)]
    return np.stack([grid([{name: videos[name][t] for name in row} for row in rows], height) for t in range(length)])
