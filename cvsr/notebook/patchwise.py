"""Patches drawn over a frame, their weights along an axis, and a network that knows nothing of them yet: lesson 07."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cvsr.diffusion.joint_modulation import JOININGS, Patch
from cvsr.notebook.figures import PALETTE
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.store import load
from cvsr.presets import PRESETS
from cvsr.systems.patchvsr import build_patchvsr

TINT = 0.7  # of a weight of 1
STYLES = {"joint": ("blue", "o-"), "averaged": ("green", "^--"), "stitched": ("vermilion", "s:")}


def begun(weights: str | None = None, preset: str = "teaching") -> PatchVSRPipeline:
    """PatchVSR as its training begins: the shipped super-resolution model, patch by patch, that knows nothing more."""
    base = load("super_resolution", weights)
    torch.manual_seed(0)
    transformer = build_patchvsr(PRESETS[preset], ["a ball"]).transformer
    transformer.begin_as(base.transformer)
    return PatchVSRPipeline(**base.components | {"transformer": transformer.eval().requires_grad_(False)})


def draw_patches(frame: np.ndarray, patches: Sequence[Patch], chosen: int, pixels: int) -> np.ndarray:
    """A frame with the outlines of all patches, and one of them tinted by its weights in the blend.

    Args:
        frame: uint8 (H, W, 3).
        patches: of it, in positions of `pixels` pixels a side.
        chosen: index of the one.
        pixels: height and width of a position.
    """
    picture = frame.copy()
    patch = patches[chosen]
    share = TINT * np.kron(patch.weights.numpy(), np.ones((pixels, pixels)))[..., None]
    top, bottom, left, right = _edges(patch, pixels)
    inside = picture[top:bottom, left:right]
    inside[:] = ((1 - share) * inside + share * _colour("orange")).astype(np.uint8)
    for each in patches:
        _outline(picture, each, pixels, _colour("black"), 1)
    _outline(picture, patch, pixels, _colour("vermilion"), 2)
    return picture


def draw_weights(length: int, size: int, joining: str) -> Figure:
    """The weights of every patch along an axis of so many positions, and their sum."""
    figure = Figure(figsize=(8.6, 2.8), layout="constrained")
    axes = figure.subplots()
    total = np.zeros(length)
    windows = sorted(JOININGS[joining](length, size), key=lambda window: window.start)  # neighbours differ in colour
    for index, window in enumerate(windows):
        positions = np.arange(window.start, window.stop) + 0.5
        weights = window.weights.numpy()
        total[window.slice] += weights
        colour = list(PALETTE.values())[index % (len(PALETTE) - 1)]
        axes.plot(positions, weights, color=colour, drawstyle="steps-mid", label=None if index else "a patch")
        axes.fill_between(positions, weights, color=colour, alpha=0.2, step="mid")
    axes.plot(np.arange(length) + 0.5, total, color=PALETTE["black"], linestyle=":", label="sum of all")
    axes.set(xlabel="position along the axis, of 8 pixels each", ylabel="weight", xlim=(0, length), ylim=(0, 1.1))
    figure.legend(loc="outside right center", frameon=False)
    return figure


def draw_seams(ratios: Mapping[str, Mapping[int, float]]) -> Figure:
    """The seam ratio over the patches' size, joining → pixels → ratio; 1 is no seam."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    axes = figure.subplots()
    for joining, by_size in ratios.items():
        colour, style = STYLES[joining]
        axes.plot(list(by_size), list(by_size.values()), style, color=PALETTE[colour], label=joining)
    axes.axhline(1, color=PALETTE["black"], linewidth=0.8, linestyle=":")
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(by_size), [f"{size}" for size in by_size])
    axes.set(xlabel="height and width of a patch in pixels", ylabel="seam ratio, 1 is none")
    figure.legend(loc="outside right center", frameon=False)
    return figure


def draw_cost(sides: Sequence[int], operations: Mapping[str, Sequence[float]]) -> Figure:
    """Operations of one prediction over the side of a square frame in pixels, by how it is made."""
    figure = Figure(figsize=(8.6, 3.4), layout="constrained")
    axes = figure.subplots()
    styles = zip(operations.items(), STYLES.values(), strict=False)
    for (name, counted), (colour, style) in styles:
        axes.loglog(sides, [count / 1e9 for count in counted], style, color=PALETTE[colour], label=name)
    axes.set_xticks(sides, [f"{side}" for side in sides])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set(xlabel="height and width of the frame in pixels", ylabel="operations, GFLOP")
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside right center", frameon=False)
    return figure


def _edges(patch: Patch, pixels: int) -> tuple[int, int, int, int]:
    rows, columns = patch.rows, patch.columns
    return pixels * rows.start, pixels * rows.stop, pixels * columns.start, pixels * columns.stop


def _outline(picture: np.ndarray, patch: Patch, pixels: int, colour: np.ndarray, thickness: int) -> None:
    top, bottom, left, right = _edges(patch, pixels)
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), [int(value) for value in colour], thickness)


def _colour(name: str) -> np.ndarray:
    return np.round(255 * np.array(to_rgb(PALETTE[name])))
