"""The common ground of all systems: a text-to-video model, then super-resolution by channel concatenation.

Both stages work on one autoencoder's latents; each has a small text encoder, trained with it. The second
network sees the noisy latents and, beside them, those of the bicubically enlarged video with some noise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from cvsr.diffusion.schedulers import Scheduler, euler_scheduler
from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.models.text import TextEncoder, build_text_encoder, build_tokenizer
from cvsr.models.transformer import VideoTransformer
from cvsr.presets import Preset


@dataclass(frozen=True)
class Stage:
    """The parts of a stage, by the names its pipeline takes them: `TextToVideoPipeline(**vars(stage))`."""

    autoencoder: VideoAutoencoder
    tokenizer: PreTrainedTokenizerBase
    text_encoder: TextEncoder
    transformer: VideoTransformer
    scheduler: Scheduler


def build_text_to_video(preset: Preset, captions: Iterable[str]) -> Stage:
    """An untrained base model, with a tokenizer made from the captions."""
    autoencoder = VideoAutoencoder(**vars(preset.autoencoder))
    text = preset.text
    tokenizer = build_tokenizer(captions, text.vocab_size)
    channels = preset.autoencoder.latent_channels
    return Stage(
        autoencoder=autoencoder,
        tokenizer=tokenizer,
        text_encoder=build_text_encoder(tokenizer, text.width, text.depth, text.heads),
        transformer=VideoTransformer(channels, channels, text_width=text.width, **vars(preset.base)),
        scheduler=euler_scheduler(),
    )


def build_super_resolution(preset: Preset, captions: Iterable[str]) -> Stage:
    """An untrained super-resolution model with its own text encoder: both stages train at the same time."""
    channels = preset.autoencoder.latent_channels
    transformer = VideoTransformer(
        in_channels=2 * channels,  # the noisy latents and the low-resolution ones
        out_channels=channels,
        text_width=preset.text.width,
        micro_conditions=["noise_level"],
        **vars(preset.super_resolution),
    )
    return replace(build_text_to_video(preset, captions), transformer=transformer)
