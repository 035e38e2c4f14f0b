"""UniMMVSR's hybrid conditioning against all by token, and beside them all by channel: a benchmark."""

import torch

from cvsr.evaluation.cost import count_flops, least_seconds
from cvsr.pipelines.references import AREA
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL
from cvsr.presets import Preset
from cvsr.systems.unimmvsr import DESIGNS, build_unimmvsr

IMAGES = 3  # ID images of a clip, as many as training shows at most
TEXT_TOKENS = 16


@torch.no_grad()
def designs(preset: Preset, rounds: int) -> tuple[float, dict[str, str]]:
    """Time of one prediction in each design, for a whole clip of the preset and its ID images.

    Returns hybrid ÷ token and everything in words, what the operations alone predict included.
    """
    channels, side = preset.autoencoder.latent_channels, round(AREA**0.5) // SPATIAL
    size = (1 + preset.frames // TEMPORAL, preset.pixels // SPATIAL, preset.pixels // SPATIAL)
    inputs = {
        "hidden_states": torch.randn(1, 2 * channels, *size),
        "timestep": torch.tensor([0.5]),
        "encoder_hidden_states": torch.randn(1, TEXT_TOKENS, preset.text.width),
        "micro_conditions": {"noise_level": torch.tensor([0.3])},
        "references": [[torch.randn(channels, 1, side, side) for _ in range(IMAGES)]],
    }
    networks = {name: build_unimmvsr(preset, ["a ball"], name).transformer.eval() for name in DESIGNS}
    calls = {name: lambda network=network: network(**inputs).sample for name, network in networks.items()}
    seconds = least_seconds(calls, rounds)
    flops = {name: count_flops(call) for name, call in calls.items()}
    sides = {name: f"{1e3 * seconds[name]:.0f} ms for {flops[name] / 1e9:.1f} GFLOP" for name in calls}
    sides["tokens of target and references"] = f"{size[0] * size[1] * size[2]} and {IMAGES * side**2}"
    sides["what the operations predict"] = f"{flops['hybrid'] / flops['token']:.2f}"
    return seconds["hybrid"] / seconds["token"], sides
