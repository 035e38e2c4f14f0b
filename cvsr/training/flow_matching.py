"""Training a base or a super-resolution model by flow matching on precomputed latents."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from diffusers.models.modeling_utils import ModelMixin
from pytorch_lightning import LightningModule
from torch import Tensor

from cvsr.data.captions import sample_captions
from cvsr.diffusion.flow import expand_time, interpolate
from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.diffusion.timesteps import LogitNormal, TimestepSampler
from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.models.conditioning import beside
from cvsr.models.latent_space import latent_channels
from cvsr.models.text import encode_prompts
from cvsr.pipelines.base import VideoPipeline
from cvsr.pipelines.latent_super_resolution import LatentSuperResolutionPipeline
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.seedvr import SeedVRPipeline
from cvsr.pipelines.store import load
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import Stage, build_super_resolution, build_text_to_video
from cvsr.systems.patchvsr import build_patchvsr
from cvsr.systems.seedvr import build_seedvr
from cvsr.systems.simplegvr import build_simplegvr
from cvsr.systems.unimmvsr import build_unimmvsr
from cvsr.training.optimizers import adamw
from cvsr.training.processes import mean_over_processes, own_noise, own_rows

Batch = dict[str, Tensor | list[str]]
SYSTEMS = {
    "base": (build_super_resolution, SuperResolutionPipeline),
    "seedvr": (build_seedvr, SeedVRPipeline),
    "simplegvr": (build_simplegvr, LatentSuperResolutionPipeline),
    "unimmvsr": (build_unimmvsr, UniMMVSRPipeline),
    "patchvsr": (build_patchvsr, PatchVSRPipeline),
}


class Noised(NamedTuple):
    """Clips of one shape on their way to noise: what the network is given, and the prior that it corrects."""

    inputs: Tensor  # (B, channels, t, h, w)
    t: Tensor  # (B,)
    text: Tensor  # (B, L, d)
    mask: Tensor  # (B, L)
    levels: dict[str, Tensor]  # micro conditions (B,)
    prior: Tensor | float
    more: Mapping[str, Any] = MappingProxyType({})  # what else the network is shown, by its arguments' names


class FlowMatching(LightningModule):
    """Minimises the squared error of the velocity, for which the network predicts the clean latents.

        loss = w |x̂_0 - x_0|² / max(t, t_floor)²

    the error of the velocity (x_t - x̂_0) / t, kept finite near the data (Li and He 2025, "Back to basics",
    section 4.2), with a weight w for each latent channel and each position.

    Args:
        preset: a row of `cvsr.presets.PRESETS`.
        learning_rate: of AdamW, after the warm-up.
        text_dropout: how often a caption is left out, for classifier-free guidance.
        timesteps: the sampler of training times.
        t_floor: smallest time that the loss divides by.
        seed: of the weights, the times, the noise and the dropout.
        weights: the folder of weights that holds the autoencoder; the repository's by default.
    """

    def __init__(
        self,
        preset: str = "teaching",
        learning_rate: float = 1e-3,
        text_dropout: float = 0.1,
        timesteps: TimestepSampler = LogitNormal(),  # noqa: B008 (frozen)
        t_floor: float = 0.2,
        seed: int = 0,
        weights: str | None = None,
    ):
        super().__init__()
        self.save_hyperparameters(ignore="timesteps")
        self.timesteps = timesteps
        torch.manual_seed(seed)
        self.add_parts(preset)

    def add_parts(self, preset: str) -> None:
        """Build what is trained, and load what it is trained with."""
        stage = self.build_stage(preset)
        self.parts = list(vars(stage))
        for name, part in vars(stage).items():
            setattr(self, name, part)
        self.autoencoder = load("autoencoder", self.hparams.weights).requires_grad_(False)
        self.register_buffer("channel_weights", channel_weights(self.autoencoder), persistent=False)

    @abstractmethod
    def build_stage(self, preset: str) -> Stage:
        """The untrained parts."""

    @abstractmethod
    def condition(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor | None, dict[str, Tensor]]:
        """What lies beside the noisy latents (B, c, t, h, w) and is the prior, and the micro conditions."""

    @abstractmethod
    def position_weights(self, batch: Batch) -> Tensor:
        """How much an error counts at each latent position: (B, 1, t, h, w)."""

    @property
    def pipeline(self) -> VideoPipeline:
        """The parts as a pipeline, for samples and for shipping."""
        return self.kind(**{name: getattr(self, name) for name in self.parts})

    def finished(self) -> VideoPipeline:
        """What `Export` saves."""
        return self.pipeline

    def training_step(self, batch: Batch | list[Batch], batch_idx: int) -> Tensor:
        """A batch, or several of different shapes that go through the network together."""
        groups = batch if isinstance(batch, list) else [batch]
        generator = torch.Generator().manual_seed(hash((self.hparams.seed, self.global_step)))
        noised = [self.noise(group, generator) for group in groups]
        errors = [
            self.error(group, on_way, output)
            for group, on_way, output in zip(groups, noised, self.predict(noised), strict=True)
        ]
        loss = torch.cat([error.flatten() for error in errors]).mean()  # each latent position counts alike
        self.log("train/loss", loss, prog_bar=True, batch_size=sum(len(on_way.t) for on_way in noised))
        return loss

    def noise(self, group: Batch, generator: torch.Generator) -> "Noised":
        """Bring clips of one shape some way towards noise, and drop some of their captions."""
        latents = group["latents"]
        t = own_rows(partial(self.timesteps.sample, generator=generator), len(latents)).to(latents)
        noise = own_noise(latents, generator)
        condition, levels = self.condition(group, generator)
        inputs = interpolate(latents, noise, t)
        if condition is not None:
            inputs = beside(inputs, condition, self.transformer.config.in_channels)
        kept = own_rows(partial(torch.rand, generator=generator), len(latents)) >= self.hparams.text_dropout
        return Noised(inputs, t, *self.text(group, kept), levels, 0.0 if condition is None else condition)

    def text(self, group: Batch, kept: Tensor) -> tuple[Tensor, Tensor]:
        """States (B, L, d) and mask (B, L) of the captions, all False for those that are not kept (B,)."""
        captions = [caption if keep else "" for caption, keep in zip(group["caption"], kept, strict=True)]
        return encode_prompts(self.tokenizer, self.text_encoder, captions)

    def predict(self, noised: list["Noised"]) -> list[Tensor]:
        """The network's output for each group, (B, c, t, h, w); several are packed into one batch.

        Those that are shown more than the others are not: what it is goes with its own group.
        """
        if len(noised) == 1 or any(each.more for each in noised):
            return [
                self.transformer(each.inputs, each.t, each.text, each.mask, each.levels, **each.more).sample
                for each in noised
            ]
        longest = max(each.mask.shape[1] for each in noised)
        sample = self.transformer(
            [clip for each in noised for clip in each.inputs],
            torch.cat([each.t for each in noised]),
            torch.cat([F.pad(each.text, (0, 0, 0, longest - each.text.shape[1])) for each in noised]),
            torch.cat([F.pad(each.mask, (0, longest - each.mask.shape[1])) for each in noised]),
            {name: torch.cat([each.levels[name] for each in noised]) for name in noised[0].levels},
        ).sample
        clips = iter(sample)
        return [torch.stack([next(clips) for _ in each.t]) for each in noised]

    def error(self, group: Batch, noised: "Noised", output: Tensor) -> Tensor:
        """The weighted squared error of each number, (B, c, t, h, w)."""
        latents = group["latents"]
        noisy = noised.inputs[:, : latents.shape[1]]
        clean = self.transformer.preconditioner.clean(output, noisy, noised.t, noised.prior)
        error = (clean - latents) / expand_time(noised.t.clamp(min=self.hparams.t_floor), latents)
        return self.channel_weights * self.position_weights(group) * error.square()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return adamw([p for p in self.parameters() if p.requires_grad], self.hparams.learning_rate)


class TextToVideoTraining(FlowMatching):
    """The base model and its text encoder.

    Args:
        subject_weight: how much more an error counts on the main object: the caption is about the object, while most
            of the error is texture of the ground that no model can foretell.
        others: as for `FlowMatching`.
    """

    kind = TextToVideoPipeline

    def __init__(self, subject_weight: float = 4.0, **others):
        super().__init__(**others)
        self.subject_weight = subject_weight

    def build_stage(self, preset: str) -> Stage:
        return build_text_to_video(PRESETS[preset], sample_captions())

    def condition(self, batch: Batch, generator: torch.Generator) -> tuple[None, dict[str, Tensor]]:
        return None, {}

    def position_weights(self, batch: Batch) -> Tensor:
        return 1 + self.subject_weight * batch["subject"]


class SuperResolutionTraining(FlowMatching):
    """The super-resolution model of a system, by channel concatenation, and its text encoder.

    Args:
        system: whose file is in cvsr/systems, one of `SYSTEMS`.
        text_from: name of the weights whose text encoder is taken as it is, such as "text_to_video"; the batches'
            "text", if they have it, is that encoder's. By default a text encoder is trained along.
        noise_range: levels of the noise in the low-resolution latents (SimpleGVR section 4.3).
        clean: how often there is none.
        attention: changes to how the transformer attends, by the names of `cvsr.models.scopes.AttentionScheme`.
        others: as for `FlowMatching`.

    Raises:
        ValueError: an unknown system, or attention that cannot be.
    """

    def __init__(
        self,
        system: str = "base",
        text_from: str | None = None,
        text_dropout: float = 0.3,
        noise_range: NoiseRange = NoiseRange(0.0, 0.5),  # noqa: B008 (frozen)
        clean: float = 0.6,
        attention: dict[str, Any] | None = None,
        **others,
    ):
        if system not in SYSTEMS:
            raise ValueError(f"system={system!r}: unknown; allowed {list(SYSTEMS)}; try 'base'")
        self.build, self.kind = SYSTEMS[system]
        super().__init__(text_dropout=text_dropout, **others)
        self.noise_range, self.clean, self.learns_text = noise_range, clean, text_from is None
        if attention:
            self.transformer.use_attention(**attention)
        if text_from:
            source = load(text_from, self.hparams.weights)
            self.tokenizer, self.text_encoder = source.tokenizer, source.text_encoder.requires_grad_(False)

    def text(self, group: Batch, kept: Tensor) -> tuple[Tensor, Tensor]:
        if self.learns_text or "text" not in group:
            return super().text(group, kept)
        return group["text"], group["text_mask"] & kept[:, None].to(group["text_mask"].device)

    def build_stage(self, preset: str) -> Stage:
        return self.build(PRESETS[preset], sample_captions())

    def condition(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        low = batch["low"]
        level = own_rows(partial(self.noise_range.sample, generator=generator), len(low))
        level = level * (own_rows(partial(torch.rand, generator=generator), len(low)) >= self.clean)
        level = level.to(low)
        return interpolate(low, own_noise(low, generator), level), {"noise_level": level}

    def position_weights(self, batch: Batch) -> Tensor:
        return calmness(batch["low"], self.channel_weights)


@torch.no_grad()
def channel_weights(autoencoder: ModelMixin) -> Tensor:
    """How much each normalised latent channel moves the picture: (1, c, 1, 1, 1), mean 1.

    By the linear codec, the part of our autoencoder that never changes. Its latents are nearly white, pictures are
    not: without these weights a model would learn a faint texture before the colour of a wall. Other autoencoders have
    no such codec, and all their channels count alike.
    """
    if not isinstance(autoencoder, VideoAutoencoder):
        return torch.ones(1, latent_channels(autoencoder), 1, 1, 1)
    change = autoencoder.linear.decode_group.weight.norm(dim=0) * torch.tensor(autoencoder.config.latents_std)
    return (change / change.mean()).view(1, -1, 1, 1, 1)


def calmness(latents: Tensor, channel_weights: Tensor, floor: float = 0.03) -> Tensor:
    """One over how much latents (B, c, t, h, w) differ from their 3×3 neighbourhood: (B, 1, t, h, w), mean 1.

    The eye forgives in a meadow what it sees on a white wall (contrast masking), and the squared error sees the meadow
    only. Weights that depend on nothing but the condition leave the best prediction what it is. `floor` keeps them
    finite; the activity of textures is 0.2 to 1.
    """
    around = F.avg_pool3d(latents, (1, 3, 3), stride=1, padding=(0, 1, 1), count_include_pad=False)
    activity = (channel_weights * (latents - around).square()).mean(1, keepdim=True)
    weights = 1 / (activity + floor)
    return weights / mean_over_processes(weights)
