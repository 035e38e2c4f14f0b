"""UniMMVSR's super-resolution: the common pipeline, with references shown to the network beside the input."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cvsr.diffusion.reference_guidance import TextReferenceGuidance
from cvsr.models.autoencoder import encode_to_latents
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.fidelity import back_project
from cvsr.pipelines.output import VideoPipelineOutput
from cvsr.pipelines.references import check_references, encode_references
from cvsr.pipelines.streaming import Chunk
from cvsr.pipelines.super_resolution import Show, Shown, SuperResolutionPipeline
from cvsr.pipelines.tiling import Tiling
from cvsr.presets import UNIMMVSR_SAMPLING

SMALL = Tiling(pixels=128, frames=9, frame_overlap=1)  # as crops in training: among more tokens, references get lost


@dataclass(frozen=True)
class ReferenceEnlargement(Enlargement):
    """Settings of super-resolution with references.

    Args:
        references: ID images (3, H, W) and reference videos (3, T, H, W) in [-1, 1], any number of any size, for all
            videos of a batch; see `cvsr.pipelines.references`.
        reference_guidance: how much further than by themselves references pull the result, s_ref of equation 2; 0 =
            not at all, and one prediction a step less. `guidance_scale` is s_txt + 1.
        reference_stop: share of the steps after which they no longer do, N_ref of equation 3 over the steps.
        agreement: up to about which difference, of values in [-1, 1], a result with references is held to its input
            (`back_project`): what they change by more stays changed; inf leaves nothing of it.
        tiling: smaller than that of other systems.
        others: as for `Enlargement`.

    Raises:
        ValueError: a reference that is neither or has no pixels, or a number outside of what is said above.
    """

    tiling: Tiling = SMALL
    references: Sequence[Tensor] = ()
    reference_guidance: float = 0.0
    reference_stop: float = 0.3
    agreement: float = 0.05

    def __post_init__(self):
        super().__post_init__()
        check_references(self.references)
        if not self.agreement > 0:
            raise ValueError(f"agreement={self.agreement}: out of range; allowed above 0; try 0.05, or consistency=0")
        if not 0 <= self.reference_guidance < math.inf:
            raise ValueError(f"reference_guidance={self.reference_guidance}: out of range; allowed from 0; try 1.0")
        self.guider()

    def held(self, result: Tensor, video: Tensor) -> Tensor:
        """A result held to what the video shows, with references only where it nearly is that already."""
        return back_project(result, video, self.consistency, self.agreement if self.references else math.inf)

    def guider(self) -> TextReferenceGuidance:
        """How predictions with and without text and references are combined."""
        guider = TextReferenceGuidance(self.guidance_scale - 1, self.reference_guidance, self.reference_stop)
        return guider if self.references else guider.new(reference_scale=0.0)


class UniMMVSRPipeline(SuperResolutionPipeline):
    """The paper samples in 50 steps of PNDM, with guidance 3 by text and 1 by reference (section 4.1.1)."""

    settings = ReferenceEnlargement
    sampling = UNIMMVSR_SAMPLING

    @torch.no_grad()
    def __call__(
        self,
        video: Tensor,
        references: Sequence[Tensor] = (),
        output_type: str = "pt",
        return_dict: bool = True,
        **settings,
    ) -> VideoPipelineOutput | tuple:
        """Enlarge a video.

        Args:
            video: (B, 3, T, H, W) in [-1, 1], any size and length.
            references: ID images (3, H, W) and reference videos (3, T, H, W) in [-1, 1].
            output_type: "pt", "np" or, for a video of one tile, "latent"; see `VideoPipelineOutput`.
            return_dict: False for a plain tuple.
            settings: of a `ReferenceEnlargement`.

        Raises:
            ValueError: an argument outside of what is said here and there.
        """
        return self.run(video, ReferenceEnlargement(references=references, **settings), output_type, return_dict)

    def show(self, chunk: Chunk, settings: Enlargement) -> Show:
        """What the tiles of a chunk are drawn from: the latents of its enlarged frames, and of every reference."""
        plain = super().show(chunk, settings)
        references = settings.references if isinstance(settings, ReferenceEnlargement) else ()
        sizes = settings.size(chunk.video), settings.canvas(chunk.video)
        latents = encode_references(references, partial(encode_to_latents, self.autoencoder), chunk, *sizes)
        return lambda tile: Shown(plain(tile).low, latents(tile))

    def told(self, shown: Shown, text: Tensor, mask: Tensor) -> dict[str, Any]:
        """What `predict` is told: everything, everything but the text, everything but the references.

        All videos of a batch have the same references.
        """
        without = torch.zeros_like(mask)
        rows, none = [shown.references] * len(text), [[]] * len(text)
        return {"text": text, "mask": (mask, without, mask), "references": (rows, rows, none)}

    def predict(self, x: Tensor, t: Tensor, text: Tensor, mask: Tensor, references: list, **levels: Tensor) -> Tensor:
        """The transformer's output, in float32."""
        dtype = self.transformer.dtype
        read = [[latents.to(dtype) for latents in row] for row in references]
        return self.transformer(x.to(dtype), t, text.to(dtype), mask, levels, read).sample.float()
