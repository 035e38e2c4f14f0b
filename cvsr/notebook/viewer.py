"""Two pictures laid over each other in a page, with a slider between them and a zoom, and no server behind.

A lossless picture at 4K takes ten times what a page should: these are JPEG, at a quality where blocks are not seen.
"""

import base64
import html
from io import BytesIO

import numpy as np
from IPython.display import HTML
from PIL import Image

QUALITY = 92  # of JPEG, colours at full resolution
ZOOMS = 8  # times larger than the page, at most


def before_and_after(before: np.ndarray, after: np.ndarray, names: tuple[str, str], alt: str) -> HTML:
    """A viewer as the output of a cell: left of the slider `before`, right of it `after`.

    Args:
        before: uint8 (H, W, 3).
        after: the same of the same size.
        names: of both.
        alt: what they show, for those who cannot see them.

    Raises:
        ValueError: pictures of two sizes, or no alt.
    """
    if before.shape != after.shape:
        raise ValueError(f"before={before.shape}: another size than after={after.shape}; allowed the same; try resize")
    if not alt.strip():
        raise ValueError("alt='': empty; allowed one sentence; try naming what the pictures compare")
    left, right = (html.escape(name) for name in names)
    sliders = f"{_slider(left, '--at', '%', 0, 100, 50, 1)} {right} · {_slider('zoom', '--zoom', '', 1, ZOOMS, 1, 0.5)}"
    fill = "position:absolute;inset:0;width:100%;height:100%;clip-path:inset(0 0 0 var(--at))"
    return HTML(
        '<figure style="margin:0;--at:50%;--zoom:1">'
        '<div style="overflow:auto;max-width:100%;max-height:75vh">'
        '<div style="position:relative;width:calc(100% * var(--zoom))">'
        f'<img alt="{html.escape(alt)}" src="{_jpeg(before)}" style="display:block;width:100%">'
        f'<img alt="{right}" src="{_jpeg(after)}" style="{fill}"></div></div>'
        f"<p>{sliders}</p><figcaption>{html.escape(alt)}</figcaption></figure>"
    )


def _slider(label: str, variable: str, unit: str, low: float, high: float, value: float, step: float) -> str:
    """A slider that sets a variable of the figure's style."""
    setting = f"this.closest('figure').style.setProperty('{variable}', this.value + '{unit}')"
    return (
        f'<label>{label} <input type="range" min="{low}" max="{high}" value="{value}" step="{step}"'
        f' style="width:14em;vertical-align:middle" oninput="{setting}"></label>'
    )


def _jpeg(picture: np.ndarray) -> str:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, format="jpeg", quality=QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
