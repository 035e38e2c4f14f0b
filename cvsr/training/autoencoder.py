"""Training the video autoencoder: a linear codec in closed form, then everything that a linear map cannot do."""

import torch
import torch.nn.functional as F
from einops import rearrange
from pytorch_lightning import LightningModule
from torch import Tensor

from cvsr.evaluation.metrics import high_frequency_ratio, psnr
from cvsr.models.autoencoder import OverlappedDecoder, VideoAutoencoder, with_previous
from cvsr.models.linear_codec import LinearCodec, to_patches
from cvsr.presets import PRESETS
from cvsr.training.processes import own_noise


@torch.no_grad()
def fit_linear_codec(codec: LinearCodec, videos: list[Tensor]) -> None:
    """Set a codec to the principal components of the patches of `videos`, each (B, 3, T, H, W).

    The best linear codec in squared error (Eckart and Young 1936); its latents are white: mean 0, variance 1.
    """
    first, groups = (
        torch.cat([patches.flatten(0, 3) for patches in kind])
        for kind in zip(*(to_patches(v) for v in videos), strict=True)
    )
    for patches, encode, decode in (
        (first, codec.encode_first, codec.decode_first),
        (groups, codec.encode_group, codec.decode_group),
    ):
        mean, channels = patches.mean(0), encode.out_features
        variances, directions = torch.linalg.eigh(torch.cov(patches.T))  # ascending
        scale = variances[-channels:].flip(0).clamp(min=1e-8).sqrt()  # (c,)
        basis = directions[:, -channels:].flip(1)  # (pixels, c)
        encode.weight.copy_((basis / scale).T)
        encode.bias.copy_(-(mean @ basis) / scale)
        decode.weight.copy_(basis * scale)
        decode.bias.copy_(mean)


@torch.no_grad()
def fit_overlapped_decoder(decoder: OverlappedDecoder, codec: LinearCodec, videos: list[Tensor]) -> None:
    """Set the decoder to the least-squares map from the codec's latents to `videos`, each (B, 3, T, H, W)."""
    for conv, frames in ((decoder.first.conv, slice(0, 1)), (decoder.group.conv, slice(1, None))):
        gram = cross = 0.0
        for video in videos:
            latents = codec.encode(video)  # (B, t, h, w, c)
            if conv is decoder.group.conv:
                latents = with_previous(latents)
            seen = F.unfold(
                latents[:, frames].flatten(0, 1).permute(0, 3, 1, 2), 3
            )  # (B·t, 9·channels, inner h·w)
            seen = rearrange(F.pad(seen, (0, 0, 0, 1), value=1.0), "b k n -> (b n) k")
            patches = to_patches(video)[0 if frames.start == 0 else 1]
            patches = patches[:, :, 1:-1, 1:-1].flatten(0, 3)  # the border lacks neighbours
            gram, cross = gram + seen.T @ seen, cross + seen.T @ patches
        ridge = 1e-5 * gram.diagonal().mean() * torch.eye(len(gram))
        solution = torch.linalg.solve(gram + ridge, cross)  # (9·channels + 1, pixels)
        conv.weight.copy_(solution[:-1].T.reshape(conv.weight.shape))
        conv.bias.copy_(solution[-1])


@torch.no_grad()
def latent_scales(codec: LinearCodec) -> Tensor:
    """What the codec's white latents are multiplied with for models that are trained on them: (c,), mean square 1.

    The square root of how far one step of a channel moves the picture. White latents would be drowned by noise all
    at once; scaled ones lose the faint textures first and the colours last, as pictures do, so that a sampler
    decides the layout before the texture.
    """
    change = codec.decode_group.weight.half().float().norm(dim=0)  # as shipped: the same when trained on
    return (change / change.mean()).sqrt()


class AutoencoderTraining(LightningModule):
    """Minimises the logarithm of each clip's squared error, plus a small Kullback-Leibler term.

        loss = mean over clips of ln(MSE + 1e-4) + kl_weight · KL

    The first term is the PSNR up to sign and scale: a calm clip, whose errors are small, counts as much as a busy
    one, and nothing is gained any more above 46 dB.

    Args:
        preset: a row of `cvsr.presets.PRESETS`.
        train_encoder: whether the encoder learns, too. Without, the latents stay what they are, so that models
            that were trained on them can use the new decoder.
        learning_rate: of the convolutions; the linear decoder, which starts at its optimum, takes 5 % of it.
        kl_weight: of the divergence to a standard normal, a latent number; small, since this codec feeds models.
        fit_batches: batches that the linear maps are fitted on.
        seed: of the weights and of every draw from the posterior.
    """

    def __init__(
        self,
        preset: str = "teaching",
        train_encoder: bool = True,
        learning_rate: float = 2e-3,
        kl_weight: float = 1e-6,
        fit_batches: int = 150,
        seed: int = 0,
    ):
        super().__init__()
        self.save_hyperparameters()
        torch.manual_seed(seed)
        self.autoencoder = VideoAutoencoder(**vars(PRESETS[preset].autoencoder))
        self.autoencoder.encoder.requires_grad_(train_encoder)

    def setup(self, stage: str) -> None:
        """Fit the linear maps; a resumed run overwrites them with the checkpoint's."""
        loader = iter(self.trainer.datamodule.train_dataloader())
        videos = [next(loader) for _ in range(self.hparams.fit_batches)]
        fit_linear_codec(self.autoencoder.linear, videos)
        fit_overlapped_decoder(self.autoencoder.decoder.linear, self.autoencoder.linear, videos)

    def finished(self) -> VideoAutoencoder:
        """What `Export` saves, with the statistics of its latents."""
        scales = latent_scales(self.autoencoder.linear)
        self.autoencoder.register_to_config(
            latents_mean=[0.0] * len(scales), latents_std=(1 / scales).tolist()
        )
        return self.autoencoder

    def reconstruct(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """Videos (B, 3, T, H, W) back from a draw of their posteriors, and the divergence a latent number, ()."""
        generator = torch.Generator().manual_seed(hash((self.hparams.seed, self.global_step)))
        posterior = self.autoencoder.encode(video).latent_dist
        noise = own_noise(posterior.mean, generator)
        reconstruction = self.autoencoder.decode(posterior.mean + posterior.std * noise).sample
        return reconstruction, posterior.kl().sum() / posterior.mean.numel()

    def training_step(self, video: Tensor, batch_idx: int) -> Tensor:
        reconstruction, kl = self.reconstruct(video)
        error = (reconstruction - video).square().mean(dim=(1, 2, 3, 4)).add(1e-4).log().mean()
        self.log_dict({"train/error": error, "train/kl": kl}, prog_bar=True)
        return error + self.hparams.kl_weight * kl

    def validation_step(self, video: Tensor, batch_idx: int) -> None:
        linear = self.autoencoder.linear
        result = self.autoencoder(video).sample.clamp(-1, 1)
        by_linear_codec = linear.decode(linear.encode(video)).clamp(-1, 1)
        figures = {
            "psnr": psnr(result, video),
            "high_frequency_ratio": high_frequency_ratio(result, video),
            "psnr_linear_codec": psnr(by_linear_codec, video),
        }
        self.log_dict({f"held_out/{name}": figure.mean() for name, figure in figures.items()}, prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        linear, rate = list(self.autoencoder.decoder.linear.parameters()), self.hparams.learning_rate
        known = set(linear)
        rest = [p for p in self.autoencoder.parameters() if p.requires_grad and p not in known]
        groups = [{"params": rest, "lr": rate}, {"params": linear, "lr": 0.05 * rate}]
        return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0)
