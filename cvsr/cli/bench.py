"""`python -m cvsr bench`: performance as ratios, both sides of each measured in turns in the same run."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from cvsr.cli import (
    bench_attention,
    bench_cascade,
    bench_patches,
    bench_references,
    bench_sparse,
    bench_streaming,
)
from cvsr.cli.memory import keep_freed_memory
from cvsr.cli.session import device
from cvsr.data.resize import resize
from cvsr.diffusion.guidance import classifier_free_guidance, guided_prediction
from cvsr.evaluation.cost import count_flops, least_seconds, matrix_product, peak_bytes
from cvsr.measurements.results import describe_machine
from cvsr.models.autoencoder import VideoAutoencoder, decode_from_latents, encode_to_latents
from cvsr.models.latent_upsampler import LatentUpsampler
from cvsr.models.transformer import VideoTransformer
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL
from cvsr.presets import PRESETS, Preset

ROUNDS = 5
TEXT_TOKENS = 16


@dataclass(frozen=True)
class Measurement:
    """A ratio, its two sides (and what else was counted), and what it should be."""

    ratio: float
    meaning: str
    target: str
    sides: dict[str, str]


def bench(*, name: str, json: str | None) -> int:
    """Run one benchmark on the teaching models, print it, and write it to a file if one is named."""
    if json and not Path(json).resolve().parent.is_dir():
        raise ValueError(
            f"json={json}: no such folder; allowed a file in an existing one; try --json bench.json"
        )
    keep_freed_memory()
    torch.manual_seed(0)
    with torch.device(device()):
        measured = MEASURED[name](PRESETS["teaching"])
    table = Table("side", "measured", title=f"{name} on {describe_machine()}", title_justify="left")
    for side, figure in measured.sides.items():
        table.add_row(side, figure)
    table.add_section()
    table.add_row(f"[bold]{measured.meaning}[/]", f"[bold]{measured.ratio:.2f}[/] (target {measured.target})")
    Console().print(table)
    if json:
        _write(Path(json), {"name": name, "machine": describe_machine(), **asdict(measured)})
    return 0


@torch.no_grad()
def decode(preset: Preset) -> Measurement:
    """The decoder's operations a second against a matrix product's."""
    autoencoder = VideoAutoencoder(**vars(preset.autoencoder)).eval()
    z = torch.randn(1, preset.autoencoder.latent_channels, 3, 16, 16)
    pixels = autoencoder.decode(z).sample[0, 0].numel()

    def run():
        return autoencoder.decode(z)

    flops = count_flops(run)
    sides = {"MFLOP a pixel": f"{flops / pixels / 1e6:.3f} (target ≤ 0.15)"}
    return _against_product(run, flops, "decoder", "≥ 0.70", sides)


@torch.no_grad()
def transformer(preset: Preset) -> Measurement:
    """The transformer's operations a second against a matrix product's."""
    network, inputs = _network(preset, batch=1, frames=5, side=32)

    def run():
        return network(**inputs)

    return _against_product(run, count_flops(run), "transformer", "≥ 0.65", {})


@torch.no_grad()
def guidance(preset: Preset) -> Measurement:
    """A guided prediction in one batch against two calls of the network."""
    network, inputs = _network(preset, batch=1, frames=5, side=16)
    mask = inputs.pop("encoder_attention_mask")
    level = inputs.pop("micro_conditions")["noise_level"]
    guider = classifier_free_guidance(3.0)

    def predict(encoder_attention_mask, noise_level, **others):
        levels = {"noise_level": noise_level}
        return network(
            encoder_attention_mask=encoder_attention_mask, micro_conditions=levels, **others
        ).sample

    def batched():
        pair = (mask, torch.zeros_like(mask))
        return guided_prediction(
            guider, predict, inputs | {"encoder_attention_mask": pair, "noise_level": level}, 0, 1
        )

    def separate():
        return [predict(each, level, **inputs) for each in (mask, torch.zeros_like(mask))]

    return _of_times({"one batch": batched, "two calls": separate}, "one batch ÷ two calls", "≤ 1.00")


def latents(preset: Preset) -> Measurement:
    """A training step that encodes its videos against one that finds their latents stored."""
    autoencoder = VideoAutoencoder(**vars(preset.autoencoder)).eval()
    network, inputs = _network(preset, batch=2, frames=3, side=16)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    video = torch.rand(2, 3, 9, 128, 128) * 2 - 1

    def encode():
        small = resize(video, 32, 32)
        with torch.no_grad():
            truth = encode_to_latents(autoencoder, video)
            return torch.cat([truth, encode_to_latents(autoencoder, resize(small, 128, 128))], dim=1)

    def step(hidden_states):
        loss = network(**inputs | {"hidden_states": hidden_states}).sample.square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    stored = encode()
    sides = {"encoding on the way": lambda: step(encode()), "stored latents": lambda: step(stored)}
    online, offline = (count_flops(side) for side in sides.values())
    measured = _of_times(sides, "encoding on the way ÷ stored latents", "≥ 4")
    measured.sides["what the operations predict"] = f"{online / offline:.2f}"
    return measured


def attention(preset: Preset) -> Measurement:
    """Attention in windows against a loop over windows; beside them padded windows and full attention."""
    heads = preset.seedvr.heads
    sides, (loop, padded) = bench_attention.measure(heads, preset.seedvr.width // heads, ROUNDS)
    sides["ours ÷ padded, with a mask"] = f"{padded:.2f} (target ≤ 0.20)"
    return Measurement(loop, "ours ÷ loop over windows, largest size", "≤ 0.80", sides)


def sparse(preset: Preset) -> Measurement:
    """Sparse local attention against full attention; beside it 77 frames in temporal units against 17."""
    size = preset.super_resolution
    ratio, sides = bench_sparse.against_full(size.heads, size.width // size.heads, ROUNDS)
    sides |= bench_sparse.long_against_short(*_network(preset, batch=1, frames=5, side=16), ROUNDS)
    return Measurement(ratio, "sparse ÷ full, in units of 2S/N, largest size", "≤ 1.30", sides)


@torch.no_grad()
def handover(preset: Preset) -> Measurement:
    """From the base model's latents to super-resolution's: by the latent upsampler, and through pixels."""
    autoencoder = VideoAutoencoder(**vars(preset.autoencoder)).eval()
    upsampler = LatentUpsampler(preset.autoencoder.latent_channels, preset.upsampler_width).eval()
    side = preset.base_pixels // SPATIAL
    small = torch.randn(1, preset.autoencoder.latent_channels, 1 + preset.frames // TEMPORAL, side, side)

    def upsample():
        return upsampler(small)

    def through_pixels():
        video = decode_from_latents(autoencoder, small)
        return encode_to_latents(autoencoder, resize(video, preset.pixels, preset.pixels))

    measured = _of_times(
        {"latent upsampler": upsample, "decode, resize, encode": through_pixels}, "upsampler ÷ through pixels", "≤ 1.00"
    )
    ours, theirs = (peak_bytes(call) for call in (upsample, through_pixels))
    measured.sides["memory of both"] = f"{ours / 2**20:.1f} and {theirs / 2**20:.1f} MiB"
    measured.sides["their ratio"] = f"{ours / theirs:.2f}"
    return measured


def references(preset: Preset) -> Measurement:
    """References as tokens beside a target that holds its input, against tokens for the input, too."""
    ratio, sides = bench_references.designs(preset, max(1, ROUNDS // 2))  # of ten seconds and more each
    return Measurement(ratio, "hybrid conditioning ÷ all by token", "≤ 0.55", sides)


def patches(preset: Preset) -> Measurement:
    """A frame's prediction joined from overlapping patches, against one pass over those that do not overlap."""
    ratio, sides = bench_patches.joinings(preset, max(1, ROUNDS // 2))
    return Measurement(ratio, "joint modulation ÷ one pass, over their areas' ratio", "≤ 1.05", sides)


def cascade(preset: Preset) -> Measurement:
    """A frame enlarged to 4K against one to 1080 lines, which has a quarter of the pixels."""
    large, small = (spent := bench_cascade.seconds(preset)).values()
    sides = {size: f"{value:.1f} s" for size, value in spent.items()}
    return Measurement(large / small, "4K ÷ 1080 lines", "≤ 4.30", sides)


def streaming(preset: Preset) -> Measurement:
    """Decoding piece by piece: time with Wan's autoencoder against diffusers' ways, memory with the kit's own."""
    spent = bench_streaming.seconds(ROUNDS)
    ours, tiled, whole = spent.values()
    short, long = bench_streaming.memory(VideoAutoencoder(**vars(preset.autoencoder)).eval()).values()
    sides = {side: f"{value:.2f} s" for side, value in spent.items()}
    sides["streamed ÷ whole frames"] = f"{ours / whole:.2f} (target ≤ 0.90)"
    sides["memory of 17 and 77 frames, ours"] = f"{short / 2**20:.1f} and {long / 2**20:.1f} MiB"
    sides["77 ÷ 17 frames"] = f"{long / short:.3f} (target ≤ 1.05)"
    return Measurement(ours / tiled, "Wan, streamed ÷ diffusers' tiles", "≤ 0.60", sides)


MEASURED = {
    "decode": decode,
    "transformer": transformer,
    "guidance": guidance,
    "latents": latents,
    "attention": attention,
    "sparse": sparse,
    "handover": handover,
    "streaming": streaming,
    "references": references,
    "patches": patches,
    "cascade": cascade,
}


def _network(preset: Preset, batch: int, frames: int, side: int) -> tuple[VideoTransformer, dict]:
    """The super-resolution network and inputs for latents of the given size."""
    channels, width = preset.autoencoder.latent_channels, preset.text.width
    sizes = vars(preset.super_resolution) | {"text_width": width, "micro_conditions": ["noise_level"]}
    inputs = {
        "hidden_states": torch.randn(batch, 2 * channels, frames, side, side),
        "timestep": torch.full((batch,), 0.5),
        "encoder_hidden_states": torch.randn(batch, TEXT_TOKENS, width),
        "encoder_attention_mask": torch.ones(batch, TEXT_TOKENS, dtype=torch.bool),
        "micro_conditions": {"noise_level": torch.zeros(batch)},
    }
    return VideoTransformer(2 * channels, channels, **sizes), inputs


def _against_product(run, flops: int, label: str, target: str, sides: dict[str, str]) -> Measurement:
    product, product_flops = matrix_product(device=device())
    seconds = least_seconds({"run": run, "product": product}, ROUNDS)
    rate, peak = flops / seconds["run"], product_flops / seconds["product"]
    sides |= {label: f"{rate / 1e9:.1f} GFLOP/s", "matrix product": f"{peak / 1e9:.1f} GFLOP/s"}
    return Measurement(rate / peak, f"{label} ÷ matrix product", target, sides)


def _of_times(sides: dict, meaning: str, target: str) -> Measurement:
    (first, above), (second, below) = least_seconds(sides, ROUNDS).items()
    return Measurement(
        above / below, meaning, target, {first: f"{1e3 * above:.1f} ms", second: f"{1e3 * below:.1f} ms"}
    )


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
