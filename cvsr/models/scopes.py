"""Which tokens see each other in a transformer's self-attentions.

    3d         every token sees every other: full attention
    windows    those of one 3D window, shifted in odd blocks (Swin; `cvsr.models.windows`)
    blocks     those of its 2D block, and of the blocks chosen for it (`cvsr.models.sparse_attention`)
    spatial    those of its frame
    temporal   those of its place in all frames

Units of latent frames (`cvsr.models.temporal_units`) may confine any of them. None has weights, so a network runs
with others than it was trained with. Attention sees differences of positions only: positions counted over the
whole clip, as here, or from the corner of a window or unit are the same to it.

Legend: B batch, T Y X tokens along time, height and width, S = Y·X, D width, d channels of a head.
"""

from dataclasses import dataclass
from functools import partial

from einops import rearrange
from torch import Tensor

from cvsr.models.attention import SelfAttention, attend, attention
from cvsr.models.sparse_attention import Block, check_sparse, sparse_local_attention
from cvsr.models.temporal_units import in_units
from cvsr.models.windows import FixedWindow, Size, partition

PATTERNS = {
    "full": ("3d",),
    "swin": ("windows",),
    "sparse": ("blocks",),
    "factorised": ("spatial", "temporal"),
    "spatial+full": ("spatial", "3d"),
}


@dataclass(frozen=True)
class AttentionScheme:
    """The self-attentions of every block of a network.

    Args:
        attention: one of `PATTERNS`.
        temporal_unit: latent frames in a unit, which attention does not leave; None: all of a clip.
        window: of "swin", its size in tokens; smaller at borders.
        block: of "sparse", height and width in tokens, the whole of a frame that is smaller; SimpleGVR's (section
            5.3.2) are the default.
        top_k: of "sparse", how many other blocks a block reads.
    """

    attention: str = "full"
    temporal_unit: int | None = None
    window: Size = (5, 8, 8)
    block: Block = (12, 9)
    top_k: int = 1

    def __post_init__(self):
        for name in ("window", "block"):  # a config that was read from a file has lists
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.attention not in PATTERNS:
            raise ValueError(f"attention={self.attention!r}: unknown pattern; allowed {list(PATTERNS)}; try 'full'")
        if self.temporal_unit is not None and self.temporal_unit < 1:
            raise ValueError(f"temporal_unit={self.temporal_unit}: no unit; allowed numbers >= 1 or None; try 5")
        FixedWindow(self.window)  # raises unless it is a window
        check_sparse(self.block, self.top_k)

    @property
    def pattern(self) -> tuple[str, ...]:
        """The scopes of a block's self-attentions, in their order."""
        return PATTERNS[self.attention]


@dataclass(frozen=True)
class Layout:
    """What a block's self-attentions have to know of a clip.

    Attributes:
        scheme: how they attend.
        size: of the clip, (T, Y, X) tokens.
        turns: (T, S, d / 2) rotary positions.
        shifted: whether windows and units are moved by half.
    """

    scheme: AttentionScheme
    size: Size
    turns: Tensor
    shifted: bool

    def attend(self, index: int, layer: SelfAttention, x: Tensor) -> Tensor:
        """Self-attention number `index` of a block, with the weights of `layer`, on x (B, T, S, D)."""
        within = partial(self._within, self.scheme.pattern[index], layer)
        if self.scheme.temporal_unit is None:
            return within(x)
        return in_units(within, x, self.scheme.temporal_unit, self.shifted)

    def _within(self, scope: str, layer: SelfAttention, x: Tensor) -> Tensor:
        """The same on a clip or unit x (B, t, S, D); the positions of the first t frames serve any t."""
        batch, frames = x.shape[:2]
        turns = self.turns[:frames]
        if scope == "spatial":
            return layer(x.flatten(0, 1), turns[0]).view_as(x)
        if scope == "temporal":
            over_time = rearrange(x, "B T S D -> (B S) T D")
            return rearrange(layer(over_time, turns[:, 0]), "(B S) T D -> B T S D", B=batch)
        size = (frames, *self.size[1:])
        block = tuple(map(min, self.scheme.block, size[1:]))  # the same weights serve frames smaller than a block
        mix = {
            "3d": attention,
            "windows": partial(window_attention, size=size, window=self.scheme.window, shifted=self.shifted),
            "blocks": partial(sparse_local_attention, size=size, block=block, top_k=self.scheme.top_k),
        }[scope]
        return layer(x.flatten(1, 2), turns.flatten(0, 1), mix).view_as(x)


def window_attention(
    query: Tensor, key: Tensor, value: Tensor, size: Size, window: Size, shifted: bool
) -> Tensor:
    """Attention of (B, n, heads, d) inside the windows of a clip of `size` tokens. Returns (B, n, D)."""
    cut = partition(size, FixedWindow(window), shifted)
    packed = (x[:, cut.order].flatten(0, 1) for x in (query, key, value))  # (B·n, heads, d)
    mixed = attend(*packed, cut.lengths * len(query))
    return mixed.unflatten(0, (len(query), -1))[:, cut.inverse].flatten(2)  # (B, n, D)
