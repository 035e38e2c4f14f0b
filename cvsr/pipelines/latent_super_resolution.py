"""From the latents of a small video to a large one: the second stage of a latent cascade (SimpleGVR section 4.1).

What a base model leaves goes in as it is: nothing is decoded, enlarged and encoded again. A real clip is encoded at
its own size (reduced first where it is to be enlarged less than four times), which costs a sixteenth of encoding it
enlarged.
"""

import torch
import torch.nn.functional as F
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from cvsr.diffusion.schedulers import Scheduler
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.models.latent_space import latent_channels
from cvsr.models.latent_upsampler import LatentUpsampler
from cvsr.models.swin_mmdit import SwinMMDiT
from cvsr.models.text import TextEncoder
from cvsr.models.transformer import VideoTransformer
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.ledger import Keep, make_anew
from cvsr.pipelines.streaming import Chunk
from cvsr.pipelines.super_resolution import Show, Shown, SuperResolutionPipeline
from cvsr.pipelines.tiling import SPATIAL, Tile
from cvsr.presets import SIMPLEGVR_SAMPLING
from cvsr.systems.simplegvr import REDUCTION


class LatentSuperResolutionPipeline(SuperResolutionPipeline):
    """Super-resolution whose condition is made from small latents by a learnt upsampler.

    Args:
        upsampler: from small latents to those of the result's size.
        others: as for `VideoPipeline`.
    """

    sampling = SIMPLEGVR_SAMPLING

    def __init__(
        self,
        autoencoder: ModelMixin,
        tokenizer: PreTrainedTokenizerBase,
        text_encoder: TextEncoder,
        transformer: VideoTransformer | SwinMMDiT,
        scheduler: Scheduler,
        upsampler: LatentUpsampler,
    ):
        super().__init__(autoencoder, tokenizer, text_encoder, transformer, scheduler)
        self.register_modules(upsampler=upsampler)

    def check_parts(self) -> None:
        """ValueError if the parts were not made for each other."""
        super().check_parts()
        channels = latent_channels(self.autoencoder)
        if (found := self.upsampler.config.latent_channels) != channels:
            raise ValueError(
                f"upsampler.latent_channels={found}: does not fit the other parts; allowed {channels}; "
                "try the parts it was trained with"
            )

    def show(self, chunk: Chunk, settings: Enlargement) -> Show:
        """The latents of what a tile shows at the small size, enlarged: the video's own where it grows four times."""
        reduced = settings.reduced(chunk.video, REDUCTION)
        return lambda tile: Shown(self._low_latents(reduced, tile))

    def _low_latents(self, reduced: Tensor, tile: Tile) -> Tensor:
        rows, columns = (
            slice(span.start // REDUCTION, span.stop // REDUCTION) for span in (tile.rows, tile.columns)
        )
        small = reduced[..., rows, columns]
        padding = (0, -small.shape[-1] % SPATIAL, 0, -small.shape[-2] % SPATIAL, 0, 0)
        latents = encode_to_latents(self.autoencoder, F.pad(small, padding, mode="replicate"))
        height, width = ((span.stop - span.start) // SPATIAL for span in (tile.rows, tile.columns))
        return self.enlarged_latents(latents)[..., :height, :width]

    def enlarged_latents(self, latents: Tensor) -> Tensor:
        """Latents (B, c, t, 4h, 4w) of small ones (B, c, t, h, w)."""
        return self.upsampler(latents.to(self.upsampler.dtype)).to(latents)

    @torch.no_grad()
    def from_base(
        self, latents: Tensor, num_frames: int, settings: Enlargement, keep: Keep = make_anew
    ) -> tuple[Tensor, Tensor]:
        """A base model's video and the large one, both (B, 3, num_frames, H, W) in [-1, 1].

        The small video is decoded for the eye and for the corrections of the large one (`Enlargement.corrected`);
        nothing else is made of it. `keep` makes the large video's tiles, or has them already.

        Raises:
            ValueError: an enlargement that is not fourfold.
        """
        settings = settings.completed(self.sampling)
        small = decode_from_latents(self.autoencoder, latents)[:, :, :num_frames].clamp(-1, 1)
        if settings.size(small) != tuple(REDUCTION * side for side in small.shape[-2:]):
            raise ValueError(
                f"scale={settings.scale:g}: latents are enlarged {REDUCTION} times; allowed scale={REDUCTION}; try it,"
                " or decode the latents and enlarge the video"
            )
        return small, settings.corrected(self.from_latents(latents, settings, keep)[:, :, :num_frames], small)

    @torch.no_grad()
    def from_latents(self, latents: Tensor, settings: Enlargement, keep: Keep = make_anew) -> Tensor:
        """The video (B, 3, T, H, W), about [-1, 1], of normalised small latents (B, c, t, h, w), and no corrections.

        T = 4t - 3 and H, W = 32 h, 32 w. The whole length is drawn at once, tile by tile.
        """
        settings = settings.completed(self.sampling)
        low = self.enlarged_latents(latents.to(self._execution_device))
        batch, channels, groups, height, width = low.shape
        tiles = settings.tiling.cover(height * SPATIAL, width * SPATIAL)
        noise = self.draw_noise((batch, 2 * channels, groups, height, width), settings.generator)
        with self.progress_bar(total=len(tiles) * settings.num_inference_steps) as bar:
            redraw = self._redrawing(settings, batch, bar)
            result = self._tile_by_tile(lambda tile: Shown(tile.of_latents(low)), noise, tiles, redraw, keep)
        self.maybe_free_model_hooks()
        return result
