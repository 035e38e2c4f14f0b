"""What Lightning trains on: folders that are built once, and endless, exactly resumable streams out of them."""

import hashlib
from dataclasses import replace
from pathlib import Path

from diffusers import ModelMixin
from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader

from cvsr.data.degradations.pipeline import read_pipeline
from cvsr.data.filtering import QualityFilter
from cvsr.data.latents import LatentClips, build_latents
from cvsr.data.pixel_sources import PixelSources
from cvsr.data.pixels import PixelClips, WholeClips, build_pixels
from cvsr.data.reference_augmentation import ReferenceAugmentation
from cvsr.data.shards import build_shards
from cvsr.data.shards_reading import ShardClips, collate
from cvsr.data.shards_settings import ShardSettings
from cvsr.data.stream import Bucket, stream
from cvsr.evaluation.musiq import Musiq
from cvsr.models.autoencoder import encode_to_latents
from cvsr.models.text import encode_prompts
from cvsr.pipelines.base import VideoPipeline
from cvsr.pipelines.redrawing import Redrawing
from cvsr.pipelines.store import load
from cvsr.pipelines.text_to_video import TextToVideoPipeline


class PixelData(LightningDataModule):
    """Crops (B, 3, T, H, W) in [-1, 1], for the autoencoder.

    Args:
        folder: where the clips are kept; built if they are not there.
        train, held_out: what they are made of; held-out scenes come from the validation split.
        buckets: shapes of the batches, in turn; frames 4n + 1, sizes multiples of 8.
        shares: how often which source is drawn, see `cvsr.data.mixture.Mixture`.
        workers, seed: of the stream.
    """

    def __init__(
        self,
        folder: str,
        train: PixelSources,
        held_out: PixelSources,
        buckets: list[Bucket],
        shares: dict[str, float] | None = None,
        workers: int = 0,
        seed: int = 0,
    ):
        super().__init__()
        self.folder, self.train, self.held_out = Path(folder), train, replace(held_out, split="validation")
        self.buckets, self.shares, self.workers, self.seed = buckets, shares, workers, seed

    def prepare_data(self) -> None:
        build_pixels(self.folder / "train", self.train)
        build_pixels(self.folder / "held_out", self.held_out)

    def train_dataloader(self) -> DataLoader:
        clips = PixelClips(self.folder / "train", self.shares, self.seed)
        return stream(clips, self.buckets, self.trainer.global_step, self.workers)

    def val_dataloader(self) -> DataLoader:
        """Every held-out clip once, whole."""
        return DataLoader(WholeClips(self.folder / "held_out"), batch_size=1)


class LatentData(LightningDataModule):
    """Batches {"latents": (B, c, t, h, w), "caption": [str]}, and "low" if `reduction` > 1, for flow matching.

    Args:
        clips, latents: folders where both are kept; built if they are not there.
        train: what the clips are made of.
        buckets: shapes of the batches, in turn, in latent frames and positions.
        reduction: how much smaller than the target the low-resolution video is; 1 = there is none.
        shares, workers, seed: as for `PixelData`.
        weights: the folder of weights that holds the autoencoder; the repository's by default.
    """

    def __init__(
        self,
        clips: str,
        latents: str,
        train: PixelSources,
        buckets: list[Bucket],
        reduction: int = 1,
        shares: dict[str, float] | None = None,
        workers: int = 0,
        seed: int = 0,
        weights: str | None = None,
    ):
        super().__init__()
        self.clips, self.latents, self.train = Path(clips), Path(latents), train
        self.buckets, self.reduction = buckets, reduction
        self.shares, self.workers, self.seed, self.weights = shares, workers, seed, weights

    def prepare_data(self) -> None:
        build_pixels(self.clips, self.train)
        autoencoder = load("autoencoder", self.weights)
        build_latents(
            self.latents,
            self.clips,
            lambda v: encode_to_latents(autoencoder, v),
            encoder_hash(autoencoder),
            self.reduction,
        )

    def train_dataloader(self) -> DataLoader:
        latents = LatentClips(self.latents, self.shares, self.seed)
        return stream(latents, self.buckets, self.trainer.global_step, self.workers)


class ShardData(LightningDataModule):
    """Batches of groups (`cvsr.data.shards_reading.collate`), all precomputed: latents, degraded inputs, text.

    Args:
        clips, shards: folders where both are kept; built if they are not there.
        train: what the clips are made of.
        degradations: YAML file that says how the low-quality inputs are made (`cvsr.data.degradations.pipeline`).
        variants: differently degraded inputs of a clip.
        reduction: how much smaller than the clips the inputs' latents are, see `ShardSettings`.
        buckets: shapes of the samples, in latent frames and positions.
        mixed: whether every batch holds all buckets, for a network that takes clips of different sizes at once;
            they take turns otherwise.
        text_from: name of the weights whose text encoder embeds the captions, and of the base model where the
            degradations are guided by one.
        quality: which clips are good enough, `QualityFilter()` by default.
        augmentation: how references are changed, `ReferenceAugmentation()` by default.
        whole: for networks that draw patches: height and width of what these are part of, see `ShardSettings`.
        reference_dropout: the share of clips with references that are trained on without.
        shares, workers, seed, weights: as for `LatentData`.
    """

    def __init__(
        self,
        clips: str,
        shards: str,
        train: PixelSources,
        degradations: str,
        buckets: list[Bucket],
        variants: int = 2,
        reduction: int = 1,
        mixed: bool = False,
        text_from: str = "text_to_video",
        quality: QualityFilter | None = None,
        augmentation: ReferenceAugmentation | None = None,
        whole: int | None = None,
        reference_dropout: float = 0.1,
        shares: dict[str, float] | None = None,
        workers: int = 0,
        seed: int = 0,
        weights: str | None = None,
    ):
        super().__init__()
        self.clips, self.shards, self.train = Path(clips), Path(shards), train
        self.settings = ShardSettings(
            read_pipeline(degradations),
            variants,
            reduction,
            quality or QualityFilter(),
            augmentation=augmentation or ReferenceAugmentation(),
            whole=whole,
        )
        self.buckets, self.mixed, self.text_from = buckets, mixed, text_from
        self.reference_dropout = reference_dropout
        self.shares, self.workers, self.seed, self.weights = shares, workers, seed, weights

    def prepare_data(self) -> None:
        musiq = None if self.settings.quality.musiq is None else Musiq().score
        autoencoder, text = self._models()
        if self.settings.is_guided:
            self._check_guide(autoencoder, text)
        build_pixels(self.clips, self.train)

        def embed(caption: str) -> Tensor:
            states, mask = encode_prompts(text.tokenizer, text.text_encoder, [caption])
            return states[mask]  # (L, d)

        manifest = build_shards(
            self.shards,
            self.clips,
            self.settings,
            lambda v: encode_to_latents(autoencoder, v),
            encoder_hash(autoencoder),
            embed,
            text_hash(text),
            lambda caption: Redrawing(text, caption),
            musiq,
        )
        rank_zero_info(f"{self.shards}: {manifest.summary()}")

    def dataset(self) -> ShardClips:
        """The clips that batches are cut from."""
        autoencoder, text = self._models()
        hashes = encoder_hash(autoencoder), text_hash(text)
        return ShardClips(self.shards, *hashes, self.shares, self.seed, self.reference_dropout)

    def train_dataloader(self) -> DataLoader:
        return stream(self.dataset(), self.buckets, self.trainer.global_step, self.workers, collate, self.mixed)

    def _models(self) -> tuple[ModelMixin, VideoPipeline]:
        return load("autoencoder", self.weights), load(self.text_from, self.weights)

    def _check_guide(self, autoencoder: ModelMixin, base: VideoPipeline) -> None:
        """Raise ValueError unless `base` draws videos, as latents of the autoencoder."""
        if not isinstance(base, TextToVideoPipeline):
            raise ValueError(
                f"text_from={self.text_from}: no base model, which model_guided degradations need; allowed weights of"
                " a TextToVideoPipeline; try text_to_video"
            )
        if encoder_hash(base.autoencoder) != encoder_hash(autoencoder):
            raise ValueError(
                f"text_from={self.text_from}: draws latents of another autoencoder than that of weights={self.weights};"
                " allowed a base model of the same; try one that was trained with it"
            )


def encoder_hash(autoencoder: ModelMixin) -> str:
    """The SHA-256 of all that latents depend on: every weight but the decoder's, and the latents' statistics."""
    names = ("latents_mean", "latents_std", "scaling_factor", "shift_factor")
    statistics = repr(tuple(autoencoder.config[name] for name in names if autoencoder.config.get(name) is not None))
    weights = {k: v for k, v in autoencoder.state_dict().items() if not k.startswith("decoder.")}
    return _hash(statistics, weights)


def text_hash(pipeline: VideoPipeline) -> str:
    """The SHA-256 of all that a text's embedding depends on: the tokenizer and the text encoder's weights."""
    return _hash(pipeline.tokenizer.backend_tokenizer.to_str(), pipeline.text_encoder.state_dict())


def _hash(settings: str, weights: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(settings.encode())
    for name, weight in sorted(weights.items()):
        digest.update(name.encode() + (weight.cpu() + 0.0).numpy().tobytes())  # -0 is 0
    return digest.hexdigest()
