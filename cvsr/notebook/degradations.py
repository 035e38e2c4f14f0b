"""What damage looks like and how near it comes to a base model's videos: for lesson 02.

Videos are uint8 (T, H, W, 3).
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import scipy.stats
from matplotlib.figure import Figure

from cvsr.data.degradations.motion import motion_fields
from cvsr.notebook.figures import PALETTE

LINES = (  # the first one for what the others are held to
    {"color": PALETTE["black"], "linestyle": "-", "linewidth": 3},
    {"color": PALETTE["blue"], "linestyle": "--", "linewidth": 1.8},
    {"color": PALETTE["sky"], "linestyle": ":", "linewidth": 1.8},
    {"color": PALETTE["orange"], "linestyle": "-.", "linewidth": 1.8},
    {"color": PALETTE["purple"], "linestyle": (0, (5, 1, 1, 1, 1, 1)), "linewidth": 1.8},
    {"color": PALETTE["green"], "linestyle": (0, (3, 1)), "linewidth": 1.8},
    {"color": PALETTE["vermilion"], "linestyle": "-", "linewidth": 1.8},
)


def radial_spectrum(video: np.ndarray) -> np.ndarray:
    """Power of the luma at 1, 2, … min(H, W) / 2 waves a frame, the mean over directions and frames: (N,).

    Under a Hann window: the borders of a frame are no edges of the picture.
    """
    height, width = video.shape[1:3]
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in video]) / 255
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    power = np.square(np.abs(np.fft.fft2((grey - grey.mean(axis=(1, 2), keepdims=True)) * window))).mean(0)
    side = min(height, width)
    waves = side * np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])  # a shorter side
    ring = waves.round().astype(int)
    return np.array([power[ring == radius].mean() for radius in range(1, side // 2 + 1)])


def spectral_distance(spectra: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    """Root mean square difference in dB of two groups' mean spectra, over all frequencies alike."""
    ratio = np.mean(spectra, axis=0) / np.mean(others, axis=0)
    return float(np.sqrt(np.square(10 * np.log10(ratio)).mean()))


def motion_lengths(video: np.ndarray) -> np.ndarray:
    """How far every pixel moves from frame to frame, in pixels: (T · H · W,)."""
    return np.linalg.norm(motion_fields(video), axis=-1).ravel()


def motion_distance(lengths: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    """Earth mover's distance of two groups' motion, in pixels a frame: how far it takes to shift one onto the other."""
    return float(scipy.stats.wasserstein_distance(np.concatenate(lengths), np.concatenate(others)))


def draw_spectra(groups: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Mean spectra of up to seven groups over the frequency, a line each, the first one thick and black."""
    figure = Figure(figsize=(6.4, 3.4))
    axes = figure.subplots()
    for (name, spectra), line in zip(groups.items(), LINES[: len(groups)], strict=True):
        mean = np.mean(spectra, axis=0)
        axes.loglog(range(1, len(mean) + 1), mean, label=name, **line)
    axes.set(xlabel="waves a frame: coarse shapes left, fine detail right", ylabel="power")
    axes.legend(frameon=False, bbox_to_anchor=(1, 1), loc="upper left")
    return figure


def draw_motion(groups: Mapping[str, Sequence[np.ndarray]], longest: float) -> Figure:
    """Which share of each group's pixels moves farther than so many pixels a frame; lines as for spectra."""
    figure = Figure(figsize=(6.4, 3.0))
    axes = figure.subplots()
    edges = np.linspace(0, longest, 60)
    for (name, lengths), line in zip(groups.items(), LINES[: len(groups)], strict=True):
        sorted_ = np.sort(np.concatenate(lengths))
        share = 1 - np.searchsorted(sorted_, edges, side="right") / len(sorted_)
        axes.plot(edges, share, label=name, **line)
    axes.set(xlabel="motion, pixels a frame", ylabel="share that moves farther", ylim=(0, 1))
    axes.legend(frameon=False, bbox_to_anchor=(1, 1), loc="upper left")
    return figure


def motion_picture(motion: np.ndarray, longest: float) -> np.ndarray:
    """A flow (H, W, 2) as colours, uint8 (H, W, 3): the hue is the direction, white is still."""
    angle = np.arctan2(motion[..., 1], motion[..., 0]) % (2 * np.pi)
    length = (np.linalg.norm(motion, axis=-1) / longest).clip(0, 1)
    hsv = np.stack([angle * 90 / np.pi, 255 * length, np.full_like(length, 255)], axis=-1)
    return cv2.cvtColor(hsv.round().astype(np.uint8), cv2.COLOR_HSV2RGB)


def grey_picture(values: np.ndarray) -> np.ndarray:
    """Values (H, W) as uint8 (H, W, 3), from the least in black to the largest in white."""
    span = max(float(np.ptp(values)), 1e-9)
    return np.repeat((255 * (values - values.min()) / span).astype(np.uint8)[..., None], 3, axis=-1)
