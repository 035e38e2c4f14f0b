"""UniMMVSR's transformer: the low-resolution video comes by channel, ID images and reference videos come as tokens.

What lies on the target pixel by pixel, its noise and the enlarged input, shares the target's tokens. Any number of
references, of any sizes and lengths, follow the target in one sequence (section 3.2):

    2D self-attention     every frame for itself, of the target and of each reference
    cross-attention       every token to the text
    3D self-attention     target and references of one sample, all to all
    feed-forward          every token
    output                the target's tokens; those of the references are cut off

The blocks and their weights are those of `VideoTransformer` with "spatial+full" attention: without references both
compute the same. Tokens of all samples stand in one row, so that a batch may mix samples with many, few and no
references.

Legend: B samples, c channels of a reference, N tokens of all samples, M text tokens of all samples, D width, d channels
of a head, m = 9 rows of modulation a block.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import torch
from diffusers import ModelMixin  # noqa: F401 (diffusers' loader asks for it in a part's own module)
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from cvsr.models.attention import Lengths, attend
from cvsr.models.patches import patchify
from cvsr.models.rope import grid_coordinates, rotation
from cvsr.models.swin_mmdit import for_tokens
from cvsr.models.transformer import (
    TransformerBlock,
    VideoTransformer,
    VideoTransformerOutput,
    check_inputs,
    modulate,
)

POSITIONS = ("separated", "shared")
SETTLED = ["attention", "frame_positions", "temporal_unit", "window", "block", "top_k"]  # the parent's: no choice here


class HybridTransformer(VideoTransformer):
    """Maps noisy latents, a time, a text and references to an output of the latents' size.

    Args:
        in_channels: channels of the target's input, conditions concatenated by channel included.
        out_channels: channels of the output.
        reference_channels: of a reference's latents.
        patch_size, width, depth, heads, mlp_ratio, text_width, micro_conditions: as for `VideoTransformer`.
        positions: "separated", where a reference's rotary positions in time follow on from those before it (the target
            has 0 … f-1), or "shared", where each begins at 0 again, on top of the target; section 3.2, table 2.

    Raises:
        ValueError: unknown positions.
    """

    ignore_for_config = SETTLED

    @register_to_config
    def __init__(
        self,
        in_channels: int = 96,
        out_channels: int = 48,
        reference_channels: int = 48,
        patch_size: Sequence[int] = (1, 1, 1),
        width: int = 192,
        depth: int = 6,
        heads: int = 6,
        mlp_ratio: float = 4.0,
        text_width: int = 128,
        micro_conditions: Sequence[str] = (),
        positions: str = "separated",
    ):
        if positions not in POSITIONS:
            raise ValueError(f"positions={positions!r}: unknown; allowed {list(POSITIONS)}; try 'separated'")
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
        self.reference_embedding = nn.Linear(reference_channels * math.prod(patch_size), width)
        nn.init.xavier_uniform_(self.reference_embedding.weight)
        nn.init.zeros_(self.reference_embedding.bias)

    def build_block(self, *sizes) -> TransformerBlock:
        return HybridBlock(*sizes)

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor | None = None,
        micro_conditions: Mapping[str, Tensor] | None = None,
        references: Sequence[Sequence[Tensor]] | None = None,
    ) -> VideoTransformerOutput:
        """Run the network, with the arguments of `VideoTransformer.forward` and, beside them, references.

        These are, of each sample, any number of latents (c, t, h, w), each of a size of its own; an ID image has t = 1.
        None stands for no reference in any sample. ValueError for those of another shape.
        """
        check_inputs(self.config, hidden_states, timestep, encoder_hidden_states)
        references = [()] * len(hidden_states) if references is None else references
        check_references(references, len(hidden_states), self.config.reference_channels)
        patches = [
            [patchify(clip[None], self.config.patch_size)[0] for clip in clips]  # (T, Y, X, patch)
            for clips in self.clips(hidden_states, references)
        ]
        x = torch.cat([row for clips in patches for row in self._embed(clips)])  # (N, D)
        text, mask = self.text_embedding(encoder_hidden_states, encoder_attention_mask)
        condition, modulation = self.modulation(self.condition_embedding(timestep, micro_conditions), text, mask)
        layout = self._arrange(patches, tuple(mask.sum(1).tolist()))
        text = text[mask]  # (M, D)
        for block in self.blocks:
            x = self.run_block(block, x, text, modulation, layout)
        frames, *sides = patches[0][0].shape[:3]
        targets = torch.stack([rows[: frames * math.prod(sides)] for rows in x.split(layout.samples)])
        x = targets.unflatten(1, (frames, -1))  # (B, T, S, D)
        return VideoTransformerOutput(sample=self.to_latents(x, condition, hidden_states.shape[2:]))

    def clips(self, hidden_states: Tensor, references: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
        """What has tokens of its own in each sample, (channels, t, h, w) each: the target, then its references."""
        return [[target, *others] for target, others in zip(hidden_states, references, strict=True)]

    def starts(self, lengths: Sequence[int]) -> list[int]:
        """At which position in time each clip of a sample begins; `lengths` are their tokens along it."""
        if self.config.positions == "shared":
            return [0] * len(lengths)
        return [0, *accumulate(lengths[:-1])]

    def _embed(self, clips: list[Tensor]) -> list[Tensor]:
        """Tokens (n, D) of the target and of each reference, from their patches (T, Y, X, patch)."""
        target, *references = (clip.flatten(0, 2) for clip in clips)
        return [self.patch_embedding(target), *map(self.reference_embedding, references)]

    def _arrange(self, patches: list[list[Tensor]], text_lengths: Lengths) -> "HybridLayout":
        frames, samples, turns = [], [], []
        for clips in patches:
            for clip, start in zip(clips, self.starts([len(clip) for clip in clips]), strict=True):
                length, height, width = clip.shape[:3]
                frames += [height * width] * length
                places = grid_coordinates(length, height, width, device=clip.device).flatten(0, 2)
                places[:, 0] += start
                turns.append(rotation(places, self.config.width // self.config.heads))
            samples.append(sum(math.prod(clip.shape[:3]) for clip in clips))
        device = turns[0].device
        sample_of = torch.arange(len(samples), device=device)
        return HybridLayout(
            frames=tuple(frames),
            samples=tuple(samples),
            texts=text_lengths,
            turns=torch.cat(turns),
            sample_of=sample_of.repeat_interleave(torch.tensor(samples, device=device)),
        )


def check_references(references: Sequence[Sequence[Tensor]], samples: int, channels: int) -> None:
    """ValueError unless there is a row of latents (channels, t, h, w) for each sample."""
    if len(references) != samples:
        raise ValueError(
            f"references: rows for {len(references)} samples; allowed {samples}, one a sample; try [] for none"
        )
    for sample, row in enumerate(references):
        for index, latents in enumerate(row):
            if latents.ndim != 4 or len(latents) != channels or not latents.numel():
                raise ValueError(
                    f"references[{sample}][{index}]={tuple(latents.shape)}: wrong shape; allowed"
                    f" ({channels}, t, h, w); try the latents of an image, (c, 1, h, w), or of a video"
                )


@dataclass(frozen=True)
class HybridLayout:
    """Where the tokens of a batch stand: sample by sample, the target first, frame by frame.

    Attributes:
        frames: tokens of every frame of every clip.
        samples: tokens of every sample, references included.
        texts: text tokens of every sample.
        turns: (N, d / 2) rotary positions.
        sample_of: (N,) the sample that a token belongs to.
    """

    frames: Lengths
    samples: Lengths
    texts: Lengths
    turns: Tensor
    sample_of: Tensor


class HybridBlock(TransformerBlock):
    """A `TransformerBlock` with spatial and 3D attention, for tokens of many clips in one row."""

    def forward(self, x: Tensor, text: Tensor, modulation: Tensor, layout: HybridLayout) -> Tensor:
        """Transform x (N, D) by text (M, D) and modulation (B, m, D)."""
        rows = for_tokens(modulation + self.modulation_offset, layout.sample_of)  # m times (N, D)
        spatial, full = self.self_attentions
        inside = partial(_attend, lengths=layout.frames)
        x = torch.addcmul(x, rows[2], spatial(modulate(x, *rows[:2])[None], layout.turns, inside)[0])
        reading = partial(_attend, lengths=layout.samples, key_lengths=layout.texts)
        x = x + self.cross_attention(self.norm_cross(x)[None], text[None], mix=reading)[0]
        together = partial(_attend, lengths=layout.samples)
        x = torch.addcmul(x, rows[5], full(modulate(x, *rows[3:5])[None], layout.turns, together)[0])
        return torch.addcmul(x, rows[8], self.feed_forward(modulate(x, *rows[6:8])))


def _attend(
    query: Tensor, key: Tensor, value: Tensor, lengths: Lengths, key_lengths: Lengths | None = None
) -> Tensor:
    """Attention inside segments of one row of tokens (1, N, heads, d). Returns (1, N, D)."""
    return attend(query[0], key[0], value[0], lengths, key_lengths=key_lengths).flatten(1)[None]
