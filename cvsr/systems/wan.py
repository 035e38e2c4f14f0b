"""Wan 2.1 as base model and as what a super-resolution model starts from: the full profile.

    text          ── UMT5 ──────────────────────────────────────┐
    noise         ───────────────────────────────────────── Wan × steps ── small latents ─┐
                                                                                          │ as pixels, or as they are
    text          ── UMT5 ──────────────────────────────────────┐                         │
    small video   ── enlarge ── Wan's encoder ── some noise ──┐ │     ┌───────────────────┘
    noise         ────────────────────────────────────────────┴─ Wan, widened × steps ── Wan's decoder ── result

The parts: Wan 2.1's causal autoencoder, 16 channels of 4×8×8 pixels, the UMT5 encoder and the transformer (Wan team
2025, "Wan: open and advanced large-scale video generative models", section 4), as a user has them in a folder of
diffusers. The second transformer begins as the first one, with channels for the input and its noise level that nothing
is read from yet (`cvsr.models.wan_transformer`), as the papers' systems begin as their text-to-video models (SimpleGVR
section 5.1.4, UniMMVSR section 4.1.1), and is trained whole or by LoRA (`cvsr.training.wan_super_resolution`).
"""

from collections.abc import Iterable
from dataclasses import replace

from diffusers import AutoencoderKLWan, WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

from cvsr.diffusion.noise_augmentation import MIDDLE
from cvsr.diffusion.schedulers import euler_scheduler
from cvsr.models.latent_space import latent_channels
from cvsr.models.text import build_tokenizer
from cvsr.models.wan_transformer import WanVideoTransformer
from cvsr.presets import WanSize
from cvsr.systems.base import Stage

NOISE = MIDDLE  # levels on the input's latents in training, SimpleGVR section 5.1.4


def build_wan(size: WanSize, captions: Iterable[str]) -> Stage:
    """An untrained base model of a row of `cvsr.presets.WAN`, with a tokenizer made from the captions."""
    tokenizer = build_tokenizer(captions, 300)
    return Stage(
        autoencoder=AutoencoderKLWan(**size.autoencoder).eval(),
        tokenizer=tokenizer,
        text_encoder=UMT5EncoderModel(UMT5Config(**size.text_encoder)).eval(),
        transformer=WanVideoTransformer.from_wan(WanTransformer3DModel(**size.transformer)),
        scheduler=euler_scheduler(shift=3.0),  # the shift of the released 480p models
    )


def to_super_resolution(base: Stage) -> Stage:
    """The stage of a super-resolution model that begins as a base model: one that does not look at its input yet.

    All other parts are the base's own.
    """
    channels = latent_channels(base.autoencoder)
    wide = WanVideoTransformer.from_wan(base.transformer, 2 * channels, ["noise_level"])
    return replace(base, transformer=wide)
