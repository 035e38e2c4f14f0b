"""Wan 2.1's transformer in the place of the kit's own: a pretrained base that becomes a super-resolution network.

    noisy latents ──────────┐
    the input's ── zeros ───┼── patch embedding ── Wan's blocks ── velocity
    noise level ── zeros ───┘

What Wan does not know comes in as further channels of its patch embedding, whose weights start at zero, so that the
widened network begins as the one it was made of: latents of an input, as everywhere in the kit, and each micro
condition as a channel that is the same everywhere (a noise level map; FFDNet, Zhang et al. 2018, section III-B).

Wan (Wan team 2025, section 4) reads times from 0 to 1000 and texts that are filled up to 512 tokens with zeros; it
predicts the velocity noise - x_0.

Legend: B batch, c latent channels, t h w latent size, L text tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import torch
import torch.nn.functional as F
from diffusers import ModelMixin, WanTransformer3DModel  # noqa: F401 (ModelMixin: diffusers' loader asks for it)
from diffusers.configuration_utils import register_to_config
from torch import Tensor

from cvsr.diffusion.flow import VelocityPreconditioner
from cvsr.models.embeddings import check_micro_conditions
from cvsr.models.transformer import VideoTransformerOutput, check_inputs

OF_WAN = (  # what a network takes over from Wan's config as it is
    "out_channels",
    "patch_size",
    "num_attention_heads",
    "attention_head_dim",
    "ffn_dim",
    "num_layers",
    "freq_dim",
    "cross_attn_norm",
    "qk_norm",
    "eps",
    "rope_max_seq_len",
)


class WanVideoTransformer(WanTransformer3DModel):
    """A `WanTransformer3DModel` that is called as a `VideoTransformer` is.

    Args:
        in_channels: channels of the input, conditions concatenated by channel included, micro conditions not.
        out_channels: channels of the output.
        text_width: channels of the text encoder's states.
        micro_conditions: names of the numbers in [0, 1] that the network is given beside the time.
        text_length: tokens that a shorter text is filled up to.
        others: as for `WanTransformer3DModel`; those of Wan 2.1's small model are the default.
    """

    preconditioner = VelocityPreconditioner()  # what its output means
    ignore_for_config = ["text_dim", "image_dim", "added_kv_proj_dim", "pos_embed_seq_len"]  # settled

    _cp_plan = {  # of diffusers' context parallelism; the last entry is for Wan 2.2's times of every token
        name: plan for name, plan in WanTransformer3DModel._cp_plan.items() if name
    }

    @register_to_config
    def __init__(
        self,
        in_channels: int = 16,
        out_channels: int = 16,
        text_width: int = 4096,
        micro_conditions: Sequence[str] = (),
        text_length: int = 512,
        patch_size: Sequence[int] = (1, 2, 2),
        num_attention_heads: int = 12,
        attention_head_dim: int = 128,
        ffn_dim: int = 8960,
        num_layers: int = 30,
        freq_dim: int = 256,
        cross_attn_norm: bool = True,
        qk_norm: str | None = "rms_norm_across_heads",
        eps: float = 1e-6,
        rope_max_seq_len: int = 1024,
    ):
        super().__init__(
            patch_size=tuple(patch_size),
            num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim,
            in_channels=in_channels + len(micro_conditions),
            out_channels=out_channels,
            text_dim=text_width,
            freq_dim=freq_dim,
            ffn_dim=ffn_dim,
            num_layers=num_layers,
            cross_attn_norm=cross_attn_norm,
            qk_norm=qk_norm,
            eps=eps,
            rope_max_seq_len=rope_max_seq_len,
        )
        self.register_to_config(in_channels=in_channels)  # in place of the parent's

    @classmethod
    def from_wan(
        cls, wan: WanTransformer3DModel, in_channels: int | None = None, micro_conditions: Sequence[str] = ()
    ) -> Self:
        """What `wan` is, with more channels: whatever they hold, it says what `wan` says. They share their weights.

        Args:
            wan: a text-to-video model.
            in_channels: with the conditions', at least `wan`'s own, the default.
            micro_conditions: see the class.

        Raises:
            ValueError: fewer channels, or a model that reads pictures beside the text.
        """
        own, channels = wan.config, in_channels or wan.config.in_channels
        weights = wan.state_dict()
        narrow = weights["patch_embedding.weight"]  # (width, channels, *patch)
        if channels < own.in_channels:
            raise ValueError(
                f"in_channels={channels}: fewer than Wan's own; allowed from {own.in_channels}; try"
                f" {own.in_channels + own.out_channels}"
            )
        if own.get("added_kv_proj_dim") is not None or narrow.shape[1] != own.in_channels:
            raise ValueError(
                "wan: a model that reads more than text, pictures or micro conditions; allowed text-to-video models;"
                " try Wan2.1-T2V-1.3B"
            )
        kept = {name: own[name] for name in own if name in OF_WAN}
        text_width = wan.condition_embedder.text_embedder.linear_1.in_features
        with torch.device("meta"):  # the weights are wan's
            wide = cls(in_channels=channels, text_width=text_width, micro_conditions=list(micro_conditions), **kept)
        wide.rope = wan.rope  # its tables are no weights
        missing = channels + len(micro_conditions) - narrow.shape[1]
        weights["patch_embedding.weight"] = F.pad(narrow, (0, 0) * 3 + (0, missing))
        wide.load_state_dict(weights, assign=True)
        return wide.train(wan.training)

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor | None = None,
        micro_conditions: Mapping[str, Tensor] | None = None,
    ) -> VideoTransformerOutput:
        """Run the network; arguments, sizes and errors are those of `VideoTransformer.forward`.

        Where the mask (B, L) is False, the text is zeros, as Wan's own padding; a text that is masked whole is zeros.
        """
        config, (frames, height, width) = self.config, hidden_states.shape[2:]
        check_inputs(config, hidden_states, timestep, encoder_hidden_states)
        levels = check_micro_conditions(config.micro_conditions, micro_conditions, len(timestep))
        maps = [level.to(hidden_states).view(-1, 1, 1, 1, 1).expand_as(hidden_states[:, :1]) for level in levels]
        whole = [-side % patch for side, patch in zip((width, height, frames), config.patch_size[::-1], strict=True)]
        padding = (0, whole[0], 0, whole[1], 0, whole[2])
        x = F.pad(torch.cat([hidden_states, *maps], dim=1), padding, mode="replicate")
        text = encoder_hidden_states
        if encoder_attention_mask is not None:
            text = text * encoder_attention_mask[..., None].to(text)
        text = F.pad(text, (0, 0, 0, max(0, config.text_length - text.shape[1])))
        sample = super().forward(x, 1000 * timestep, text).sample
        return VideoTransformerOutput(sample=sample[:, :, :frames, :height, :width])
