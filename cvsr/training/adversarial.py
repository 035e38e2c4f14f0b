"""Training the autoencoder for looks: L1, a perceptual and an adversarial loss (SeedVR, section 3.2)."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.models.discriminator import PatchDiscriminator
from cvsr.models.interpolation import between
from cvsr.pipelines.store import load
from cvsr.training.autoencoder import AutoencoderTraining
from cvsr.training.perceptual import build_perceptual


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of the scores: real ones above 1 and fake ones below -1 cost nothing (Lim and Ye 2017)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """What the decoder lowers: minus the mean score of its pictures."""
    return -fake.mean()


class AdversarialTraining(AutoencoderTraining):
    """Minimises what a viewer sees, against a discriminator that learns at the same time.

        autoencoder:   |x̂ - x| + perceptual_weight · d(x̂, x) - adversarial_weight · D(x̂) + kl_weight · KL
        discriminator: max(0, 1 - D(x)) + max(0, 1 + D(x̂))

    Both take their step at once, from one batch and by one optimizer (simultaneous gradient descent): a batch is a
    step, as everywhere else, for the budget, the averaged weights and the position in the data. The weights are
    fixed: spectral normalisation bounds the discriminator's slope, so that its gradient stays in one order of
    magnitude without the adaptive weight of VQGAN (Esser et al. 2021, equation 7). With the defaults the first three
    terms' gradients at the picture are of the same order on the shipped decoder.

    Args:
        perceptual_weight: of the distance that `build_perceptual` gives.
        adversarial_weight: of the discriminator's scores.
        discriminator_width: of its first layer.
        discriminator_rate: its learning rate.
        share: how far from the shipped autoencoder to the trained one lies what is exported (`between`): the
            adversarial loss pays for detail with squared error, and this is the knob that says how much.
        weights: the folder of weights that holds the shipped autoencoder; the repository's by default.
        others: as for `AutoencoderTraining`; the encoder stays as it is by default, and with it the latents.
    """

    def __init__(
        self,
        preset: str = "teaching",
        train_encoder: bool = False,
        learning_rate: float = 3e-4,
        kl_weight: float = 1e-6,
        fit_batches: int = 150,
        seed: int = 0,
        perceptual_weight: float = 0.1,
        adversarial_weight: float = 0.05,
        discriminator_width: int = 32,
        discriminator_rate: float = 5e-4,
        share: float = 0.4,
        weights: str | None = None,
    ):
        super().__init__(preset, train_encoder, learning_rate, kl_weight, fit_batches, seed)
        self.discriminator = PatchDiscriminator(discriminator_width)
        self.perceptual = build_perceptual()

    def finished(self) -> VideoAutoencoder:
        trained = super().finished()
        return between(load("autoencoder", self.hparams.weights), trained.cpu(), self.hparams.share)

    def training_step(self, video: Tensor, batch_idx: int) -> Tensor:
        reconstruction, kl = self.reconstruct(video)
        losses = {
            "l1": (reconstruction - video).abs().mean(),
            "perceptual": self.perceptual(_frames(reconstruction), _frames(video)).mean(),
            "kl": kl,
        }
        self.discriminator.requires_grad_(False)  # the decoder's loss passes through it and teaches it nothing
        losses["adversarial"] = generator_loss(self.discriminator(reconstruction))
        self.discriminator.requires_grad_(True)
        real, fake = self.discriminator(video), self.discriminator(reconstruction.detach())
        losses["discriminator"] = discriminator_loss(real, fake)
        self.log_dict({f"train/{name}": loss for name, loss in losses.items()}, prog_bar=True)
        weights = {
            "perceptual": self.hparams.perceptual_weight,
            "adversarial": self.hparams.adversarial_weight,
            "kl": self.hparams.kl_weight,
        }
        return sum(weights.get(name, 1.0) * loss for name, loss in losses.items())

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Each network by itself: a surprised discriminator must not shorten the decoder's step."""
        if gradient_clip_val is None:
            return
        clip = clip_grad_value_ if gradient_clip_algorithm == "value" else clip_grad_norm_
        for network in (self.autoencoder, self.discriminator):
            clip(network.parameters(), gradient_clip_val)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = super().configure_optimizers()
        rate = self.hparams.discriminator_rate
        optimizer.add_param_group(
            {"params": list(self.discriminator.parameters()), "lr": rate, "betas": (0.5, 0.9)}
        )
        return optimizer


def _frames(video: Tensor) -> Tensor:
    return rearrange(video, "b c t h w -> (b t) c h w")
