"""Camera pans over photographs that ship inside installed packages: real texture without a download."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from cvsr.data.scenes import generator, pick


@dataclass(frozen=True)
class Photograph:
    """A picture file inside a package, what a caption says of it, and the split it belongs to."""

    package: str
    file: str
    phrase: str
    split: str


# Free to use by what the packages say of them (public domain, CC0), and none smaller than 256 pixels.
PHOTOGRAPHS: dict[str, Photograph] = {
    "astronaut": Photograph("skimage", "data/astronaut.png", "an astronaut in an orange suit", "train"),
    "coffee": Photograph("skimage", "data/coffee.png", "a cup of coffee on a wooden table", "train"),
    "camera": Photograph("skimage", "data/camera.png", "a cameraman on a lawn", "train"),
    "grass": Photograph("skimage", "data/grass.png", "grass", "train"),
    "gravel": Photograph("skimage", "data/gravel.png", "gravel", "train"),
    "moon": Photograph("skimage", "data/moon.png", "the surface of the moon", "train"),
    "hubble": Photograph("skimage", "data/hubble_deep_field.jpg", "galaxies in deep space", "train"),
    "hopper": Photograph(
        "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "an officer in uniform", "train"
    ),
    "coins": Photograph("skimage", "data/coins.png", "old coins on a dark cloth", "validation"),
    "rocket": Photograph("skimage", "data/rocket.jpg", "a rocket on its launch pad", "validation"),
    "cat": Photograph("skimage", "data/chelsea.png", "a tabby cat", "test"),
    "brick": Photograph("skimage", "data/brick.png", "a brick wall", "test"),
}
MOVES = ("pans left", "pans right", "pans up", "pans down", "zooms in", "zooms out")


@dataclass(frozen=True)
class Pan:
    """A camera move over a photograph; `finest` is the most photograph pixels that one of 256 frame pixels
    spans.
    """

    photograph: str
    move: str
    start: tuple[float, float]  # place of the frame in the room the photograph (less the travel) leaves, each in [0, 1]
    travel: float  # share of that room that a pan crosses
    finest: float

    @property
    def caption(self) -> str:
        """What is pictured, and how the camera moves."""
        return f"a photograph of {PHOTOGRAPHS[self.photograph].phrase}, the camera {self.move}"


def sample_pan(seed: int, split: str = "train") -> Pan:
    """Draw a camera move over one of the split's photographs (no photograph is in two splits)."""
    rng = generator(seed, split, purpose=2)
    name = pick(rng, (n for n, p in PHOTOGRAPHS.items() if p.split == split))
    start = (float(rng.random()), float(rng.random()))
    travel = 0.9 * 0.02 ** float(rng.random())  # log-uniform: most cameras move a pixel a frame, few ten
    return Pan(name, pick(rng, MOVES), start, travel, float(rng.uniform(0.9, 1.6)))


@cache
def photograph(name: str) -> np.ndarray:
    """The picture as RGB uint8 (H, W, 3). ValueError if unknown, FileNotFoundError if its package lacks
    it.
    """
    from PIL import Image

    if name not in PHOTOGRAPHS:
        raise ValueError(f"name={name!r}: unknown photograph; allowed: {', '.join(PHOTOGRAPHS)}")
    entry = PHOTOGRAPHS[name]
    spec = find_spec(entry.package)
    path = Path(spec.origin).parent / entry.file if spec and spec.origin else None
    if path is None or not path.exists():
        raise FileNotFoundError(
            f"{entry.package}/{entry.file}: not installed; try `pip install "
            f"{'scikit-image' if entry.package == 'skimage' else entry.package}`"
        )
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def render_pan(pan: Pan, frames: int = 17, height: int = 256, width: int = 256) -> np.ndarray:
    """The clip, uint8 (T, H, W, 3). A large frame takes in the whole photograph, enlarged if need be."""
    for name, value in (("frames", frames), ("height", height), ("width", width)):
        if value < 1:
            raise ValueError(f"{name}={value}: must be at least 1")
    picture = photograph(pan.photograph)
    factor = max(1, min(8, -(-256 // min(height, width))))
    rows, columns = height * factor, width * factor
    whole = 0.98 * min(picture.shape[0] / rows, picture.shape[1] / columns)
    span = min(whole, pan.finest * 256 / min(rows, columns))  # photograph pixels a frame pixel
    out = []
    for time in np.linspace(0, 1, frames) if frames > 1 else (0.5,):
        zoom = {"zooms in": 1.0 - 0.3 * time, "zooms out": 0.7 + 0.3 * time}.get(pan.move, 1.0)
        frame = _window(picture, pan, span * zoom, float(time), rows, columns)
        out.append(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) if factor > 1 else frame)
    return np.stack(out)


def _window(picture: np.ndarray, pan: Pan, scale: float, time: float, rows: int, columns: int) -> np.ndarray:
    """The frame (rows, columns, 3) that the camera sees at `time`; `scale` photograph pixels apart."""
    x, y = pan.start
    across = x if pan.move in ("pans right", "pans left") else y
    along = (1 - pan.travel) * across + pan.travel * time
    x = {"pans right": along, "pans left": 1 - along}.get(pan.move, x)
    y = {"pans down": along, "pans up": 1 - along}.get(pan.move, y)
    left, top = x * (picture.shape[1] - columns * scale), y * (picture.shape[0] - rows * scale)
    if scale > 1:  # bilinear sampling alone would alias: blur to the frame's resolution first
        picture = cv2.GaussianBlur(picture, (0, 0), max(0.5 * np.sqrt(scale**2 - 1), 0.1))
    matrix = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    return cv2.warpAffine(
        picture,
        matrix,
        (columns, rows),
        borderMode=cv2.BORDER_REFLECT,
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
    )
