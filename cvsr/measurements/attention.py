"""What the ways to attend cost, and what they make of weights that were trained with full attention."""

import time
from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor

from cvsr.evaluation.cost import (
    AttentionFlops,
    attention_flops,
    least_seconds,
    pairs_in_blocks,
    pairs_in_segments,
)
from cvsr.evaluation.metrics import psnr, ssim
from cvsr.measurements.super_resolution import reduced
from cvsr.models.attention import SelfAttention
from cvsr.models.rope import grid_coordinates, rotation
from cvsr.models.scopes import AttentionScheme, Layout
from cvsr.models.sparse_attention import cut_into_blocks
from cvsr.models.windows import FixedWindow, Size, axis_spans, partition
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import PATCH, Tiling, up


def flops(scheme: AttentionScheme, size: Size, width: int) -> AttentionFlops:
    """Of one layer of "full", "swin" or "sparse" attention, regular windows and units, over a clip of `size` tokens."""
    frames, height, columns = size
    pairs = 0.0
    for start, stop in axis_spans(frames, scheme.temporal_unit or frames, shifted=False):
        unit = (stop - start, height, columns)
        if scheme.attention == "sparse":
            pairs += pairs_in_blocks(cut_into_blocks(unit, scheme.block).lengths.tolist(), scheme.top_k)
        else:
            window = scheme.window if scheme.attention == "swin" else unit
            pairs += pairs_in_segments(partition(unit, FixedWindow(window), shifted=False).lengths)
    return attention_flops(pairs, frames * height * columns, width)


@torch.no_grad()
def layer_seconds(
    schemes: Mapping[str, AttentionScheme], size: Size, width: int = 192, heads: int = 3, rounds: int = 3
) -> dict[str, float]:
    """Least seconds of one self-attention layer over a clip of `size` tokens, projections included."""
    layer, turns = SelfAttention(width, heads), rotation(grid_coordinates(*size), width // heads).flatten(1, 2)
    x = torch.randn(1, size[0], size[1] * size[2], width, generator=torch.Generator().manual_seed(0))
    layouts = {name: Layout(scheme, size, turns, shifted=False) for name, scheme in schemes.items()}
    sides = {name: lambda layout=layout: layout.attend(0, layer, x) for name, layout in layouts.items()}
    return least_seconds(sides, rounds)


@torch.no_grad()
def enlarge_with_each(
    pipeline: SuperResolutionPipeline, truth: Tensor, schemes: Mapping[str, AttentionScheme], seed: int = 0
) -> dict[str, dict[str, float]]:
    """Fidelity of a clip (1, 3, T, H, W), reduced to a quarter and enlarged in one tile by the same weights.

    Detail is left as the network draws it, and nothing is corrected by the input, so that figures are the network's
    own. Beside them stand seconds, coding included, and how near each result is to that of the first scheme.
    """
    frames, height, width = truth.shape[2:]
    tiling = Tiling(pixels=up(max(height, width), PATCH), frames=frames)
    small = reduced(truth)
    before, first, rows = pipeline.transformer.scheme, None, {}
    for name, scheme in schemes.items():
        pipeline.transformer.use_attention(**asdict(scheme))
        started = time.perf_counter()
        generator = torch.Generator().manual_seed(seed)
        result = pipeline(small, tiling=tiling, consistency=0, detail=1.0, generator=generator).frames.cpu()
        seconds, first = time.perf_counter() - started, result if first is None else first
        rows[name] = {
            "PSNR, dB": float(psnr(result, truth)),
            "SSIM": float(ssim(result, truth)),
            f"PSNR to {next(iter(schemes))}, dB": float(psnr(result, first)),
            "seconds": seconds,
        }
    pipeline.transformer.use_attention(**asdict(before))
    return rows
