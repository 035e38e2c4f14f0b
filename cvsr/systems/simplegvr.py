"""SimpleGVR: super-resolution on the latents of the base model, with nothing decoded or encoded in between.

    text          ── text encoder ─────────────────────────────────┐
    small latents ── 3D CNN, bilinear, 3D CNN ── mid-range noise ──┼─ transformer × steps ── decode ── result
    noise         ─────────────────────────────────────────────────┘

The parts: the latent upsampler, trained with the transformer (section 4.1); training pairs from first-order damage,
then from flow-based and model-guided degradation (section 4.2, `cvsr.data.degradations`); noise on the small latents
from the middle range (section 4.3, `cvsr.diffusion.noise_augmentation`). A real clip has its latents made by the
autoencoder, at its own small size. Attention stays in units of time (section 4.4, `cvsr.models.temporal_units`), so
that weights from 17 frames serve 77; in the third stage of training it becomes sparse and local, too.

The small latents are a bet on the base model. It draws in latents, and what it meant is in them; a real clip's have
been through the autoencoder at a quarter of the size, where little of it is left. On the kit's own generated videos
this system is ahead of those that enlarge pixels, on real clips it is behind them (`python -m cvsr evaluate cascade`,
`simplegvr`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cvsr.diffusion.noise_augmentation import MIDDLE
from cvsr.models.latent_upsampler import SCALE, LatentUpsampler
from cvsr.presets import Preset
from cvsr.systems.base import Stage, build_super_resolution

REDUCTION = SCALE  # how much smaller its input's sides are
TEMPORAL_UNIT = 5  # latent frames that attend to each other, shifted by half in every second layer; section 4.4
NOISE = MIDDLE  # levels in training, section 5.1.4


@dataclass(frozen=True)
class LatentStage(Stage):
    """The parts of a stage, and the upsampler before them."""

    upsampler: LatentUpsampler


def build_simplegvr(preset: Preset, captions: Iterable[str]) -> LatentStage:
    """An untrained SimpleGVR, with a tokenizer made from the captions."""
    stage = build_super_resolution(preset, captions)
    stage.transformer.use_attention(temporal_unit=TEMPORAL_UNIT)
    return LatentStage(
        **vars(stage),
        upsampler=LatentUpsampler(preset.autoencoder.latent_channels, preset.upsampler_width),
    )
