"""UniMMVSR's ablation "full channel-concat": references, too, come as channels of the target (section 4.4, table 2).

    tokens = W_noisy · noisy + W_input · input + W_1 · reference 1 + … + W_n · reference n        place by place

The number of tokens is the target's own, whatever is shown, so that this is the cheapest design. But a channel needs a
value at every place and in every frame: there are so many references at most, and a picture of another size has to be
laid out somehow. The paper says no more of it than the name. Here, latents are never resized (its footnote 1: they do
not bear it): an ID image lies in the middle of every frame at its own scale, cut off or with zeros around it, and a
reference video likewise, frame by frame; one that has ended stands still. What lies elsewhere than its object,
attention among the target's tokens has to carry there.

Legend: B samples, c channels of a reference, n references, t h w the target's latent size.
"""

from collections.abc import Mapping, Sequence
from math import prod

import torch
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from cvsr.models.hybrid_transformer import SETTLED, check_references
from cvsr.models.patches import patchify
from cvsr.models.transformer import VideoTransformer, VideoTransformerOutput, check_inputs


class ChannelTransformer(VideoTransformer):
    """A `VideoTransformer` with "spatial+full" attention whose tokens hold the references.

    A fresh network does not read them: what it has learnt without references it still does with them.

    Args:
        in_channels: channels of the target's input, conditions concatenated by channel included, but for references.
        out_channels: channels of the output.
        reference_channels: of a reference's latents.
        most_references: that a sample may have; there are channels for so many.
        patch_size, width, depth, heads, mlp_ratio, text_width, micro_conditions: as for `VideoTransformer`.
    """

    ignore_for_config = SETTLED

    @register_to_config
    def __init__(
        self,
        in_channels: int = 96,
        out_channels: int = 48,
        reference_channels: int = 48,
        most_references: int = 4,
        patch_size: Sequence[int] = (1, 1, 1),
        width: int = 192,
        depth: int = 6,
        heads: int = 6,
        mlp_ratio: float = 4.0,
        text_width: int = 128,
        micro_conditions: Sequence[str] = (),
    ):
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            patch_size=patch_size,
            width=width,
            depth=depth,
            heads=heads,
            mlp_ratio=mlp_ratio,
            text_width=text_width,
            micro_conditions=micro_conditions,
            attention="spatial+full",
        )
        channels = most_references * reference_channels * prod(patch_size)
        self.reference_embedding = nn.Linear(channels, width, bias=False)  # more columns of the patch embedding
        nn.init.zeros_(self.reference_embedding.weight)

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor | None = None,
        micro_conditions: Mapping[str, Tensor] | None = None,
        references: Sequence[Sequence[Tensor]] | None = None,
    ) -> VideoTransformerOutput:
        """Run the network, with the arguments of `HybridTransformer.forward`; ValueError for too many references."""
        check_inputs(self.config, hidden_states, timestep, encoder_hidden_states)
        references = [()] * len(hidden_states) if references is None else references
        check_references(references, len(hidden_states), self.config.reference_channels)
        laid = torch.stack([self._lay_out(row, hidden_states[0]) for row in references])  # (B, n·c, t, h, w)
        x, layouts = self.embed(hidden_states)
        x = x + self.reference_embedding(patchify(laid, self.config.patch_size)).flatten(2, 3)  # (B, T, S, D)
        x, condition = self.run_blocks(
            x, layouts, timestep, encoder_hidden_states, encoder_attention_mask, micro_conditions
        )
        return VideoTransformerOutput(sample=self.to_latents(x, condition, hidden_states.shape[2:]))

    def _lay_out(self, references: Sequence[Tensor], target: Tensor) -> Tensor:
        """The references (c, t', h', w') of a sample as channels (n·c, t, h, w) of its target (channels, t, h, w)."""
        most, channels = self.config.most_references, self.config.reference_channels
        if len(references) > most:
            raise ValueError(
                f"references: {len(references)} of one sample; allowed {most}, each has channels of its own; try fewer,"
                " or a network that takes them as tokens"
            )
        frames, *sides = target.shape[1:]
        canvas = target.new_zeros(most, channels, frames, *sides)
        for place, latents in zip(canvas, references, strict=False):
            shown = latents[:, torch.arange(frames).clamp(max=latents.shape[1] - 1)]  # (c, t, h', w')
            windows = [_middles(side, own) for side, own in zip(sides, latents.shape[2:], strict=True)]
            (rows, own_rows), (columns, own_columns) = windows
            place[..., rows, columns] = shown[..., own_rows, own_columns]
        return canvas.flatten(0, 1)


def _middles(side: int, other: int) -> tuple[slice, slice]:
    """The middles of two sides, as long as the shorter one."""
    count = min(side, other)
    return tuple(slice((length - count) // 2, (length - count) // 2 + count) for length in (side, other))
