"""Training SimpleGVR: the latent upsampler and the transformer together (sections 4.1 and 5.1.4)."""

import torch
from torch import Tensor

from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.pipelines.latent_super_resolution import LatentSuperResolutionPipeline
from cvsr.systems.simplegvr import NOISE
from cvsr.training.flow_matching import Batch, SuperResolutionTraining, calmness


class LatentSuperResolutionTraining(SuperResolutionTraining):
    """Batches' "low" are small latents: the upsampler enlarges them, noise is put on, the transformer redraws.

        loss = flow matching + upsampler_weight · w |upsampled - x_0|²

    The paper has the first term only. The second keeps what the upsampler hands over a picture of its own, which the
    prediction of this kit is a correction of (`CleanPreconditioner`).

    Args:
        noise_range: levels of the noise on the upsampled latents.
        clean: how often there is none.
        upsampler_weight: of the second term.
        upsampler_steps: so many steps the upsampler learns alone, by the second term, so that a transformer that went
            through another training before does not unlearn it on an untrained upsampler's latents.
        others: as for `SuperResolutionTraining`.
    """

    def __init__(
        self,
        noise_range: NoiseRange = NOISE,
        clean: float = 0.0,
        upsampler_weight: float = 1.0,
        upsampler_steps: int = 0,
        **others,
    ):
        super().__init__(system="simplegvr", noise_range=noise_range, clean=clean, **others)
        self.upsampler_weight, self.upsampler_steps = upsampler_weight, upsampler_steps

    def training_step(self, batch: Batch | list[Batch], batch_idx: int) -> Tensor:
        groups = [self.upsampled(group) for group in (batch if isinstance(batch, list) else [batch])]
        errors = [
            (self.channel_weights * (group["low"] - group["latents"]).square()).flatten() for group in groups
        ]
        error = torch.cat(errors).mean()
        self.log("train/upsampler", error, prog_bar=True, batch_size=len(errors))
        if self.global_step < self.upsampler_steps:
            return error
        return super().training_step(groups, batch_idx) + self.upsampler_weight * error

    def upsampled(self, group: Batch) -> Batch:
        """The group with its small latents enlarged to the size of the large ones."""
        return group | {"low": self.upsampler(group["low"], *group["latents"].shape[-2:])}

    def position_weights(self, batch: Batch) -> Tensor:
        return calmness(batch["low"].detach(), self.channel_weights)

    @property
    def pipeline(self) -> LatentSuperResolutionPipeline:
        return LatentSuperResolutionPipeline(
            self.autoencoder,
            self.tokenizer,
            self.text_encoder,
            self.transformer,
            self.scheduler,
            self.upsampler,
        )
