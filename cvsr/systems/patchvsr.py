"""PatchVSR: any resolution from a network of one size, patch by patch.

    text        ── text encoder ───────────────────────────────────────────────────┐
    input       ── enlarge ── encode ── some noise ──┬── patches ── base + LoRA ────┼── joint modulation ── decode
                                                     └── patches ── patch branch ───┤      × steps
    whole input ── reduce ── encode, mask of each patch ────────── global branch ───┤
    noise       ───────────────────────────────────────── patches ──────────────────┘

The parts: the dual-stream adapter around a network for whole clips (section 3.2, `cvsr.models.patch_transformer`);
multi-patch joint modulation, which blends what the network predicts of overlapping patches in every step (section 3.3,
`cvsr.diffusion.joint_modulation`); training on random patches of larger clips, enlarged by a random factor that the
network is told, with a little noise (section 4.1). Told a larger factor than the true one it draws more detail (figure
6). Self-attention stays in patches, so that the cost of a clip grows as its pixels do (section 4.4).

The paper adapts a text-to-video model of 512×512 pixels. The kit's draws 64×64: its first super-resolution model, which
enlarges what lies beside its noise, is the base here, at 128×128.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.models.patch_transformer import PatchTransformer
from cvsr.presets import Preset
from cvsr.systems.base import Stage, build_text_to_video

NOISE = NoiseRange(0.2, 0.3)  # levels on the latents of a patch's input in training, section 4.1
SCALES = (1.0, 4.0)  # how many times inputs are enlarged in training, figure 6


def build_patchvsr(preset: Preset, captions: Iterable[str], **changes: Any) -> Stage:
    """An untrained PatchVSR, with a tokenizer made from the captions, around a base of the first SR model's size.

    `changes` are to the network, by the names of `PatchTransformer`'s arguments, as for the ablations of table 2.
    """
    channels, size = preset.autoencoder.latent_channels, preset.super_resolution
    of_preset = {
        "in_channels": 2 * channels,  # the noisy latents and those of the patch's input
        "out_channels": channels,
        "patch_size": size.patch_size,
        "width": size.width,
        "depth": size.depth,
        "heads": size.heads,
        "attention": size.attention,
        "text_width": preset.text.width,
        **vars(preset.patchvsr),
    }
    transformer = PatchTransformer(**of_preset | changes)
    return replace(build_text_to_video(preset, captions), transformer=transformer)
