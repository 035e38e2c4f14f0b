"""SeedVR: restoration at any length and size by a transformer whose attention stays in shifted windows.

    text  ── text encoder ──────────────────────────┐
    input ── enlarge ── encode ── some noise ──┐     │
    noise ─────────────────────────────────────┼─ Swin-MMDiT × steps ── decode ── colours of the input ── result
    mask  ─────────────────────────────────────┘

The parts: the causal autoencoder (section 3.2; `cvsr.models.streaming` carries clips of any length and frames of any
size through it), Swin-MMDiT (section 3.1), training on precomputed latents with noise in the condition and the text
left out at times (section 3.3), Euler sampling. The released models concatenate 16 noisy channels, 16 of the input and
one mask; ours has the latent channels of its preset.
"""

from collections.abc import Iterable
from dataclasses import replace

from cvsr.models.swin_mmdit import SwinMMDiT
from cvsr.presets import Preset
from cvsr.systems.base import Stage, build_text_to_video


def build_seedvr(preset: Preset, captions: Iterable[str]) -> Stage:
    """An untrained SeedVR, with a tokenizer made from the captions."""
    channels = preset.autoencoder.latent_channels
    transformer = SwinMMDiT(
        in_channels=2 * channels + 1,  # the noisy latents, those of the input, the mask
        out_channels=channels,
        text_width=preset.text.width,
        micro_conditions=["noise_level"],
        **vars(preset.seedvr),
    )
    return replace(build_text_to_video(preset, captions), transformer=transformer)
