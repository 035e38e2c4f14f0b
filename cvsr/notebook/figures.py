"""Pictures of frames, as lossless PNG.

A player's H.264 lies some 38 dB from its source whatever its settings, so super-resolution is judged here:
the same crop of every picture, enlarged by repeating pixels, side by side under their names.

Frames are uint8 (H, W, 3), videos uint8 (T, H, W, 3).
"""

import base64
import html
import math
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import accumulate, zip_longest

import matplotlib
import numpy as np
from IPython.display import HTML
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ticker import LogLocator, NullLocator
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
PAGE = 1000  # pixels: the width of a page


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
    """Frames in one row of a `grid`."""
    return grid([frames], height)


def grid(rows: Sequence[Mapping[str, np.ndarray]], height: int = 256) -> np.ndarray:
    """Rows of frames under their names, in columns, enlarged by repeating pixels to `height`, or a little more.

    The tallest frame of a row is enlarged a whole number of times, every other one to its height. Names are as large
    as lets them be read on a page, which shows wide pictures reduced.
    """
    if not rows or not all(rows):
        names = [list(row) for row in rows]
        raise ValueError(f"frames={names}: nothing to show; allowed at least one a row; try {{'input': frame}}")
    enlarged = [_enlarged(row, height) for row in rows]
    widths = [max(tile.shape[1] for tile in column) for column in _columns([list(row.values()) for row in enlarged])]
    font = _font(sum(widths) + GAP * (len(widths) - 1))
    words = [max(font.getlength(word) for word in " ".join(names).split()) for names in _columns(rows)]
    widths = [max(width, round(word) + 4) for width, word in zip(widths, words, strict=True)]
    return stack([_titled_row(row, widths, font) for row in enlarged])


def compare(
    frames: Mapping[str, np.ndarray], box: tuple[float, float, float, float], height: int = 256
) -> np.ndarray:
    """The same crop of every frame, side by side: how two results differ is seen here and nowhere else."""
    return side_by_side(crops(frames, box), height)


def crops(frames: Mapping[str, np.ndarray], box: tuple[float, float, float, float]) -> dict[str, np.ndarray]:
    """The same crop of every frame, for a `grid`."""
    return {name: crop(frame, box) for name, frame in frames.items()}


def with_colour_bar(picture: np.ndarray, colours: str, low: str, high: str, meaning: str) -> np.ndarray:
    """A picture (H, W, 3) with the scale of its maps below: what `colours` mean, from `low` to `high`.

    Args:
        picture: as `grid` makes them.
        colours: name of a colour map of matplotlib.
        low: what stands at the bar's left end, "0".
        high: at its right end, "64 levels".
        meaning: of the colours, "error".
    """
    font = _font(picture.shape[1])
    line, before, after = round(1.3 * font.size), f"{meaning}: {low} ", f" {high}"
    start = round(font.getlength(before))
    end = start + 10 * round(font.size)
    width = max(picture.shape[1], end + round(font.getlength(after)) + 4)
    canvas = Image.new("RGB", (width, line + 2 * GAP), PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((2, GAP), before, fill=INK, font=font)
    draw.text((end, GAP), after, fill=INK, font=font)
    bar = matplotlib.colormaps[colours](np.linspace(0, 1, end - start))[None, :, :3].repeat(line, 0)
    canvas.paste(Image.fromarray((255 * bar).round().astype(np.uint8)), (start, GAP))
    return stack([picture, np.asarray(canvas)])


def plain_ticks(axis: Axis) -> None:
    """Write the numbers of a logarithmic axis without exponents: 1, 2 and 5 of a decade, of several decades only 1."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if math.log10(high / low) < 2 else (1,)))
    axis.set_major_formatter("{x:,.12g}")
    axis.set_minor_locator(NullLocator())


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


def _enlarged(frames: Mapping[str, np.ndarray], height: int) -> dict[str, np.ndarray]:
    tallest = max(_frame(frame).shape[0] for frame in frames.values())
    height = tallest * max(1, -(-height // tallest))
    return {name: _repeat(frame, height) for name, frame in frames.items()}


def _columns(rows: Sequence[Iterable]) -> list[list]:
    """Rows of different lengths by columns."""
    return [[each for each in column if each is not None] for column in zip_longest(*rows)]


def _font(width: int) -> ImageFont.FreeTypeFont:
    """That of names in a picture so wide, which a page may show reduced."""
    size = round(14 * max(1.0, width / PAGE))
    return ImageFont.truetype(findfont("DejaVu Sans"), size)  # comes with matplotlib, and has a ×


def _titled_row(tiles: Mapping[str, np.ndarray], widths: Sequence[int], font: ImageFont.FreeTypeFont) -> np.ndarray:
    """Tiles below their names, each as wide as its column."""
    titles = [_broken(name, width, font) for name, width in zip(tiles, widths, strict=False)]
    line = round(1.3 * font.size)
    above = GAP + line * max(len(lines) for lines in titles)
    lefts = [0, *accumulate(width + GAP for width in widths[: len(tiles)])]
    below = max(tile.shape[0] for tile in tiles.values())
    canvas = Image.new("RGB", (lefts[-1] - GAP, above + below), PAPER)
    draw = ImageDraw.Draw(canvas)
    for left, lines, tile in zip(lefts, titles, tiles.values(), strict=False):
        for number, text in enumerate(reversed(lines), start=1):
            draw.text((left + 2, above - line * number), text, fill=INK, font=font)
        canvas.paste(Image.fromarray(tile), (left, above))
    return np.asarray(canvas)


def _broken(title: str, width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """A title in lines that are no wider than `width`, if its words are not."""
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width - 2:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line] or [""]
