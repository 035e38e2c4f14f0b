"""Training SimpleGVR: the latent upsampler and the transformer together (sections 4.1 and 5.1.4)."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from cvsr.data.stream import Bucket, Ticket
from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.models.autoencoder import with_previous
from cvsr.models.latent_upsampler import LatentUpsampler, to_parts
from cvsr.systems.simplegvr import NOISE
from cvsr.training.flow_matching import Batch, SuperResolutionTraining, calmness


@torch.no_grad()
def fit_latent_upsampler(upsampler: LatentUpsampler, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Set the upsampler's linear map to the least-squares one from small latents (c, t, h, w) to large ones.

    Positions at the border, which lack neighbours, do not count.
    """
    convolutions = (upsampler.first.conv, upsampler.group.conv)
    gram, cross = dict.fromkeys(convolutions, 0.0), dict.fromkeys(convolutions, 0.0)
    for small, large in pairs:
        x = rearrange(small[None].double(), "b c t h w -> b t h w c")
        wanted = to_parts(large[None].double())[:, :, 1:-1, 1:-1]
        for conv, shown, frames in (
            (upsampler.first.conv, x, slice(0, 1)),
            (upsampler.group.conv, with_previous(x), slice(1, None)),
        ):
            seen = F.unfold(shown[0, frames].permute(0, 3, 1, 2), 3)  # (t, 9·channels, inner h·w)
            seen = rearrange(F.pad(seen, (0, 0, 0, 1), value=1.0), "t k n -> (t n) k")
            gram[conv] += seen.T @ seen
            cross[conv] += seen.T @ wanted[0, frames].flatten(0, 2)
    for conv in convolutions:
        ridge = 1e-4 * gram[conv].diagonal().mean() * torch.eye(len(gram[conv]), dtype=torch.float64)
        solution = torch.linalg.solve(gram[conv] + ridge, cross[conv])  # (9·channels + 1, r·r·c)
        conv.weight.copy_(solution[:-1].T.reshape(conv.weight.shape))
        conv.bias.copy_(solution[-1])


class LatentSuperResolutionTraining(SuperResolutionTraining):
    """Batches' "low" are small latents: the upsampler enlarges them, noise is put on, the transformer redraws.

        loss = flow matching + upsampler_weight · w |upsampled - x_0|²

    The paper has the first term only. The second keeps what the upsampler hands over a picture of its own, which the
    prediction of this kit is a correction of (`CleanPreconditioner`).

    Args:
        noise_range: levels of the noise on the upsampled latents.
        clean: how often there is none.
        upsampler_weight: of the second term.
        fit_clips: how many clips the upsampler's linear map is fitted on; 0 leaves it to a warm start.
        fit_bucket: their shape; the larger, the fewer borders.
        others: as for `SuperResolutionTraining`.
    """

    def __init__(
        self,
        noise_range: NoiseRange = NOISE,
        clean: float = 0.0,
        upsampler_weight: float = 1.0,
        fit_clips: int = 400,
        fit_bucket: Bucket = Bucket(batch=4, frames=5, size=32),  # noqa: B008 (frozen)
        **others,
    ):
        super().__init__(system="simplegvr", noise_range=noise_range, clean=clean, **others)
        self.upsampler_weight, self.fit_clips, self.fit_bucket = upsampler_weight, fit_clips, fit_bucket

    def setup(self, stage: str) -> None:
        """Fit the upsampler's linear map; a resumed run overwrites it with the checkpoint's."""
        if self.fit_clips:
            clips = self.trainer.datamodule.dataset()
            pairs = (clips[Ticket(number, self.fit_bucket)] for number in range(self.fit_clips))
            fit_latent_upsampler(self.upsampler, ((pair["low"], pair["latents"]) for pair in pairs))

    def training_step(self, batch: Batch | list[Batch], batch_idx: int) -> Tensor:
        groups = [self.upsampled(group) for group in (batch if isinstance(batch, list) else [batch])]
        errors = [
            (self.channel_weights * (group["low"] - group["latents"]).square()).flatten() for group in groups
        ]
        error = torch.cat(errors).mean()
        self.log("train/upsampler", error, prog_bar=True, batch_size=len(errors))
        return super().training_step(groups, batch_idx) + self.upsampler_weight * error

    def upsampled(self, group: Batch) -> Batch:
        """The group with its small latents enlarged to the size of the large ones."""
        return group | {"low": self.upsampler(group["low"])}

    def position_weights(self, batch: Batch) -> Tensor:
        return calmness(batch["low"].detach(), self.channel_weights)
