"""PatchVSR's super-resolution: the common pipeline, with a frame's prediction joined from those of its patches.

The latents of a chunk of frames are sampled as one canvas, however large. In every step the network sees patches of it,
as many at once as a budget of memory allows, and their predictions are blended. The codec goes tile by tile before and
after, as in the other systems; chunks in time are theirs, too.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cvsr.data.resize import resize
from cvsr.diffusion.joint_modulation import JOININGS, Patch, borders, cover, join
from cvsr.models.autoencoder import encode_to_latents
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.ledger import Keep, make_anew
from cvsr.pipelines.output import VideoPipelineOutput
from cvsr.pipelines.streaming import Chunk
from cvsr.pipelines.super_resolution import Redraw, Show, SuperResolutionPipeline
from cvsr.pipelines.tiling import PATCH, SPATIAL, TEMPORAL, Tile, up
from cvsr.presets import PATCHVSR_SAMPLING
from cvsr.systems.patchvsr import SCALES

LIVE = 32  # tensors of a token's width that the network holds at once, as measured with mlp_ratio 4
USUAL = 0.5  # GiB for the activations unless a patch alone takes more


@dataclass(frozen=True)
class PatchEnlargement(Enlargement):
    """Settings of patch-wise super-resolution.

    Args:
        patch: height and width of a patch in pixels, a multiple of 16; None: what the network was made for, which is
            also the most.
        joining: how patches become a frame, one of `cvsr.diffusion.joint_modulation.JOININGS`.
        magnitude: the factor of enlargement that the network is told, from 1 to 4, whatever the true one: more of it,
            more detail (figure 6). None: the true one.
        memory: GiB that the network's activations may take; as many patches are computed at once as fit. None: half a
            GiB, and one patch in any case.
        others: as for `Enlargement`; `tiling` says how large a piece the codec takes, and how long chunks are.

    Raises:
        ValueError: an argument outside of what is said above.
    """

    patch: int | None = None
    joining: str = "joint"
    magnitude: float | None = None
    memory: float | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.patch is not None and (self.patch < PATCH or self.patch % PATCH):
            nearest = max(PATCH, up(self.patch, PATCH))
            raise ValueError(
                f"patch={self.patch}: no patch's size; allowed multiples of {PATCH}; try patch={nearest}"
            )
        if self.joining not in JOININGS:
            raise ValueError(f"joining={self.joining!r}: unknown; allowed {list(JOININGS)}; try 'joint'")
        least, most = SCALES
        if self.magnitude is not None and not least <= self.magnitude <= most:
            raise ValueError(
                f"magnitude={self.magnitude}: out of range; allowed {least:g} to {most:g}; try magnitude={most:g}"
            )
        if self.memory is not None and not (math.isfinite(self.memory) and self.memory > 0):
            raise ValueError(f"memory={self.memory}: no memory; allowed GiB above 0; try memory=0.5")

    def told_scale(self, video: Tensor) -> float:
        """What the network is told, in [0, 1]: the factor of enlargement over the largest in training."""
        height, width = self.size(video)
        true = math.sqrt(height * width / (video.shape[-2] * video.shape[-1]))
        least, most = SCALES
        return (self.magnitude or min(max(true, least), most)) / most


class PatchShown(NamedTuple):
    """What a canvas is drawn from."""

    low: Tensor  # latents (B, c, t, h, w) of the input
    whole: Tensor  # latents (B, c, t, h', w') of all of it, at a patch's size
    scale: Tensor  # (B,) that the network is told
    patches: list[Patch]
    at_once: int
    keep: Keep = make_anew  # of what the network predicts for patches


class PatchVSRPipeline(SuperResolutionPipeline):
    """The paper samples in 50 steps of PNDM with guidance 5 and shift 5 (section 4.1)."""

    settings = PatchEnlargement
    sampling = PATCHVSR_SAMPLING

    @torch.no_grad()
    def __call__(
        self, video: Tensor, output_type: str = "pt", return_dict: bool = True, **settings
    ) -> VideoPipelineOutput | tuple:
        """Enlarge a video.

        Args:
            video: (B, 3, T, H, W) in [-1, 1], any size and length.
            output_type: "pt", "np" or, for a video of one tile, "latent"; see `VideoPipelineOutput`.
            return_dict: False for a plain tuple.
            settings: of a `PatchEnlargement`.

        Raises:
            ValueError: an argument outside of what is said here and there, or a patch or a memory that does not fit
                the network.
        """
        return self.run(video, PatchEnlargement(**settings), output_type, return_dict)

    def check(self, video: Tensor, settings: Enlargement) -> None:
        """As everywhere, and for a patch or a memory that does not fit the network."""
        super().check(video, settings)
        self.patches_at_once(video, _patchwise(settings))

    def show(self, chunk: Chunk, settings: Enlargement) -> Show:
        """What the canvas of a chunk is drawn from; `low` is only a tile of it."""
        asked = _patchwise(settings)
        patches = self.patches(chunk.video, asked)
        at_once = self.patches_at_once(chunk.video, asked)
        enlarged = asked.enlarged(chunk.video)
        most = self.transformer.config.sample_size * SPATIAL
        shown = partial(
            PatchShown,
            whole=encode_to_latents(self.autoencoder, resize(enlarged, most, most).clamp(-1, 1)),
            scale=enlarged.new_full((len(enlarged),), asked.told_scale(chunk.video)),
            patches=patches,
            at_once=at_once,
        )
        return lambda tile: shown(low=encode_to_latents(self.autoencoder, tile.of(enlarged)))

    def patches(self, video: Tensor, settings: PatchEnlargement) -> list[Patch]:
        """All that a chunk's canvas is put together from."""
        sides = (side // SPATIAL for side in settings.canvas(video))
        return cover(*sides, self.patch_size(settings) // SPATIAL, settings.joining)

    def borders(self, video: Tensor, settings: PatchEnlargement) -> tuple[list[int], list[int]]:
        """Rows and columns of the result's pixels where patches begin or end, as `cvsr.evaluation.seams` reads them."""
        latents = (side // SPATIAL for side in settings.canvas(video))
        size = self.patch_size(settings) // SPATIAL
        found = ([SPATIAL * at for at in borders(side, size, settings.joining)] for side in latents)
        rows, columns = (
            [at for at in each if at < side] for each, side in zip(found, settings.size(video), strict=True)
        )
        return rows, columns

    def patch_size(self, settings: PatchEnlargement) -> int:
        """Height and width of a patch in pixels; ValueError for one that is too large for the network."""
        most = self.transformer.config.sample_size * SPATIAL
        if settings.patch is not None and settings.patch > most:
            raise ValueError(
                f"patch={settings.patch}: larger than what the network was made for; allowed multiples of {PATCH} up to"
                f" {most}; try patch={most}"
            )
        return settings.patch or most

    def patches_at_once(self, video: Tensor, settings: PatchEnlargement) -> int:
        """How many patches of a chunk of a video the budget allows; ValueError if there is not enough for one."""
        needed = self.patch_gib(video, settings)
        if settings.memory is None:
            return max(1, int(USUAL / needed))
        if needed > settings.memory:
            enough = math.ceil(100 * needed) / 100
            raise ValueError(
                f"memory={settings.memory:g}: too little for one patch, which needs {needed:.2g} GiB in"
                f" {len(video) * settings.guider().num_conditions} predictions; try memory={enough:g}, or a smaller"
                " patch"
            )
        return int(settings.memory / needed)

    def patch_gib(self, video: Tensor, settings: PatchEnlargement) -> float:
        """GiB that the network's activations take for one patch of a chunk of a video."""
        config, most = self.transformer.config, self.patch_size(settings)
        frames = 1 + up(min(video.shape[2], settings.tiling.frames) - 1, TEMPORAL) // TEMPORAL  # of latents
        height, width = (min(side, most) // SPATIAL for side in settings.canvas(video))
        tokens = frames * height * width / math.prod(config.patch_size)
        predictions = len(video) * settings.guider().num_conditions
        return predictions * tokens * config.width * LIVE * self.transformer.dtype.itemsize / 2**30

    def told(self, shown: PatchShown, text: Tensor, mask: Tensor) -> dict[str, Any]:
        """What `predict` is told."""
        return super().told(shown, text, mask) | {"whole": shown.whole, "scale": shown.scale}

    def predictor(self, shown: PatchShown) -> Callable[..., Tensor]:
        """The joint prediction of the patches shown."""
        return partial(self.predict, patches=shown.patches, at_once=shown.at_once, keep=shown.keep)

    def predict(
        self,
        x: Tensor,
        t: Tensor,
        text: Tensor,
        mask: Tensor,
        whole: Tensor,
        patches: list[Patch],
        at_once: int,
        keep: Keep = make_anew,
        **levels: Tensor,
    ) -> Tensor:
        """The joint output (B, c, t, h, w) for a canvas x (B, 2c, t, h, w), in float32."""
        dtype, (height, width) = self.transformer.dtype, x.shape[-2:]

        def of_group(group: list[Patch]) -> tuple[Tensor, ...]:
            def each(rows: Tensor) -> Tensor:  # the rows of the batch, for each of the patches
                return rows.repeat(len(group), *[1] * (rows.ndim - 1))

            def predicted() -> Tensor:
                return self.transformer(
                    torch.cat([patch.of(x) for patch in group]).to(dtype),
                    each(t),
                    each(text).to(dtype),
                    each(mask),
                    {name: each(level) for name, level in levels.items()},
                    each(whole).to(dtype),
                    places.repeat_interleave(len(x), dim=0),
                ).sample.float()

            places = x.new_tensor([patch.place(height, width) for patch in group])
            return keep(predicted).to(x.device).chunk(len(group))

        return join(of_group, patches, height, width, at_once)

    def passes(self, tiles: list[Tile]) -> int:
        """Once: tiles are the codec's only."""
        return 1

    def _tile_by_tile(
        self, show: Show, noise: Tensor, tiles: list[Tile], redraw: Redraw, keep: Keep = make_anew
    ) -> Tensor:
        """Encode tile by tile, redraw the canvas, decode tile by tile."""
        low = torch.zeros_like(noise[:, : self.transformer.config.out_channels])
        for tile in tiles:
            shown = show(tile)
            tile.of_latents(low).addcmul_(shown.low, tile.latent_weights.to(low))
        latents = redraw(shown._replace(low=low, keep=keep), noise)
        return self.decoded(tiles, noise, lambda tile: tile.of_latents(latents), keep)


def _patchwise(settings: Enlargement) -> PatchEnlargement:
    """Settings of any system, completed by this one's usual ones."""
    return settings if isinstance(settings, PatchEnlargement) else PatchEnlargement(**vars(settings))
