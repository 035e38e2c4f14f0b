"""What Lightning trains on: folders that are built once, and endless, exactly resumable streams out of them."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_info
from torch.utils.data import DataLoader

from cvsr.data.degradations.pipeline import read_pipeline
from cvsr.data.filtering import QualityFilter
from cvsr.data.latents import LatentClips, build_latents
from cvsr.data.pixel_sources import PixelSources
from cvsr.data.pixels import PixelClips, WholeClips, build_pixels
from cvsr.data.reference_augmentation import ReferenceAugmentation
from cvsr.data.shards import build_shards
from cvsr.data.shards_ray import build_shards_by_ray
from cvsr.data.shards_reading import ShardClips, collate
from cvsr.data.shards_settings import ShardSettings
from cvsr.data.stream import Bucket, stream
from cvsr.models.autoencoder import encode_to_latents
from cvsr.pipelines.store import load
from cvsr.training.processes import part
from cvsr.training.shard_models import ShardModels, ShippedModels, encoder_hash


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
        return stream(clips, self.buckets, self.trainer.global_step, self.workers, part=part())

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
        return stream(latents, self.buckets, self.trainer.global_step, self.workers, part=part())


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
        models: whose latents and text embeddings, in place of `text_from` and `weights`.
        ray_workers: how many processes build the shards, by Ray; 0: this one does.
        ray_gpus: of each of them.
        quality: which clips are good enough, `QualityFilter()` by default.
        augmentation: how references are changed, `ReferenceAugmentation()` by default.
        whole: for networks that draw patches: height and width of what these are part of, see `ShardSettings`.
        mistaken_redrawn: how often mistaken clips are drawn again, see `ShardSettings`.
        reference_dropout: the share of clips with references that are trained on without.
        wrong_references: the share of the others that are shown those of another clip.
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
        models: ShardModels | None = None,
        ray_workers: int = 0,
        ray_gpus: float = 0.0,
        quality: QualityFilter | None = None,
        augmentation: ReferenceAugmentation | None = None,
        whole: int | None = None,
        mistaken_redrawn: float = 0.0,
        reference_dropout: float = 0.1,
        wrong_references: float = 0.0,
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
            mistaken_redrawn=mistaken_redrawn,
        )
        self.buckets, self.mixed = buckets, mixed
        self.reference_dropout, self.wrong_references = reference_dropout, wrong_references
        self.models = models or ShippedModels(text_from, weights)
        self.ray_workers, self.ray_gpus = ray_workers, ray_gpus
        self.shares, self.workers, self.seed = shares, workers, seed

    def prepare_data(self) -> None:
        if self.ray_workers:
            build_pixels(self.clips, self.train)
            make = partial(self.models.load, self.settings)
            given = (self.shards, self.clips, self.settings, make, *self.models.hashes())
            manifest = build_shards_by_ray(*given, self.ray_workers, self.ray_gpus)
        else:
            models, (codec, text_encoder) = self.models.load(self.settings), self.models.hashes()
            build_pixels(self.clips, self.train)
            given = (models.encode, codec, models.embed, text_encoder, models.guide, models.musiq)
            manifest = build_shards(self.shards, self.clips, self.settings, *given)
        rank_zero_info(f"{self.shards}: {manifest.summary()}")

    def dataset(self) -> ShardClips:
        """The clips that batches are cut from."""
        drawn = (self.shares, self.seed, self.reference_dropout, self.wrong_references)
        return ShardClips(self.shards, *self.models.hashes(), *drawn)

    def train_dataloader(self) -> DataLoader:
        return stream(
            self.dataset(), self.buckets, self.trainer.global_step, self.workers, collate, self.mixed, part()
        )
