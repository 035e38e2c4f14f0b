"""Large frames in tiles, exactly as in one go.

Each tile is computed with as much of its surroundings as its convolutions see (`VideoAutoencoder.reach`), and what
the surroundings only half know is cut off again, so that nothing has to be blended.
"""

import torch
from torch import Tensor

from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.models.streaming_causal import CausalDecoder, CausalEncoder
from cvsr.models.streaming_step import Step
from cvsr.models.windows import Span, axis_spans


class Tiles(Step):
    """A step for each tile of the frames, in a surrounding of `overlap` latent positions (by default the reach)."""

    def __init__(
        self,
        autoencoder: VideoAutoencoder,
        kind: type[CausalEncoder | CausalDecoder],
        tile: int,
        overlap: int | None = None,
    ):
        self.autoencoder, self.kind, self.tile = autoencoder, kind, tile
        self.overlap = kind.reach(autoencoder) if overlap is None else overlap
        self.first, self.group = kind.first, kind.group
        self.steps: dict[tuple[Span, Span], Step] = {}

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A piece of video or latents (B, …, h, w) to one of the other."""
        before, after, overlap = self.kind.before, self.kind.after, self.overlap
        sides = [side // before for side in piece.shape[-2:]]  # in latent positions
        rows, columns = (axis_spans(side, self.tile, shifted=False) for side in sides)
        bands = []
        for row in rows:
            band = []
            for column in columns:
                step = self.steps.setdefault((row, column), self.kind(self.autoencoder))
                around = [
                    slice(max(start - overlap, 0), min(stop + overlap, side))
                    for (start, stop), side in zip((row, column), sides, strict=True)
                ]
                inside = [
                    slice((start - seen.start) * after, (stop - seen.start) * after)
                    for (start, stop), seen in zip((row, column), around, strict=True)
                ]
                seen = [slice(place.start * before, place.stop * before) for place in around]
                band.append(step(piece[..., seen[0], seen[1]], begins)[..., inside[0], inside[1]])
            bands.append(torch.cat(band, dim=-1))
        return torch.cat(bands, dim=-2)
