"""A diffusion transformer (DiT) for video latents.

Each block runs one or two self-attentions, cross-attention to the text and a feed-forward network,
in the order of UniMMVSR's base model (appendix A.1: spatial self-attention, cross-attention, temporal or 3D
self-attention, feed-forward). Time and micro conditions modulate the blocks by adaLN-single (PixArt-α, Chen
et al. 2023, section 2.3): one shared MLP gives shifts, scales and gates for all blocks, each block adds a
learnt offset.

Legend: B batch, C channels, t h w latent size, T Y X the same in tokens (patches), S = Y·X tokens a frame,
D width, d channels of a head, L text tokens, m = 3 · (self-attentions + 1) rows of modulation in a block.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils import BaseOutput
from torch import Tensor, nn

from cvsr.diffusion.flow import CleanPreconditioner
from cvsr.models.attention import CrossAttention, Mix, SelfAttention, attention
from cvsr.models.embeddings import ConditionEmbedding, PlaceEmbedding, PooledText, TextEmbedding
from cvsr.models.patches import patchify, unpatchify
from cvsr.models.rope import grid_coordinates, rotation
from cvsr.models.scopes import PATTERNS, AttentionScheme, Layout


@dataclass
class VideoTransformerOutput(BaseOutput):
    """sample: the network's output (B, out_channels, t, h, w)."""

    sample: Tensor


class VideoTransformer(ModelMixin, ConfigMixin):
    """Maps noisy latents, a time and a text to an output of the same size; a fresh network returns exactly 0.

    Args:
        in_channels: channels of the input, conditions concatenated by channel included.
        out_channels: channels of the output.
        patch_size: latent positions in one token along (time, height, width).
        width: channels of a token; a multiple of `heads`, with an even number of at least 6 channels a head.
        depth: number of blocks.
        heads: attention heads.
        mlp_ratio: hidden width of the feed-forward network over `width`.
        text_width: channels of the text encoder's states.
        micro_conditions: names of the numbers in [0, 1] that the network is given beside the time.
        attention: "full" (3D), "swin" or "sparse" in its place, "factorised" (spatial, then temporal) or
            "spatial+full"; with the numbers of the last four arguments, see `cvsr.models.scopes.AttentionScheme`.
        frame_positions: whether a token knows its place in the frame, and not only its distance from others. A
            small base model needs to, in order to compose a picture; super-resolution by tiles must not.
    """

    _supports_gradient_checkpointing = True
    preconditioner = CleanPreconditioner()  # what its output means

    @register_to_config
    def __init__(
        self,
        in_channels: int = 48,
        out_channels: int = 48,
        patch_size: Sequence[int] = (1, 2, 2),
        width: int = 192,
        depth: int = 8,
        heads: int = 6,
        mlp_ratio: float = 4.0,
        text_width: int = 128,
        micro_conditions: Sequence[str] = (),
        attention: str = "full",
        frame_positions: bool = False,
        temporal_unit: int | None = None,
        window: Sequence[int] = (5, 8, 8),
        block: Sequence[int] = (12, 9),
        top_k: int = 1,
    ):
        super().__init__()
        self.scheme = AttentionScheme(attention, temporal_unit, window, block, top_k)
        if width % heads or (width // heads) % 2 or width // heads < 6:
            raise ValueError(
                f"width={width}, heads={heads}: bad channels a head; allowed an even number of at least 6; "
                f"try width={32 * heads}"
            )
        self.gradient_checkpointing = False
        patch_volume = math.prod(patch_size)
        parts = len(self.scheme.pattern)
        self.patch_embedding = nn.Linear(in_channels * patch_volume, width)
        self.text_embedding = TextEmbedding(text_width, width)
        self.pooled_text = PooledText(width)
        self.condition_embedding = ConditionEmbedding(width, micro_conditions)
        self.to_modulation = nn.Linear(width, 3 * (parts + 1) * width)
        self.blocks = nn.ModuleList(self.build_block(width, heads, mlp_ratio, parts) for _ in range(depth))
        self.to_final_modulation = nn.Linear(width, 2 * width)
        self.to_sample = nn.Linear(width, out_channels * patch_volume)
        self.place_embedding = PlaceEmbedding(width) if frame_positions else None
        self._initialise()

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor | None = None,
        micro_conditions: Mapping[str, Tensor] | None = None,
    ) -> VideoTransformerOutput:
        """Run the network. Any size: what is no multiple of the patch is padded inside and cropped again.

        Args:
            hidden_states: (B, in_channels, t, h, w).
            timestep: (B,) in [0, 1], 0 = data and 1 = noise.
            encoder_hidden_states: (B, L, text_width).
            encoder_attention_mask: (B, L) bool, True = token; all False drops the text, None reads all of it.
            micro_conditions: (B,) in [0, 1] for exactly the configured names.

        Raises:
            ValueError: an argument of another shape, range or name than above.
        """
        check_inputs(self.config, hidden_states, timestep, encoder_hidden_states)
        x, layouts = self.embed(hidden_states)
        x, condition = self.run_blocks(
            x, layouts, timestep, encoder_hidden_states, encoder_attention_mask, micro_conditions
        )
        return VideoTransformerOutput(sample=self.to_latents(x, condition, hidden_states.shape[2:]))

    def run_blocks(
        self,
        x: Tensor,
        layouts: tuple[Layout, Layout],
        timestep: Tensor,
        text: Tensor,
        mask: Tensor | None,
        micro_conditions: Mapping[str, Tensor] | None,
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, S, D) after all blocks, and the condition (B, D) of time, levels and text."""
        text, mask = self.text_embedding(text, mask)
        condition, modulation = self.modulation(self.condition_embedding(timestep, micro_conditions), text, mask)
        reading = partial(attention, mask=mask)
        for index, block in enumerate(self.blocks):
            x = self.run_block(block, x, text, reading, modulation, layouts[index % 2])
        return x, condition

    def modulation(self, embedding: Tensor, text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The condition (B, D) and its modulation (B, m, D), of the embedding (B, D) of time and levels and a text."""
        condition = F.silu(embedding + self.pooled_text(text, mask))
        return condition, self.to_modulation(condition).unflatten(-1, (-1, self.config.width))

    def embed(self, hidden_states: Tensor) -> tuple[Tensor, tuple[Layout, Layout]]:
        """Tokens (B, T, S, D) of latents (B, in_channels, t, h, w), and their layouts in even and in odd blocks."""
        x = self.patch_embedding(patchify(hidden_states, self.config.patch_size))  # (B, T, Y, X, D)
        layouts = self.layouts(x.shape[1:4], x.device)
        if self.place_embedding is not None:
            x = x + self.place_embedding(*x.shape[2:4])
        return x.flatten(2, 3), layouts

    def run_block(self, block: nn.Module, *arguments) -> Tensor:
        """`block(*arguments)`, with its activations computed anew in the backward pass if so wished."""
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return self._gradient_checkpointing_func(block, *arguments)
        return block(*arguments)

    def to_latents(self, x: Tensor, condition: Tensor, size: Sequence[int]) -> Tensor:
        """The output (B, out_channels, t, h, w) of tokens x (B, T, S, D) and a condition (B, D), for size (t, h, w)."""
        shift, scale = self.to_final_modulation(condition)[:, None, None].chunk(2, dim=-1)  # (B, 1, 1, D)
        height = -(-size[1] // self.config.patch_size[1])
        x = self.to_sample(modulate(x, shift, scale)).unflatten(2, (height, -1))  # (B, T, Y, X, patch)
        return unpatchify(x, self.config.patch_size, size)

    def build_block(self, width: int, heads: int, mlp_ratio: float, parts: int) -> "TransformerBlock":
        """A block with `parts` self-attentions."""
        return TransformerBlock(width, heads, mlp_ratio, parts)

    def use_attention(self, **changes: str | int | Sequence[int] | None) -> None:
        """Let the weights attend in another way, by the names of an `AttentionScheme`: none has weights of its own.

        Raises:
            ValueError: a scheme that cannot be, or with another number of self-attentions a block; any change of a
                network whose way of attending is settled.
        """
        if self.ignore_for_config:
            raise ValueError(f"{changes}: this network attends one way; allowed no changes; try a VideoTransformer")
        scheme = replace(self.scheme, **changes)
        if len(scheme.pattern) != len(self.scheme.pattern):
            alike = [name for name, pattern in PATTERNS.items() if len(pattern) == len(self.scheme.pattern)]
            raise ValueError(
                f"attention={scheme.attention!r}: {len(scheme.pattern)} self-attentions a block; allowed with these"
                f" weights {alike}; try {self.scheme.attention!r}"
            )
        self.scheme = scheme
        self.register_to_config(**asdict(scheme))

    def layouts(self, size: Sequence[int], device: torch.device) -> tuple[Layout, Layout]:
        """Of size (T, Y, X) tokens, in even and in odd blocks."""
        size = tuple(size)
        turns = rotation(grid_coordinates(*size, device=device), self.config.width // self.config.heads)
        turns = turns.flatten(1, 2)  # (T, S, d / 2)
        return tuple(Layout(self.scheme, size, turns, shifted) for shifted in (False, True))

    def _initialise(self) -> None:
        """Xavier weights, zero biases; branches and output start at zero (adaLN-Zero, Peebles & Xie 2023)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        placing = [self.place_embedding.to_embedding] if self.place_embedding is not None else []
        silent = (self.to_modulation, self.to_final_modulation, self.to_sample, self.pooled_text.projection)
        for layer in (*silent, *placing):
            nn.init.zeros_(layer.weight)
        for block in self.blocks:
            nn.init.zeros_(block.cross_attention.to_out.weight)


class TransformerBlock(nn.Module):
    """Self-attention(s), cross-attention to the text, feed-forward; modulated by adaLN-single."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, parts: int):
        super().__init__()
        hidden = int(mlp_ratio * width)
        self.modulation_offset = nn.Parameter(torch.zeros(3 * (parts + 1), width))
        self.self_attentions = nn.ModuleList(SelfAttention(width, heads) for _ in range(parts))
        self.norm_cross = nn.LayerNorm(width, eps=1e-6)
        self.cross_attention = CrossAttention(width, heads)
        self.feed_forward = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor, text: Tensor, reading: Mix, modulation: Tensor, layout: Layout) -> Tensor:
        """Transform x (B, T, S, D) by text (B, L, D), in the way of reading it, and modulation (B, m, D)."""
        rows = iter((modulation + self.modulation_offset)[:, :, None, None].unbind(1))  # each (B, 1, 1, D)
        for index, layer in enumerate(self.self_attentions):
            shift, scale, gate = next(rows), next(rows), next(rows)
            mixed = layout.attend(index, layer, modulate(x, shift, scale))
            x = torch.addcmul(x, gate, mixed)
            if index == 0:
                x = x + self.cross_attention(self.norm_cross(x).flatten(1, 2), text, reading).view_as(x)
        shift, scale, gate = next(rows), next(rows), next(rows)
        return torch.addcmul(x, gate, self.feed_forward(modulate(x, shift, scale)))


def check_inputs(config: Mapping, hidden_states: Tensor, timestep: Tensor, text: Tensor) -> None:
    """ValueError unless the three fit each other and a network of this config; see `VideoTransformer.forward`."""
    if not isinstance(hidden_states, Tensor):
        raise ValueError(
            f"hidden_states={type(hidden_states).__name__}: clips of different sizes; allowed a tensor"
            " (B, channels, t, h, w) of clips of one size; try a network that packs them, such as SwinMMDiT"
        )
    if hidden_states.ndim != 5 or hidden_states.shape[1] != config["in_channels"]:
        raise ValueError(
            f"hidden_states={tuple(hidden_states.shape)}: wrong shape; "
            f"allowed (B, {config['in_channels']}, t, h, w); try concatenating the conditions"
        )
    if timestep.shape != hidden_states.shape[:1]:
        raise ValueError(
            f"timestep={tuple(timestep.shape)}: wrong shape; allowed ({len(hidden_states)},); "
            f"try timestep.expand({len(hidden_states)})"
        )
    if text.ndim != 3 or text.shape[::2] != (len(hidden_states), config["text_width"]):
        raise ValueError(
            f"encoder_hidden_states={tuple(text.shape)}: wrong shape; "
            f"allowed ({len(hidden_states)}, L, {config['text_width']}); try this model's text encoder"
        )


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without weights, then (1 + scale) · x + shift."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=1e-6), 1 + scale)
