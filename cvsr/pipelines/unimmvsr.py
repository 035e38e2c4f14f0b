"""UniMMVSR's super-resolution: the common pipeline, with references shown to the network beside the input."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cvsr.models.autoencoder import encode_to_latents
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.output import VideoPipelineOutput
from cvsr.pipelines.references import check_references, encode_references
from cvsr.pipelines.streaming import Chunk
from cvsr.pipelines.super_resolution import Show, Shown, SuperResolutionPipeline
from cvsr.presets import UNIMMVSR_SAMPLING


@dataclass(frozen=True)
class ReferenceEnlargement(Enlargement):
    """Settings of super-resolution with references.

    Args:
        references: ID images (3, H, W) and reference videos (3, T, H, W) in [-1, 1], any number of any size, for all
            videos of a batch; see `cvsr.pipelines.references`.
        others: as for `Enlargement`.

    Raises:
        ValueError: one that is neither, or has no pixels.
    """

    references: Sequence[Tensor] = ()

    def __post_init__(self):
        super().__post_init__()
        check_references(self.references)


class UniMMVSRPipeline(SuperResolutionPipeline):
    """The paper samples in 50 steps of PNDM, with guidance 3 by text and 1 by reference (section 4.1.1)."""

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
        references = getattr(settings, "references", ())  # plain settings have none
        sizes = settings.size(chunk.video), settings.canvas(chunk.video)
        latents = encode_references(references, partial(encode_to_latents, self.autoencoder), chunk, *sizes)
        return lambda tile: Shown(plain(tile).low, latents(tile))

    def told(self, shown: Shown, text: Tensor, mask: Tensor) -> dict[str, Any]:
        """What `predict` is told of the text, and of the references: all of them for every video of the batch."""
        return super().told(shown, text, mask) | {"references": [shown.references] * len(text)}

    def predict(self, x: Tensor, t: Tensor, text: Tensor, mask: Tensor, references: list, **levels: Tensor) -> Tensor:
        """The transformer's output, in float32."""
        dtype = self.transformer.dtype
        read = [[latents.to(dtype) for latents in row] for row in references]
        return self.transformer(x.to(dtype), t, text.to(dtype), mask, levels, read).sample.float()
