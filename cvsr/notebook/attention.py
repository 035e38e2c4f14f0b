"""Who sees whom, as pictures: masks of attention, blocks chosen in a clip, news that spreads through units."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from cvsr.models.rope import grid_coordinates, rotate, rotation
from cvsr.models.scopes import AttentionScheme, Layout
from cvsr.models.sparse_attention import Block, choose_blocks, cut_into_blocks
from cvsr.models.transformer import VideoTransformer
from cvsr.models.windows import FixedWindow, Size, axis_spans
from cvsr.notebook.figures import PALETTE, side_by_side, stack
from cvsr.notebook.windows import receptive_field

KNOWN, UNKNOWN, EDGE = (213, 94, 0), (238, 238, 238), (60, 60, 60)
ASKING, CHOSEN = (86, 180, 233), (230, 159, 0)  # sky and orange


@torch.no_grad()
def attention_mask(scheme: AttentionScheme, size: Size, shifted: bool, query: Tensor, key: Tensor) -> np.ndarray:
    """Which token (row) sees which (column) in one layer over a clip of `size` tokens: bool (n, n).

    Asked of the attention itself: as values it gets one-hot vectors, so that what it returns are its weights.

    Args:
        scheme: how it attends, with one self-attention a block.
        size: of the clip.
        shifted: whether windows and units are moved by half.
        query: (n, d); sparse attention chooses by it and by `key`.
        key: likewise.
    """

    def weights(one_hot: Tensor, _turns: Tensor, mix: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
        return mix(*((one_hot @ x)[:, :, None] for x in (query, key)), one_hot[:, :, None])

    tokens = torch.eye(len(query)).view(1, size[0], -1, len(query))  # (1, T, S, n)
    layout = Layout(scheme, size, torch.zeros(size[0], size[1] * size[2], 1), shifted)
    return (layout.attend(0, weights, tokens)[0].flatten(0, 1) > 0).numpy()


def draw_masks(rows: Sequence[Mapping[str, np.ndarray]]) -> Figure:
    """Rows of masks, bool (n, n) each, under their names: blue where a token (down) reads another one (across)."""
    columns = max(map(len, rows))
    colours = ListedColormap([np.divide(UNKNOWN, 255), PALETTE["blue"]])
    figure = Figure(figsize=(9, 9 / columns * len(rows) + 0.4), layout="constrained")
    for masks, line in zip(rows, figure.subplots(len(rows), columns, squeeze=False), strict=True):
        for axes, (name, mask) in zip(line, masks.items(), strict=True):
            axes.imshow(mask, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(name, fontsize=10)
            axes.tick_params(labelsize=8)
    figure.supxlabel("token that is read", fontsize=10)
    figure.supylabel("token that reads", fontsize=10)
    return figure


@torch.no_grad()
def chosen_blocks(
    network: VideoTransformer, run: Callable[[], object], size: Size, block: Block, top_k: int
) -> Tensor:
    """What every block of tokens chooses while a network runs: (layers, heads, blocks, 1 + k), itself first.

    Args:
        network: with one self-attention a block, and no temporal units.
        run: makes it run on one clip.
        size: of the clip in tokens.
        block: as in `sparse_local_attention`; the network may attend in another way.
        top_k: likewise.
    """
    seen: dict[tuple[int, str], Tensor] = {}
    hooks = []
    for index, each in enumerate(network.blocks):
        for name in ("norm_query", "norm_key"):

            def keep(_module, _inputs, output, at=(index, name)):
                seen[at] = output

            hooks.append(getattr(each.self_attentions[0], name).register_forward_hook(keep))
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    turns = rotation(grid_coordinates(*size), network.config.width // network.config.heads).flatten(0, 2)
    pairs = ((seen[index, "norm_query"], seen[index, "norm_key"]) for index in range(len(network.blocks)))
    chosen = [choose_blocks(rotate(q, turns), rotate(k, turns), size, block, top_k) for q, k in pairs]
    return torch.cat(chosen)


def draw_choice(frames: Sequence[np.ndarray], size: Size, block: Block, chosen: Sequence[int]) -> np.ndarray:
    """Frames side by side with a block framed in blue and those it reads in orange, numbered; the rest is dimmed.

    Args:
        frames: uint8 (H, W, 3), one for each latent frame of the clip.
        size: of the clip in tokens.
        block: height and width in tokens.
        chosen: numbers of blocks, first the one that asks.
    """
    blocks, pixels = cut_into_blocks(size, block), len(frames[0]) // size[1]
    pictures = [(0.45 * frame + 0.55 * 255).astype(np.uint8) for frame in frames]
    for rank, number in enumerate(chosen):
        tokens = blocks.tokens[number, : blocks.lengths[number]]
        first, last = (np.unravel_index(int(token), size) for token in (tokens[0], tokens[-1]))
        top, left = pixels * first[1], pixels * first[2]
        bottom, right = pixels * (last[1] + 1), pixels * (last[2] + 1)
        picture = pictures[first[0]]
        picture[top:bottom, left:right] = frames[first[0]][top:bottom, left:right]
        colour = CHOSEN if rank else ASKING
        cv2.rectangle(picture, (left + 1, top + 1), (right - 2, bottom - 2), colour, 3)
        if rank:
            cv2.rectangle(picture, (left, top), (left + 26, top + 26), CHOSEN, cv2.FILLED)
            cv2.putText(picture, str(rank), (left + 6, top + 22), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    return side_by_side({f"latent frame {t}": picture for t, picture in enumerate(pictures)}, len(frames[0]))


def draw_news(frames: int, unit: int, start: int, layers: int, shift: bool = True, cell: int = 22) -> np.ndarray:
    """Which latent frames (columns) have news of frame `start`, layer by layer from the input (rows) down.

    Dark lines are the borders of the units in the layer that led there.
    """
    rows = []
    for depth in range(layers + 1):
        known = receptive_field((frames, 1, 1), FixedWindow((unit, 1, 1)), depth, (start, 0, 0), shift)[:, 0, 0]
        row = np.where(known[None, :, None], KNOWN, UNKNOWN).repeat(cell, 0).repeat(cell, 1).astype(np.uint8)
        row[:, ::cell] = 255
        row[-3:] = 255
        if depth:
            for edge, _ in axis_spans(frames, unit, shift and (depth - 1) % 2 == 1)[1:]:
                row[:-3, cell * edge - 1 : cell * edge + 2] = EDGE
        rows.append(row)
    return stack(rows)
