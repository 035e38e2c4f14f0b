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

ACROSS = 3  # panels in a row


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
    """Mean spectra in dB of the first group's coarsest wave: a panel a group, with the first one to be held to."""
    means = {name: np.mean(spectra, axis=0) for name, spectra in groups.items()}
    loudest = next(iter(means.values()))[0]
    curves = {name: (np.arange(1, len(mean) + 1), 10 * np.log10(mean / loudest)) for name, mean in means.items()}
    figure = _panels(curves, "waves a frame: coarse shapes left, fine detail right", "power, dB")
    figure.axes[0].set(xscale="log", xlim=(1, None))
    for axes in figure.axes:  # they share the scale, not its labels
        axes.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
        axes.minorticks_off()
    return figure


def draw_motion(groups: Mapping[str, Sequence[np.ndarray]], longest: float) -> Figure:
    """Which share of a group's pixels moves farther than so many pixels a frame; panels as for spectra."""
    edges, curves = np.linspace(0, longest, 60), {}
    for name, lengths in groups.items():
        sorted_ = np.sort(np.concatenate(lengths))
        curves[name] = edges, 1 - np.searchsorted(sorted_, edges, side="right") / len(sorted_)
    figure = _panels(curves, "motion, pixels a frame", "share that moves farther")
    figure.axes[0].set(xlim=(0, longest), ylim=(0, 1.02))
    return figure


def _panels(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], across: str, up: str) -> Figure:
    """Every curve but the first in a panel of its own, beside the first, on shared axes."""
    (first, held_to), *others = curves.items()
    lines = -(-len(others) // ACROSS)
    figure = Figure(figsize=(9, 0.8 + 1.9 * lines), layout="constrained")
    panels = figure.subplots(lines, ACROSS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (name, curve) in zip(panels, others, strict=False):
        axes.plot(*held_to, color=PALETTE["black"], linewidth=1.5, label=first)
        axes.plot(*curve, color=PALETTE["vermilion"], linewidth=2, linestyle="--", label="the panel's")
        axes.set_title(name, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(others) :]:
        axes.remove()
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    figure.supxlabel(across, fontsize=10)
    figure.supylabel(up, fontsize=10)
    return figure


def motion_picture(motion: np.ndarray, longest: float) -> np.ndarray:
    """A flow (H, W, 2) as colours, uint8 (H, W, 3): the hue is the direction, white is still."""
    angle = np.arctan2(motion[..., 1], motion[..., 0]) % (2 * np.pi)
    length = (np.linalg.norm(motion, axis=-1) / longest).clip(0, 1)
    hsv = np.stack([angle * 90 / np.pi, 255 * length, np.full_like(length, 255)], axis=-1)
    return cv2.cvtColor(hsv.round().astype(np.uint8), cv2.COLOR_HSV2RGB)


def motion_wheel(side: int) -> np.ndarray:
    """The colours of `motion_picture`, uint8 (side, side, 3): a point's is that of a motion from the middle to there.

    At the rim the motion is the longest.
    """
    place = np.linspace(-1, 1, side)
    motion = np.stack(np.meshgrid(place, place), axis=-1)
    motion[np.linalg.norm(motion, axis=-1) > 1] = 0
    return motion_picture(motion, longest=1)


def grey_picture(values: np.ndarray) -> np.ndarray:
    """Values (H, W) as uint8 (H, W, 3), from the least in black to the largest in white."""
    span = max(float(np.ptp(values)), 1e-9)
    return np.repeat((255 * (values - values.min()) / span).astype(np.uint8)[..., None], 3, axis=-1)
