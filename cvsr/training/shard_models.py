"""The models that shards are made with: whose latents, whose text embeddings, and who draws again what is degraded.

They are named here and loaded where shards are made, which may be in many processes (`cvsr.data.shards_ray`).
"""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import ModelMixin
from torch import Tensor

from cvsr.data.files import content_hash
from cvsr.data.shards_encoding import Models
from cvsr.data.shards_settings import ShardSettings
from cvsr.evaluation.judges import Judge
from cvsr.models.autoencoder import encode_to_latents
from cvsr.models.text import encode_prompts
from cvsr.pipelines.base import VideoPipeline
from cvsr.pipelines.redrawing import Redrawing
from cvsr.pipelines.store import load
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.wan import load_wan


class ShardModels(ABC):
    """Which models; equal ones have equal hashes."""

    @abstractmethod
    def parts(self, settings: ShardSettings) -> tuple[ModelMixin, VideoPipeline]:
        """The autoencoder, and a pipeline with the text encoder: that of a base model if the settings ask for one.

        Raises:
            ValueError: they ask for one, and it is none, or of another autoencoder.
        """

    @abstractmethod
    def hashes(self) -> tuple[str, str]:
        """What tells the autoencoder, and the text encoder, from others."""

    def load(self, settings: ShardSettings) -> Models:
        """What is asked about every clip."""
        musiq = None if settings.quality.musiq is None else Judge("musiq").score
        autoencoder, base = self.parts(settings)

        def encode(video: Tensor) -> Tensor:
            return encode_to_latents(autoencoder, video.to(autoencoder.device)).cpu()

        def embed(caption: str) -> Tensor:
            states, mask = encode_prompts(base.tokenizer, base.text_encoder, [caption])
            return states[mask].float()  # (L, d)

        return Models(encode, embed, lambda caption: Redrawing(base, caption), musiq)


@dataclass(frozen=True)
class ShippedModels(ShardModels):
    """Those of a weights folder.

    Attributes:
        text_from: name of the weights whose text encoder embeds the captions, and of the base model.
        weights: the folder; the repository's by default.
    """

    text_from: str = "text_to_video"
    weights: str | None = None

    def parts(self, settings: ShardSettings) -> tuple[ModelMixin, VideoPipeline]:
        autoencoder, base = self._load()
        if settings.is_guided:
            self._check_guide(autoencoder, base)
        return autoencoder, base

    def hashes(self) -> tuple[str, str]:
        autoencoder, base = self._load()
        return encoder_hash(autoencoder), text_hash(base)

    def _load(self) -> tuple[ModelMixin, VideoPipeline]:
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


@dataclass(frozen=True)
class WanModels(ShardModels):
    """Those of a folder of Wan 2.1.

    Attributes:
        folder: as for `cvsr.pipelines.wan.load_wan`.
        device: where they run; by default the GPU if there is one.
    """

    folder: str
    device: str | None = None

    def parts(self, settings: ShardSettings) -> tuple[ModelMixin, VideoPipeline]:
        device = torch.device(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        base = TextToVideoPipeline(**vars(load_wan(self.folder, dtype))).to(device)
        return base.autoencoder, base

    def hashes(self) -> tuple[str, str]:
        """Of files: who trains need not load what is only read here."""
        folder = Path(self.folder)
        vae, encoder, tokenizer = (content_hash(folder / part) for part in ("vae", "text_encoder", "tokenizer"))
        return vae, encoder + tokenizer


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
