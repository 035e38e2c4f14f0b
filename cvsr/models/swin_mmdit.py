"""SeedVR's transformer: two streams, video and text, that meet in shifted windows of any size (Swin-MMDiT).

As in MMDiT (Esser et al. 2024, section 4), video and text have weights of their own in the first blocks and
attend to each other in both directions; later blocks share one set of weights. Attention stays inside windows,
regular ones in even blocks and shifted ones in odd blocks; every window holds the text, too, and what the windows
make of the text is averaged (section 3.1). Rotary positions count from each window's corner.

The tokens of all clips of a batch stand in one row, and so do those of all texts: clips of different sizes and texts
of different lengths go through together, without padding.

Legend: B clips, n video tokens and M text tokens of all clips, L text tokens of the longest text, D width, d channels
of a head, m = 6 rows of modulation a block.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from cvsr.diffusion.flow import CleanPreconditioner
from cvsr.models.attention import HeadNorm, attend
from cvsr.models.embeddings import ConditionEmbedding, TextEmbedding
from cvsr.models.patches import patchify, unpatchify
from cvsr.models.rope import rotate, rotation
from cvsr.models.transformer import VideoTransformerOutput, check_inputs, modulate
from cvsr.models.windows import (
    AdaptiveWindow,
    FixedWindow,
    Packing,
    Size,
    WindowRule,
    pack_with_text,
    partition,
)

WINDOW_RULES = {"fixed": FixedWindow, "adaptive": AdaptiveWindow}


class SwinMMDiT(ModelMixin, ConfigMixin):
    """Maps noisy latents, a time and a text to an output of the same size; a fresh network returns exactly 0.

    Args:
        in_channels: channels of the input, conditions concatenated by channel included.
        out_channels: channels of the output.
        patch_size: latent positions in one token along (time, height, width).
        width: channels of a token; a multiple of `heads`, with an even number of at least 6 channels a head.
        depth: number of blocks.
        separate_depth: how many of the first blocks have weights of their own for the text.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward network over `width`.
        text_width: channels of the text encoder's states.
        micro_conditions: names of the numbers in [0, 1] that the network is given beside the time.
        window_rule: "fixed" (the paper's) or "adaptive" (the released models').
        window: the fixed window in tokens, or the adaptive rule's number of windows, along (time, height, width).

    Raises:
        ValueError: an unknown rule, or sizes that do not fit each other.
    """

    _supports_gradient_checkpointing = True
    preconditioner = CleanPreconditioner()  # what its output means

    @register_to_config
    def __init__(
        self,
        in_channels: int = 97,
        out_channels: int = 48,
        patch_size: Sequence[int] = (1, 1, 1),
        width: int = 192,
        depth: int = 6,
        separate_depth: int = 2,
        heads: int = 6,
        mlp_ratio: float = 4.0,
        text_width: int = 128,
        micro_conditions: Sequence[str] = (),
        window_rule: str = "fixed",
        window: Sequence[int] = (5, 8, 8),
    ):
        super().__init__()
        if window_rule not in WINDOW_RULES:
            raise ValueError(
                f"window_rule={window_rule!r}: unknown; allowed {list(WINDOW_RULES)}; try 'fixed'"
            )
        if width % heads or (width // heads) % 2 or width // heads < 6:
            raise ValueError(
                f"width={width}, heads={heads}: bad channels a head; allowed an even number of at least 6; "
                f"try width={32 * heads}"
            )
        if not 0 <= separate_depth <= depth:
            raise ValueError(f"separate_depth={separate_depth}: allowed 0 to depth={depth}; try {depth // 3}")
        self.gradient_checkpointing = False
        self.attention_backend = "auto"  # see `cvsr.models.attention.attend`
        self.rule: WindowRule = WINDOW_RULES[window_rule](tuple(window))
        patch_volume = math.prod(patch_size)
        self.patch_embedding = nn.Linear(in_channels * patch_volume, width)
        self.text_embedding = TextEmbedding(text_width, width)
        self.condition_embedding = ConditionEmbedding(width, micro_conditions)
        self.to_modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(
            SwinBlock(width, heads, mlp_ratio, separate=index < separate_depth) for index in range(depth)
        )
        self.to_final_modulation = nn.Linear(width, 2 * width)
        self.to_sample = nn.Linear(width, out_channels * patch_volume)
        self._initialise()

    def forward(
        self,
        hidden_states: Tensor | Sequence[Tensor],
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor | None = None,
        micro_conditions: Mapping[str, Tensor] | None = None,
    ) -> VideoTransformerOutput:
        """Run the network, with the arguments of `VideoTransformer.forward`; any size, texts of any lengths.

        `hidden_states` may also be a list of B clips (in_channels, t, h, w), each of a size of its own; so is the
        sample then.
        """
        for clip in hidden_states:
            check_inputs(self.config, clip.expand(len(hidden_states), *clip.shape), timestep, encoder_hidden_states)
        patches = [patchify(clip[None], self.config.patch_size)[0] for clip in hidden_states]  # (T, Y, X, patch)
        grids = tuple(tuple(patch.shape[:3]) for patch in patches)
        x = self.patch_embedding(torch.cat([patch.flatten(0, 2) for patch in patches]))  # (n, D)
        text, mask = self.text_embedding(encoder_hidden_states, encoder_attention_mask)
        text_lengths, text = tuple(mask.sum(1).tolist()), text[mask]  # (M, D)
        condition = F.silu(self.condition_embedding(timestep, micro_conditions))  # (B, D)
        modulation = self.to_modulation(condition).unflatten(-1, (6, -1))  # (B, m, D)
        layouts = [self._layout(grids, text_lengths, shifted, x.device) for shifted in (False, True)]
        for index, block in enumerate(self.blocks):
            arguments = (x, text, modulation, layouts[index % 2], self.attention_backend)
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x, text = self._gradient_checkpointing_func(block, *arguments)
            else:
                x, text = block(*arguments)
        final = self.to_final_modulation(condition).unflatten(-1, (2, -1))  # (B, 2, D)
        shift, scale = for_tokens(final, layouts[0].video_of)
        x = self.to_sample(modulate(x, shift, scale))  # (n, patch)
        samples = [
            unpatchify(tokens.view(1, *grid, -1), self.config.patch_size, clip.shape[1:])[0]
            for tokens, grid, clip in zip(x.split([math.prod(g) for g in grids]), grids, hidden_states, strict=True)
        ]
        together = torch.stack(samples) if isinstance(hidden_states, Tensor) else samples
        return VideoTransformerOutput(sample=together)

    def _layout(
        self, grids: tuple[Size, ...], text_lengths: tuple[int, ...], shifted: bool, device: torch.device
    ) -> "Layout":
        cuts = tuple(partition(grid, self.rule, shifted) for grid in grids)
        coordinates = torch.cat([cut.coordinates[cut.inverse] for cut in cuts]).to(device)
        clips = torch.arange(len(cuts), device=device)
        return Layout(
            packing=pack_with_text(cuts, text_lengths).to(device),
            turns=rotation(coordinates, self.config.width // self.config.heads),
            video_of=clips.repeat_interleave(torch.tensor([len(cut.order) for cut in cuts], device=device)),
            text_of=clips.repeat_interleave(torch.tensor(text_lengths, device=device)),
        )

    def _initialise(self) -> None:
        """Xavier weights, zero biases; branches and output start at zero (adaLN-Zero, Peebles & Xie 2023)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for layer in (self.to_modulation, self.to_final_modulation, self.to_sample):
            nn.init.zeros_(layer.weight)


@dataclass(frozen=True)
class Layout:
    """Where the tokens of a batch stand in a block.

    Attributes:
        packing: the segments that attend to each other.
        turns: (n, d / 2) rotary positions of the video tokens.
        video_of, text_of: (n,) and (M,), the clip that a token belongs to.
    """

    packing: Packing
    turns: Tensor
    video_of: Tensor
    text_of: Tensor


def for_tokens(modulation: Tensor, clip_of: Tensor) -> list[Tensor]:
    """The rows of a modulation (B, m, D) for tokens of the clips `clip_of` (n,): m tensors (n, D), or (1, D) if B = 1.

    A single clip's are left to broadcasting: at 4K they would be as large as the tokens.
    """
    rows = modulation.unbind(1)
    return list(rows) if len(modulation) == 1 else [row[clip_of] for row in rows]


class Stream(nn.Module):
    """The weights of one modality in a block: everything but the attention between the two."""

    def __init__(self, width: int, heads: int, mlp_ratio: float):
        super().__init__()
        hidden = int(mlp_ratio * width)
        self.heads = heads
        self.modulation_offset = nn.Parameter(torch.zeros(6, width))
        self.to_qkv = nn.Linear(width, 3 * width)
        self.norm_query = HeadNorm(width // heads, eps=1e-6)
        self.norm_key = HeadNorm(width // heads, eps=1e-6)
        self.to_out = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def modulation(self, modulation: Tensor, clip_of: Tensor) -> list[Tensor]:
        """The six rows, each (n, D), that a stream makes of its block's modulation (B, m, D)."""
        return for_tokens(modulation + self.modulation_offset, clip_of)

    def query_key_value(self, x: Tensor, rows: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Of tokens x (n, D), each (n, heads, d)."""
        qkv = self.to_qkv(modulate(x, rows[0], rows[1])).unflatten(-1, (3, self.heads, -1))
        query, key, value = qkv.unbind(1)
        return self.norm_query(query), self.norm_key(key), value

    def finish(self, x: Tensor, mixed: Tensor, rows: list[Tensor]) -> Tensor:
        """Add what attention (n, D) and the feed-forward network say to tokens x (n, D)."""
        x = torch.addcmul(x, rows[2], self.to_out(mixed))
        return torch.addcmul(x, rows[5], self.feed_forward(modulate(x, rows[3], rows[4])))


class SwinBlock(nn.Module):
    """Attention of video and text inside windows, then a feed-forward network for each."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, separate: bool):
        super().__init__()
        self.video = Stream(width, heads, mlp_ratio)
        self.text = Stream(width, heads, mlp_ratio) if separate else None

    def forward(
        self, video: Tensor, text: Tensor, modulation: Tensor, layout: Layout, backend: str
    ) -> tuple[Tensor, Tensor]:
        """Transform video (n, D) and text (M, D) by modulation (B, m, D)."""
        of_video, of_text, packing = self.video, self.text or self.video, layout.packing
        video_rows = of_video.modulation(modulation, layout.video_of)
        text_rows = of_text.modulation(modulation, layout.text_of)
        query, key, value = of_video.query_key_value(video, video_rows)
        query, key = rotate(query, layout.turns), rotate(key, layout.turns)
        both = zip((query, key, value), of_text.query_key_value(text, text_rows), strict=True)
        packed = [torch.cat([v, t])[packing.rows] for v, t in both]  # (N, heads, d)
        mixed = attend(*packed, packing.lengths, backend).flatten(1)  # (N, D)
        read = torch.segment_reduce(mixed[packing.text_places], "mean", lengths=packing.copies)  # (M, D)
        return (
            of_video.finish(video, mixed[packing.video_places], video_rows),
            of_text.finish(text, read, text_rows),
        )
