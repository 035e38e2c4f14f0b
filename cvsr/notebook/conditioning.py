"""Ways to show references to a transformer: how many tokens they take, and where they stand. For lesson 06."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from cvsr.models.rope import rotation
from cvsr.notebook.figures import PALETTE

DESIGNS = ("all by channel", "hybrid", "all by token")
TARGET, INPUT, REFERENCE = "target (noise)", "input", "references"
COLOURS = {TARGET: "blue", INPUT: "sky", REFERENCE: "orange"}
NARROW = 0.3  # bars this thin lie by channel on top of others


def tokens(design: str, target: int, references: int) -> int:
    """Tokens that attend to each other in a design of `DESIGNS` (UniMMVSR, sections 3.2 and 4.4).

    Args:
        design: by channel, what is shown lies on the target's own tokens; by token, it has tokens of its own.
        target: tokens of the target, and of the enlarged input.
        references: tokens of all references.
    """
    return {"all by channel": target, "hybrid": target + references, "all by token": 2 * target + references}[design]


def draw_designs(target: int, references: int) -> Figure:
    """A row of tokens for each design: what stands beside the target, and what lies on top of it by channel."""
    figure = Figure(figsize=(8.5, 3.2))
    axes = figure.subplots()
    beside = {"all by channel": [], "hybrid": [REFERENCE], "all by token": [INPUT, REFERENCE]}
    for row, (design, others) in enumerate(beside.items()):
        layers = [name for name in (TARGET, INPUT, REFERENCE) if name not in others]
        for layer, name in enumerate(layers):
            top = row - NARROW * (len(layers) - 1) / 2 + NARROW * layer
            axes.barh(top, target, NARROW * 0.9, color=PALETTE[COLOURS[name]])
        left = target
        for name in others:
            width = references if name == REFERENCE else target
            axes.barh(row, width, NARROW * 0.9, left=left, color=PALETTE[COLOURS[name]])
            left += width
        pairs = tokens(design, target, references) ** 2 / target**2
        axes.text(left + 0.03 * target, row, f"{left:,} tokens, {pairs:.1f} × the pairs", va="center", fontsize=9)
    axes.set_yticks(range(len(beside)), list(beside))
    axes.set(xlim=(0, 1.45 * (2 * target + references)), xlabel="tokens of one sequence")
    axes.invert_yaxis()
    axes.legend(
        handles=[axes.barh(0, 0, color=PALETTE[colour], label=name) for name, colour in COLOURS.items()],
        loc="upper right",
        fontsize=8,
        frameon=False,
    )
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def nearness(frame: int, frames: np.ndarray, channels: int) -> np.ndarray:
    """How alike rotary positions in time make the same query and key, at one place: -1 to 1, as `frames`.

    Args:
        frame: position of the query.
        frames: positions of keys.
        channels: of a head.
    """
    coordinates = torch.zeros(1 + len(frames), 3)
    coordinates[:, 0] = torch.tensor([frame, *frames.tolist()], dtype=torch.float32)
    turns = rotation(coordinates, channels)  # (1 + n, d / 2)
    return (turns[:1] * turns[1:].conj()).real.mean(1).numpy()


def draw_positions(
    names: Sequence[str], lengths: Sequence[int], starts: Sequence[int], frame: int, channels: int
) -> Figure:
    """Ranges of positions in time, a row for each clip, coloured by how near each is to the target's frame `frame`.

    Args:
        names: of the clips, the target first.
        lengths: their latent frames.
        starts: the position of the first frame of each.
        frame: of the target, which asks.
        channels: of a head.
    """
    figure = Figure(figsize=(8.5, 0.55 * len(names) + 1.1))
    axes = figure.subplots()
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        at = np.arange(start, start + length)
        for place, near in zip(at, nearness(frame, at, channels), strict=True):
            shade = float(np.clip((near - 0.2) / 0.8, 0, 1))  # white where far
            blue = np.array([0x00, 0x72, 0xB2]) / 255
            axes.barh(
                row, 0.92, 0.8, left=place - 0.46, color=1 - shade * (1 - blue), edgecolor="#666666", linewidth=0.8
            )
            axes.text(
                place, row, f"{near:.2f}", ha="center", va="center", fontsize=8,
                color="white" if shade > 0.55 else "black",
            )  # fmt: skip
    axes.plot(frame, -0.55, "v", color=PALETTE["vermilion"], markersize=8)
    axes.set_yticks(range(len(names)), list(names))
    axes.set_xticks(range(max(sum(lengths), 1)))
    axes.set(xlim=(-0.6, sum(lengths) - 0.4), xlabel="rotary position in time")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return figure
