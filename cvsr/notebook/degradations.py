"""What damage looks like and how near it comes to a base model's videos: for lesson 02.

Videos are uint8 (T, H, W, 3).
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import scipy.stats
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cvsr.data.degradations.motion import motion_fields
from cvsr.notebook.figures import PALETTE

COLUMNS = 3  # of panels, as many as are readable on a page
GREY = "#999999"  # of what the others are held to


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
    """How far each group's mean spectrum lies above the first one's: a panel each, in decibels over the frequency.

    Frequencies lie evenly: the spectral distance, in the titles, is the curve's root mean square.
    """
    (reference, first), *others = groups.items()
    figure, panels = _panels(len(others))
    for (name, spectra), axes in zip(others, panels, strict=True):
        above = 10 * np.log10(np.mean(spectra, axis=0) / np.mean(first, axis=0))
        axes.axhline(0, color=GREY, linewidth=2)
        axes.plot(range(1, len(above) + 1), above, color=PALETTE["blue"], linewidth=2)
        axes.set_title(f"{name}: {spectral_distance(spectra, first):.1f} dB", fontsize=11)
    figure.supxlabel("waves a frame: coarse shapes left, fine detail right", fontsize=11)
    figure.supylabel(f"power, dB above the {reference}'s", fontsize=11)
    return figure


def draw_motion(groups: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Which share of a group's pixels moves farther than so many pixels a frame: a panel each, with the first group.

    The distance of motion, in the titles, is the area between the two curves. The axis ends where no group has more
    than a hundredth of its pixels left.
    """
    (reference, first), *others = groups.items()
    longest = max(np.quantile(np.concatenate(lengths), 0.99) for lengths in groups.values())
    edges = np.linspace(0, longest, 200)
    before = _farther(first, edges)
    figure, panels = _panels(len(others))
    for (name, lengths), axes in zip(others, panels, strict=True):
        share = _farther(lengths, edges)
        axes.fill_between(edges, before, share, color=PALETTE["sky"], alpha=0.25, linewidth=0)
        axes.plot(edges, before, color=GREY, linewidth=2, label=reference)
        axes.plot(edges, share, color=PALETTE["blue"], linewidth=2, label="with the damage")
        axes.set(xlim=(0, longest), ylim=(0, 1.02), yticks=(0, 0.5, 1))
        axes.set_title(f"{name}: {motion_distance(lengths, first):.2f} pixels", fontsize=11)
    lines = panels[0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside upper center", ncols=2, frameon=False)
    figure.supxlabel("motion, pixels a frame", fontsize=11)
    figure.supylabel("share of pixels that move farther", fontsize=11)
    return figure


def motion_picture(motion: np.ndarray, longest: float) -> np.ndarray:
    """A flow (H, W, 2) as colours, uint8 (H, W, 3): the hue is the direction, white is still, full colour `longest`."""
    angle = np.arctan2(motion[..., 1], motion[..., 0]) % (2 * np.pi)
    length = (np.linalg.norm(motion, axis=-1) / longest).clip(0, 1)
    hsv = np.stack([angle * 90 / np.pi, 255 * length, np.full_like(length, 255)], axis=-1)
    return cv2.cvtColor(hsv.round().astype(np.uint8), cv2.COLOR_HSV2RGB)


def motion_wheel(size: int = 256) -> np.ndarray:
    """The scale of motion pictures, uint8 (size, size, 3): each colour stands where such motion leads from the centre.

    Still in the centre, as far as a picture's `longest` at the rim, grey outside of it.
    """
    reach = np.linspace(-1, 1, size)
    places = np.stack(np.meshgrid(reach, reach), axis=-1)  # (size, size, 2), as x and y
    outside = np.linalg.norm(places, axis=-1, keepdims=True) > 1
    return np.where(outside, np.uint8(220), motion_picture(places, longest=1))


def grey_picture(values: np.ndarray, black: float, white: float) -> np.ndarray:
    """Values (H, W) as uint8 (H, W, 3), from `black` and below to `white` and above."""
    share = ((values - black) / (white - black)).clip(0, 1)
    return np.repeat((255 * share).astype(np.uint8)[..., None], 3, axis=-1)


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels on common axes, and the panels."""
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(8.8, 0.6 + 2 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for empty in panels[count:]:
        empty.remove()
    return figure, list(panels[:count])


def _farther(lengths: Sequence[np.ndarray], edges: np.ndarray) -> np.ndarray:
    """Which share of all lengths is above each edge."""
    ordered = np.sort(np.concatenate(lengths))
    return 1 - np.searchsorted(ordered, edges, side="right") / len(ordered)
