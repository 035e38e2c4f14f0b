"""PatchVSR's transformer: a network made for whole clips, adapted to draw patches of larger ones (section 3.2).

    text ────────────────────────┬──────────────────────────────────────────────┐
    noise and input of the patch ┼── base, by LoRA ── every block: … + feature, reading text + context ── output
    input of the patch ──────────┼── patch branch, under a fixed prompt ── features ┘              │
    whole clip, mask ────────────┴── global branch, a quarter of the tokens ── context ────────────┘

The base is a `VideoTransformer` with its weights as they are. Its blocks have low-rank additions (LoRA, Hu et al. 2021,
through PEFT). What the patch branch makes of the patch is added at the end of every block; where a block reads its
text, it reads the whole clip with the same query (as IP-Adapter reads pictures, Ye et al. 2023, section 3.2.2). All
that is new ends in weights that start at 0, so that the network begins as its base. The paper's base makes videos from
text; the kit's enlarges them, and is given the patch's input by channel as well.

Legend: B batch, c channels of latents, t h w latent size, T frames and S tokens a frame, G tokens of the whole clip,
D width, m rows of modulation in a block.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from diffusers import ModelMixin  # noqa: F401 (diffusers' loader asks for it in a part's own module)
from diffusers.configuration_utils import register_to_config
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn

from cvsr.models.attention import Mix, attention
from cvsr.models.patch_adapter import BlockAdapter, Branch, check_context, place_mask, silence
from cvsr.models.patches import patchify
from cvsr.models.transformer import VideoTransformer, VideoTransformerOutput, check_inputs

CROP = ("crop_top", "crop_left")  # micro conditions that the network reads off a patch's place by itself
OF_BASE = ("noise_level",)  # those that the base knows
SETTLED = ["frame_positions", "temporal_unit", "window", "block", "top_k"]  # the parent's: no choice here
LORA_TARGETS = (
    r"blocks\.\d+\.(self_attentions\.\d+\.(to_qkv|to_out)|cross_attention\.(to_query|to_key_value|to_out)"
    r"|feed_forward\.[02])"
)


class PatchTransformer(VideoTransformer):
    """Maps noisy latents and the input's, of a patch, to an output of their size, knowing the whole clip.

    Only what is new is trained: the base's own weights are frozen.

    Args:
        in_channels: twice `out_channels`, the noisy latents and those of the patch's input.
        out_channels, patch_size, width, depth, heads, mlp_ratio, text_width, attention: the base's, see
            `VideoTransformer`.
        micro_conditions: names of the numbers that the network is given beside the time. Those of `CROP` it takes from
            the patch's place; without them it is not told the place at all, and sees no mask (table 2).
        sample_size: height and width in latents of the patches that it was made for, and of the whole clip as it sees
            it; frames that are smaller are one patch.
        patch_depth: blocks of the patch branch; each serves as many blocks of the base.
        global_depth: blocks of the global branch; 0 leaves it out (table 2).
        lora_rank: rank of the additions to the base; 0 leaves it as it is (table 2).
        fixed_prompt: whether the patch branch reads a prompt that is the same for all clips, learnt here, in place of
            the text, which tells of more than the patch shows (table 2).
    """

    ignore_for_config = SETTLED

    @register_to_config
    def __init__(
        self,
        in_channels: int = 96,
        out_channels: int = 48,
        patch_size: Sequence[int] = (1, 1, 1),
        width: int = 192,
        depth: int = 6,
        heads: int = 6,
        mlp_ratio: float = 4.0,
        text_width: int = 128,
        micro_conditions: Sequence[str] = ("noise_level", "scale", *CROP),
        attention: str = "full",
        sample_size: int = 16,
        patch_depth: int = 2,
        global_depth: int = 1,
        lora_rank: int = 8,
        fixed_prompt: bool = True,
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
            attention=attention,
        )
        self.requires_grad_(False)
        if lora_rank:
            lora = LoraConfig(r=lora_rank, lora_alpha=lora_rank, target_modules=LORA_TARGETS)
            inject_adapter_in_model(lora, self)
        sizes = (width, heads, mlp_ratio, len(self.scheme.pattern))
        coarse = (patch_size[0], *(2 * side for side in patch_size[1:]))  # a quarter of the tokens
        self.patch_branch = Branch(out_channels, patch_size, patch_depth, *sizes)
        self.global_branch = Branch(out_channels + 1, coarse, global_depth, *sizes) if global_depth else None
        self.context_norm = nn.LayerNorm(width) if global_depth else None
        self.adapters = nn.ModuleList(BlockAdapter(width, heads, global_depth > 0) for _ in range(depth))
        self.prompt = nn.Parameter(torch.randn(1, 1, width)) if fixed_prompt else None
        for name in set(micro_conditions) - set(OF_BASE):
            embedding = self.condition_embedding.micro[name].requires_grad_(True)
            silence(embedding.linear_2)

    @torch.no_grad()
    def begin_as(self, base: VideoTransformer) -> None:
        """Take over the weights of a base, and those of its blocks, at equal intervals, for the branches (section 4.1).

        Raises:
            RuntimeError: a base of other sizes, or with weights that have no place here.
        """
        self.load_state_dict(self.state_dict() | self.weights_of(base))
        for branch in filter(None, (self.patch_branch, self.global_branch)):
            for index, block in enumerate(branch.blocks):
                block.load_state_dict(base.blocks[index * len(base.blocks) // len(branch.blocks)].state_dict())
        if self.prompt is not None:
            self.prompt.copy_(base.text_embedding.null_token)

    def weights_of(self, base: VideoTransformer) -> dict[str, Tensor]:
        """The weights of a base by their names here, where LoRA has moved some of them."""
        own, known = self.state_dict(), base.state_dict()
        for name in list(known):
            module, _, leaf = name.rpartition(".")
            if (adapted := f"{module}.base_layer.{leaf}") in own:
                known[adapted] = known.pop(name)
        return known

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        encoder_attention_mask: Tensor | None = None,
        micro_conditions: Mapping[str, Tensor] | None = None,
        whole: Tensor | None = None,
        place: Tensor | None = None,
    ) -> VideoTransformerOutput:
        """As `VideoTransformer.forward`, without the micro conditions of `CROP`. Beside the other arguments there are

        whole: latents (B, c, t, h', w') of the whole clip's input, reduced to about a patch's size. None: the patch is
            the whole.
        place: (B, 4), top, left, bottom and right edge of the patch, as shares of the clip's height and width. None:
            all of it.

        ValueError for an argument of another shape, range or name.
        """
        check_inputs(self.config, hidden_states, timestep, encoder_hidden_states)
        low = hidden_states[:, -self.config.out_channels :]  # (B, c, t, h, w)
        whole = low if whole is None else whole
        everything = low.new_tensor([0.0, 0.0, 1.0, 1.0]).expand(len(low), 4)
        place = everything if place is None else place
        check_context(low, whole, place)
        located = set(CROP) <= set(self.config.micro_conditions)
        corner = {"crop_top": place[:, 0], "crop_left": place[:, 1]} if located else {}
        levels = dict(micro_conditions or {}) | corner
        embedding = self.condition_embedding(timestep, levels)  # (B, D)
        text, mask = self.text_embedding(encoder_hidden_states, encoder_attention_mask)
        told = (text, partial(attention, mask=mask))
        condition, modulation = self.modulation(embedding, text, mask)

        features = self._patch_features(low, told, embedding, modulation)
        context = None
        if self.global_branch is not None:
            marked = place_mask(place if located else everything, whole)
            seen = self._run_branch(self.global_branch, torch.cat([whole, marked], dim=1), *told, modulation)
            context = self.context_norm(seen[-1].flatten(1, 2))  # (B, G, D)

        x, layouts = self.embed(hidden_states)
        for index, (block, adapter) in enumerate(zip(self.blocks, self.adapters, strict=True)):
            feature = features[index * len(features) // len(self.blocks)]
            x = self.run_block(adapter, block, x, *told, modulation, layouts[index % 2], feature, context)
        return VideoTransformerOutput(sample=self.to_latents(x, condition, hidden_states.shape[2:]))

    def _patch_features(
        self, low: Tensor, told: tuple[Tensor, Mix], embedding: Tensor, modulation: Tensor
    ) -> list[Tensor]:
        """What each block of the patch branch makes of latents (B, c, t, h, w); the prompt is fixed if it shall."""
        if self.prompt is not None:
            prompt = self.prompt.expand(len(low), -1, -1)
            _, modulation = self.modulation(embedding, prompt, prompt.new_ones(prompt.shape[:2], dtype=torch.bool))
            told = (prompt, attention)
        return self._run_branch(self.patch_branch, low, *told, modulation)

    def _run_branch(
        self, branch: "Branch", video: Tensor, text: Tensor, reading: Mix, modulation: Tensor
    ) -> list[Tensor]:
        """Tokens (B, T, S, D) after each block, of latents (B, …, t, h, w)."""
        x = branch.embedding(patchify(video, branch.patch_size))  # (B, T, Y, X, D)
        layouts, x = self.layouts(x.shape[1:4], x.device), x.flatten(2, 3)
        seen = []
        for index, block in enumerate(branch.blocks):
            x = self.run_block(block, x, text, reading, modulation, layouts[index % 2])
            seen.append(x)
        return seen
