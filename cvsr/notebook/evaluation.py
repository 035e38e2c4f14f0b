"""Clips damaged on purpose, the figures that judge them, and figures beside figures: for lesson 10.

Videos are (1, 3, T, H, W) in [-1, 1].
"""

from collections.abc import Callable, Mapping, Sequence
from textwrap import fill

import matplotlib
import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from scipy import stats
from scipy.ndimage import gaussian_filter
from torch import Tensor

from cvsr.data.filtering import measure_quality
from cvsr.data.resize import resize
from cvsr.data.video import to_frames
from cvsr.evaluation import metrics
from cvsr.evaluation.naturalness import CleanPictures
from cvsr.measurements.published_restoration import LESS_IS_BETTER, RESTORATION, TITLES, goodness
from cvsr.measurements.results import Result
from cvsr.notebook.figures import PALETTE

BETTER = {  # column of a table of figures → which way is better
    "PSNR (dB) ↑": "more",
    "SSIM ↑": "more",
    "fine detail, of the truth's": "",
    "Laplacian variance": "",
    "NIQE ↓": "less",
    "warping error ↓": "less",
    "along its own motion ↓": "less",
}
MARKS = "osD^vP*X"
SHADES = ListedColormap(matplotlib.colormaps["PuOr"](np.linspace(0.25, 0.75, 256)))  # light enough for black numbers


def judged(video: Tensor, truth: Tensor, clean: CleanPictures) -> dict[str, float]:
    """The figures of a video beside its truth; the warping error along the truth's motion and along the video's own."""
    values = (
        metrics.psnr(video, truth),
        metrics.ssim(video, truth),
        metrics.high_frequency_ratio(video, truth),
        laplacian_variance(video),
        clean.score(video),
        metrics.warping_error(video, truth),
        metrics.warping_error(video, video),
    )
    return dict(zip(BETTER, map(float, values), strict=True))


def laplacian_variance(video: Tensor) -> float:
    """In levels², the mean over some frames."""
    return measure_quality(to_frames(video[0])).sharpness


def quartered(video: Tensor) -> Tensor:
    """Reduced to a quarter and enlarged again, bicubically: all that is finer is gone."""
    height, width = video.shape[-2:]
    return resize(resize(video, height // 4, width // 4), height, width).clamp(-1, 1)


def blurred(video: Tensor, sigma: float) -> Tensor:
    """By a Gaussian of so many pixels."""
    return torch.from_numpy(gaussian_filter(video.numpy(), (0, 0, 0, sigma, sigma)))


def sharpened(video: Tensor, amount: float) -> Tensor:
    """Unsharp masking: what a blur of one pixel takes away is added, so many times."""
    return (video + amount * (video - blurred(video, 1.0))).clamp(-1, 1)


def noisy(video: Tensor, deviation: float, seed: int = 0) -> Tensor:
    """With white noise."""
    noise = torch.randn(video.shape, generator=torch.Generator().manual_seed(seed))
    return (video + deviation * noise).clamp(-1, 1)


def moved(video: Tensor, pixels: int) -> Tensor:
    """To the right; what leaves comes in on the left."""
    return video.roll(pixels, -1)


def held(video: Tensor, times: int) -> Tensor:
    """Every frame shown so many times, as copies of the frame before."""
    return video[:, :, torch.arange(video.shape[2]) // times * times]


def damages(strength: float, other: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
    """Name of a damage → what it makes of a video, at a strength from 0 (nothing) to 1; `other` is another clip."""
    return {
        "sharpening": lambda video: sharpened(video, 2 * strength),
        "blur": lambda video: blurred(video, 2 * strength),
        "noise": lambda video: noisy(video, 0.2 * strength),
        "moved sideways": lambda video: moved(video, round(4 * strength)),
        "brighter": lambda video: (video + 0.4 * strength).clamp(-1, 1),
        "copied frames": lambda video: held(video, 1 + round((video.shape[2] - 1) * strength)),
        "another clip": lambda video: torch.lerp(video, other, strength),
    }


def draw_intervals(result: Result, clips: str, titles: Mapping[str, str]) -> Figure:
    """A panel for each figure, a line for each method with the interval of its mean over clips.

    Args:
        result: as it was measured.
        clips: the group of clips.
        titles: figure → title of its panel.
    """
    rows = [row for row in result.rows if row.clips == clips]
    figure = Figure(figsize=(8.6, 0.42 * len(rows) + 1.6), layout="constrained")
    panels = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        for place, row in enumerate(rows):
            found = row.figures.get(name)
            if found is None:
                continue
            ends = [[found.mean - (found.low or found.mean)], [(found.high or found.mean) - found.mean]]
            axes.errorbar(found.mean, place, xerr=ends, fmt=MARKS[place % len(MARKS)], color=PALETTE["blue"], capsize=3)
        means = [row.figures[name].mean for row in rows if name in row.figures]
        if max(means) > 20 * min(means) > 0:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        else:
            axes.locator_params(axis="x", nbins=4)
        axes.set_title(fill(title, 18), fontsize=11)
        axes.margins(x=0.15, y=0.15)
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(rows)), [row.method for row in rows])
    panels[0].invert_yaxis()
    figure.supxlabel(f"bars: 95 % intervals over {rows[0].count} clips", fontsize=11)
    return figure


def draw_climb(figures: Mapping[str, Sequence[tuple[float, float]]]) -> Figure:
    """SSIM and PSNR step by step: name of a path → (SSIM, PSNR) of each of its pictures."""
    figure = Figure(figsize=(8.6, 3.2), layout="constrained")
    panels = figure.subplots(1, 2)
    styles = zip(figures.items(), ("blue", "vermilion"), ("o-", "s:"), strict=True)  # the paths of PSNR are one line
    for (name, values), colour, style in styles:
        for axes, column in zip(panels, zip(*values, strict=True), strict=True):
            axes.plot(column, style, color=PALETTE[colour], markersize=4, label=name)
    for axes, title, span in zip(panels, ("SSIM", "PSNR (dB)"), ((0, 1), (15, 30)), strict=True):
        axes.set(xlabel="step of the gradient", ylabel=title, ylim=span)
        axes.locator_params(axis="y", nbins=5, integer=span[1] > 1)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(figures), frameon=False)
    return figure


def agreement(metric: str, other: str) -> float:
    """Spearman's rank correlation of two metrics over the methods of SeedVR's table 1, the mean over its sets."""
    pairs = [(list(goodness(clips, metric).values()), list(goodness(clips, other).values())) for clips in RESTORATION]
    return float(np.mean([stats.spearmanr(*pair).statistic for pair in pairs]))


def draw_agreement() -> Figure:
    """How far metrics rank the methods of SeedVR's table 1 alike: 1 in the same order, -1 upside down."""
    matrix = np.array([[agreement(metric, other) for other in TITLES] for metric in TITLES])
    figure = Figure(figsize=(8.6, 6), layout="constrained")
    axes = figure.subplots()
    shades = axes.imshow(matrix, cmap=SHADES, vmin=-1, vmax=1)
    for row, column in np.ndindex(*matrix.shape):
        value = f"{matrix[row, column].round(1) + 0:+.1f}".replace("-", "−")
        axes.text(column, row, value, ha="center", va="center", fontsize=11)
    axes.set_xticks(range(len(TITLES)), TITLES.values(), rotation=35, ha="right", rotation_mode="anchor", fontsize=11)
    axes.set_yticks(range(len(TITLES)), TITLES.values(), fontsize=11)
    bar = figure.colorbar(shades, ax=axes, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.set_label("rank correlation, the mean over four sets", fontsize=11)
    return figure


def draw_pair(clips: str, metric: str, other: str) -> Figure:
    """The methods of SeedVR's table 1 on a set of clips by two metrics, better to the right and above."""
    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    axes = figure.subplots()
    for (method, scores), mark in zip(RESTORATION[clips].items(), MARKS, strict=True):  # a method keeps its mark
        colour = PALETTE["vermilion" if method == "SeedVR" else "blue"]
        axes.plot(getattr(scores, metric), getattr(scores, other), mark, color=colour, markersize=9, label=method)
    same = stats.spearmanr(*(list(goodness(clips, name).values()) for name in (metric, other))).statistic
    axes.set_title(f"{clips}: rank correlation {same:+.2f}".replace("-", "−"))
    axes.set(xlabel=_better(metric), ylabel=_better(other))
    for name, invert in ((metric, axes.invert_xaxis), (other, axes.invert_yaxis)):
        if name in LESS_IS_BETTER:
            invert()
    axes.margins(0.1)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False)  # beside them names would hide neighbours
    return figure


def _better(metric: str) -> str:
    """A metric as the name of an axis, with its unit and the way that is better."""
    unit = " (dB)" if metric == "psnr" else ""
    return f"{TITLES[metric]}{unit}, {'less' if metric in LESS_IS_BETTER else 'more'} is better →"
