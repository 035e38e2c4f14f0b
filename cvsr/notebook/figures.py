"""Pictures of frames, as lossless PNG.

A player's H.264 lies some 38 dB from its source whatever its settings, so super-resolution is judged here:
the same crop of every picture, enlarged by repeating pixels, side by side under their names.

Frames are uint8 (H, W, 3), videos uint8 (T, H, W, 3).
"""

import base64
import html
from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

# Okabe and Ito's palette, told apart in every kind of colour blindness.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
INK, PAPER, GAP = (32, 32, 32), (255, 255, 255), 6


def png(picture: np.ndarray | Figure) -> bytes:
    """A frame or a matplotlib figure as PNG bytes."""
    buffer = BytesIO()
    if isinstance(picture, Figure):
        picture.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    else:
        Image.fromarray(_frame(picture)).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def picture_html(data: bytes, alt: str) -> str:
    """PNG bytes as an <img> that needs no other file; `alt` is for those who cannot see it."""
    if not alt.strip():
        raise ValueError("alt='': empty; allowed one sentence; try naming what the picture compares")
    source = base64.b64encode(data).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}" style="max-width:100%">'


def show(picture: np.ndarray | Figure, caption: str) -> HTML:
    """A frame or figure as the output of a cell; the caption, below it, is for those as well who cannot see it."""
    return HTML(captioned(picture_html(png(picture), caption), caption))


def captioned(shown: str, caption: str) -> str:
    """HTML of a picture or player with its caption below."""
    return f'<figure style="margin:0">{shown}<figcaption>{html.escape(caption)}</figcaption></figure>'


def crop(frame: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """The part (left, top, width, height) of a frame, in fractions: the same place at every resolution."""
    left, top, width, height = box
    if not (0 <= left and 0 <= top and width > 0 and height > 0 and left + width <= 1 and top + height <= 1):
        raise ValueError(
            f"box={box}: leaves the frame; allowed (left, top, width, height) within 0 to 1; try (0, 0, 1, 1)"
        )
    rows, columns = _frame(frame).shape[:2]
    y, x = round(top * rows), round(left * columns)
    return frame[y : y + max(1, round(height * rows)), x : x + max(1, round(width * columns))]


def side_by_side(frames: Mapping[str, np.ndarray], height: int = 256) -> np.ndarray:
    """Frames under their names, enlarged by repeating pixels to one height: `height`, or a little more.

    The tallest frame is enlarged a whole number of times, every other one to its height.
    """
    if not frames:
        raise ValueError("frames={}: nothing to show; allowed at least one; try {'input': frame}")
    tallest = max(_frame(frame).shape[0] for frame in frames.values())
    height = tallest * max(1, -(-height // tallest))
    return _row([_titled(_repeat(frame, height), name) for name, frame in frames.items()])


def compare(
    frames: Mapping[str, np.ndarray], box: tuple[float, float, float, float], height: int = 256
) -> np.ndarray:
    """The same crop of every frame, side by side: how two results differ is seen here and nowhere else."""
    return side_by_side({name: crop(frame, box) for name, frame in frames.items()}, height)


def stack(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures below each other, aligned on the left."""
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.concatenate(padded)


def strip(video: np.ndarray, count: int = 5, height: int = 96) -> np.ndarray:
    """`count` frames of a video from the first to the last, each under its number."""
    if video.ndim != 4 or count < 1:
        raise ValueError(f"video={video.shape}, count={count}: no strip; allowed (T, H, W, 3) and count >= 1")
    numbers = np.unique(np.linspace(0, len(video) - 1, count).round().astype(int))
    return side_by_side({f"frame {number}": video[number] for number in numbers}, height)


def _frame(frame: np.ndarray) -> np.ndarray:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(
            f"frame={frame.dtype}{frame.shape}: no frame; allowed uint8 (H, W, 3); try to_frames(tensor)[0]"
        )
    return frame


def _repeat(frame: np.ndarray, height: int) -> np.ndarray:
    """Repeat pixels to the height, in proportion: nothing is interpolated, nothing is invented."""
    rows, columns = frame.shape[:2]
    width = round(columns * height / rows)
    return frame[np.arange(height) * rows // height][:, np.arange(width) * columns // width]


def _titled(tile: np.ndarray, title: str) -> np.ndarray:
    font = ImageFont.truetype(findfont("DejaVu Sans"), 14)  # comes with matplotlib, and has a ×
    width = max(tile.shape[1], int(font.getlength(title)) + 4)
    canvas = Image.new("RGB", (width, tile.shape[0] + 22), PAPER)
    ImageDraw.Draw(canvas).text((2, 2), title, fill=INK, font=font)
    canvas.paste(Image.fromarray(tile), (0, 22))
    return np.asarray(canvas)


def _row(tiles: Sequence[np.ndarray]) -> np.ndarray:
    height = max(tile.shape[0] for tile in tiles)
    padded = [
        np.pad(tile, ((0, height - tile.shape[0]), (0, GAP), (0, 0)), constant_values=255) for tile in tiles
    ]
    return np.concatenate(padded, axis=1)[:, :-GAP]
