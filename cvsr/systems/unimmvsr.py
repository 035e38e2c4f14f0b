"""UniMMVSR: one super-resolution model for text, ID images and reference videos.

    text        ── text encoder ──────────────────────────────────────────────┐
    input       ── enlarge ── encode ── mid-range noise ──┐ by channel         │
    noise       ──────────────────────────────────────────┴── target tokens ──┼─ hybrid transformer × steps ── decode
    ID images   ── encode ────────────────────────────────── more tokens ─────┤
    ref. videos ── encode ────────────────────────────────── more tokens ─────┘

The parts: hybrid conditioning and separated positions (section 3.2, `cvsr.models.hybrid_transformer`); inputs that
lost the identity which a reference still has (section 3.3, appendix A.4, `cvsr.data.degradations`); references that
differ in pose, light and time from what they refer to (section 3.4, `cvsr.data.reference_augmentation`); training from
the difficult task, text alone, to the easier ones (section 3.4); guidance by text and by reference, each for itself
(appendix A.3).
"""

from collections.abc import Iterable
from dataclasses import replace

from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.models.channel_transformer import ChannelTransformer
from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.token_transformer import TokenTransformer
from cvsr.presets import Preset
from cvsr.systems.base import Stage, build_text_to_video

NOISE = NoiseRange(0.2, 0.6)  # levels on the input's latents in training, section 4.1.1
DESIGNS = {  # of the conditioning; the second and third are the ablations of table 2
    "hybrid": HybridTransformer,
    "channel": ChannelTransformer,
    "token": TokenTransformer,
}


def build_unimmvsr(
    preset: Preset, captions: Iterable[str], conditioning: str = "hybrid", positions: str = "separated"
) -> Stage:
    """An untrained UniMMVSR, with a tokenizer made from the captions, as large as the preset's first SR model.

    Args:
        preset: its sizes.
        captions: that the tokenizer is made from.
        conditioning: one of `DESIGNS`: the input by channel and references by token, all by channel, or all by token.
        positions: of references that are tokens, see `HybridTransformer`; by channel they have none of their own.

    Raises:
        ValueError: another design, or positions that it does not have.
    """
    if conditioning not in DESIGNS:
        raise ValueError(f"conditioning={conditioning!r}: unknown; allowed {list(DESIGNS)}; try 'hybrid'")
    by_channel = conditioning == "channel"
    if by_channel and positions != "separated":
        raise ValueError(f"positions={positions!r}: by channel there are none; allowed the default; try 'hybrid'")
    channels, size = preset.autoencoder.latent_channels, preset.super_resolution
    transformer = DESIGNS[conditioning](
        in_channels=2 * channels,  # the noisy latents and the low-resolution ones
        out_channels=channels,
        reference_channels=channels,
        patch_size=size.patch_size,
        width=size.width,
        depth=size.depth,
        heads=size.heads,
        text_width=preset.text.width,
        micro_conditions=["noise_level"],
        **({} if by_channel else {"positions": positions}),
    )
    return replace(build_text_to_video(preset, captions), transformer=transformer)
