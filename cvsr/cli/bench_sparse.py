"""Sparse local attention against full attention, and long clips in temporal units against short ones: a benchmark."""

import torch
from torch import Tensor

from cvsr.evaluation.cost import least_seconds
from cvsr.models.attention import attention
from cvsr.models.sparse_attention import Block, sparse_local_attention
from cvsr.models.transformer import VideoTransformer
from cvsr.models.windows import Size

BLOCK: Block = (12, 9)  # as in SimpleGVR, with one other block
SIZES: dict[str, Size] = {  # of a clip: its tokens, one for 8×8 pixels
    "17 × 272 × 352": (5, 34, 44),  # blocks at the borders are smaller
    "17 × 288 × 360": (5, 36, 45),  # 15 blocks a frame
}
LENGTHS = {"17 frames": 5, "77 frames": 20}  # latent frames
UNIT = 5
SIDE = 16  # tokens, of the clips that go through a whole transformer


@torch.no_grad()
def against_full(heads: int, head_dim: int, rounds: int) -> tuple[float, dict[str, str]]:
    """Time of the core at every size, the choice of blocks and their gathering included.

    Returns sparse ÷ full at the last size, in units of 2S/N, with S keys a query of N tokens; and everything in words.
    The ideal is S/N, one half: short segments reach less of a machine's rate than long ones, and gathering takes time.
    """
    ratio, sides = 0.0, {}
    for name, size in SIZES.items():
        tokens = size[0] * size[1] * size[2]
        query, key, value = torch.randn(3, 1, tokens, heads, head_dim)

        def sparse(qkv=(query, key, value), size=size) -> Tensor:
            return sparse_local_attention(*qkv, size, BLOCK, top_k=1)

        def full(qkv=(query, key, value)) -> Tensor:
            return attention(*qkv)

        ours, whole = least_seconds({"sparse": sparse, "full": full}, rounds).values()
        keys = 2 * BLOCK[0] * BLOCK[1]
        ratio = ours / whole / (2 * keys / tokens)
        sides[f"{name}, sparse"] = f"{1e3 * ours:.1f} ms"
        sides[f"{name}, full"] = f"{1e3 * whole:.1f} ms"
        sides[f"{name}, sparse ÷ full"] = f"{ours / whole:.4f} (S = {keys} of N = {tokens}: S/N = {keys / tokens:.4f})"
    return ratio, sides


@torch.no_grad()
def long_against_short(network: VideoTransformer, inputs: dict, rounds: int) -> dict[str, str]:
    """Time of a whole network at 77 ÷ 17 frames, in temporal units and with full attention, in words."""
    channels = inputs["hidden_states"].shape[1]
    clips = {name: torch.randn(1, channels, frames, SIDE, SIDE) for name, frames in LENGTHS.items()}

    def call(clip: Tensor, unit: int | None) -> Tensor:
        network.use_attention(temporal_unit=unit)
        return network(**inputs | {"hidden_states": clip}).sample

    calls = {
        (way, name): lambda clip=clip, unit=unit: call(clip, unit)
        for way, unit in {"units": UNIT, "full attention": None}.items()
        for name, clip in clips.items()
    }
    seconds = least_seconds(calls, rounds)
    sides = {f"{name}, {way}": f"{1e3 * value:.0f} ms" for (way, name), value in seconds.items()}
    short, long = LENGTHS
    units, full = (seconds[way, long] / seconds[way, short] for way in ("units", "full attention"))
    return sides | {"77 ÷ 17 frames, units and full": f"{units:.2f} (target ≤ 4.20) and {full:.2f}"}
