"""Named sizes of every model, one readable table. Code takes its numbers and never asks for a profile's name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class AutoencoderSize:
    """Arguments of `VideoAutoencoder`."""

    latent_channels: int
    width: int
    encoder_depth: int
    decoder_depth: int
    fine_width: int
    encoder_fine_depth: int
    decoder_fine_depth: int


@dataclass(frozen=True)
class TextSize:
    """Arguments of `build_tokenizer` and `build_text_encoder`."""

    vocab_size: int
    width: int
    depth: int
    heads: int


@dataclass(frozen=True)
class TransformerSize:
    """Arguments of `VideoTransformer` that are a matter of size; channels follow from the other models."""

    width: int
    depth: int
    heads: int
    attention: str
    frame_positions: bool
    patch_size: tuple[int, int, int]  # latent positions in one token


@dataclass(frozen=True)
class SwinSize:
    """Arguments of `SwinMMDiT` that are a matter of size."""

    width: int
    depth: int
    separate_depth: int
    heads: int
    patch_size: tuple[int, int, int]
    window_rule: str
    window: tuple[int, int, int]


@dataclass(frozen=True)
class PatchSize:
    """Arguments of `PatchTransformer` that are a matter of size, beside those of the SR model that it adapts."""

    sample_size: int  # height and width of a patch, in latents
    patch_depth: int
    global_depth: int
    lora_rank: int


@dataclass(frozen=True)
class WanSize:
    """A model of Wan 2.1's kind: arguments of diffusers' and transformers' classes where they are not the default."""

    autoencoder: Mapping[str, Any]  # of AutoencoderKLWan
    text_encoder: Mapping[str, Any]  # of UMT5Config
    transformer: Mapping[str, Any]  # of WanTransformer3DModel


@dataclass(frozen=True)
class Preset:
    """One profile: the cascade's models and the videos they are made for."""

    autoencoder: AutoencoderSize
    text: TextSize
    base: TransformerSize
    super_resolution: TransformerSize
    seedvr: SwinSize
    patchvsr: PatchSize
    upsampler_width: int  # of SimpleGVR's latent upsampler
    frames: int  # 4n + 1
    base_pixels: int  # height and width of the base video
    pixels: int  # of the enlarged one


@dataclass(frozen=True)
class Sampling:
    """How the pipelines sample unless they are told otherwise."""

    base_steps: int  # Euler steps of text to video
    guidance_scale: float  # of text to video
    steps: int  # Euler steps of super-resolution
    strength: float  # noise on the low-resolution latents, 0 to 1
    detail: float  # how strongly what super-resolution adds is drawn in busy places
    consistency: int  # rounds of back-projection onto the input
    fps: int  # of generated videos


SAMPLING = Sampling(
    base_steps=30, guidance_scale=2.0, steps=1, strength=0.0, detail=3.0, consistency=3, fps=8
)
SEEDVR_SAMPLING = replace(SAMPLING, detail=4.2)
UNIMMVSR_SAMPLING = replace(SAMPLING, detail=1.0)
SIMPLEGVR_SAMPLING = replace(SAMPLING, strength=0.3, detail=0.7, consistency=0)  # may leave its input: it repairs
PATCHVSR_SAMPLING = replace(SAMPLING, strength=0.2, detail=2.0)  # of the levels in training the least
WAN_SAMPLING = Sampling(  # base: as Wan's own pipeline; super-resolution: 50 steps of most papers, SimpleGVR's noise
    base_steps=50, guidance_scale=5.0, steps=50, strength=0.3, detail=1.0, consistency=0, fps=16
)

SYSTEMS = {  # name: its folder of weights
    "base": "super_resolution",
    "seedvr": "seedvr",
    "simplegvr": "simplegvr",
    "unimmvsr": "unimmvsr",
    "patchvsr": "patchvsr",
}

PRESETS = {
    # the default: trains and runs on 2 CPU cores
    "teaching": Preset(
        autoencoder=AutoencoderSize(
            latent_channels=48,
            width=96,
            encoder_depth=2,
            decoder_depth=4,
            fine_width=48,
            encoder_fine_depth=1,
            decoder_fine_depth=7,
        ),
        text=TextSize(vocab_size=1024, width=128, depth=2, heads=4),
        base=TransformerSize(
            width=192,
            depth=6,
            heads=6,
            attention="spatial+full",
            frame_positions=True,
            patch_size=(1, 1, 1),  # 64 px are 8×8 latent positions: larger patches cannot draw a shape
        ),
        super_resolution=TransformerSize(
            width=192, depth=6, heads=6, attention="full", frame_positions=False, patch_size=(1, 1, 1)
        ),
        seedvr=SwinSize(
            width=192,
            depth=6,
            separate_depth=2,
            heads=6,
            patch_size=(1, 1, 1),
            window_rule="fixed",
            window=(3, 8, 8),
        ),
        patchvsr=PatchSize(sample_size=16, patch_depth=2, global_depth=1, lora_rank=8),
        upsampler_width=96,
        frames=17,
        base_pixels=64,
        pixels=256,
    ),
    # the same classes, as small as they get: for tests
    "tiny": Preset(
        autoencoder=AutoencoderSize(
            latent_channels=4,
            width=8,
            encoder_depth=1,
            decoder_depth=1,
            fine_width=8,
            encoder_fine_depth=1,
            decoder_fine_depth=1,
        ),
        text=TextSize(vocab_size=300, width=16, depth=1, heads=2),
        base=TransformerSize(
            width=16, depth=1, heads=2, attention="spatial+full", frame_positions=True, patch_size=(1, 1, 1)
        ),
        super_resolution=TransformerSize(
            width=16, depth=1, heads=2, attention="full", frame_positions=False, patch_size=(1, 1, 1)
        ),
        seedvr=SwinSize(
            width=16,
            depth=2,
            separate_depth=1,
            heads=2,
            patch_size=(1, 1, 1),
            window_rule="fixed",
            window=(2, 3, 3),
        ),
        patchvsr=PatchSize(sample_size=4, patch_depth=1, global_depth=1, lora_rank=2),
        upsampler_width=8,
        frames=5,
        base_pixels=16,
        pixels=64,
    ),
    # the papers' scale, for a CUDA GPU: 16 latent channels and about 1.3 billion parameters a model
    "full": Preset(
        autoencoder=AutoencoderSize(
            latent_channels=16,
            width=512,
            encoder_depth=6,
            decoder_depth=8,
            fine_width=128,
            encoder_fine_depth=3,
            decoder_fine_depth=4,
        ),
        text=TextSize(vocab_size=32000, width=768, depth=12, heads=12),
        base=TransformerSize(
            width=1536,
            depth=28,
            heads=12,
            attention="spatial+full",
            frame_positions=True,
            patch_size=(1, 2, 2),
        ),
        super_resolution=TransformerSize(
            width=1536, depth=28, heads=12, attention="full", frame_positions=False, patch_size=(1, 2, 2)
        ),
        seedvr=SwinSize(  # the sizes of the released 3B model, its window that of the paper in patches of 2
            width=2560,
            depth=32,
            separate_depth=10,
            heads=20,
            patch_size=(1, 2, 2),
            window_rule="fixed",
            window=(5, 32, 32),
        ),
        patchvsr=PatchSize(sample_size=64, patch_depth=7, global_depth=4, lora_rank=64),
        upsampler_width=512,
        frames=77,
        base_pixels=512,
        pixels=1088,
    ),
}

# The teaching models' latents, a network that is trained within a lesson.
PRESETS["small"] = replace(
    PRESETS["teaching"],
    super_resolution=replace(PRESETS["teaching"].super_resolution, width=96, depth=2, heads=3),
)

# The full profile on pretrained models. Their folders say their sizes; these rows are for models without weights.
_UMT5_XXL = {"d_model": 4096, "num_layers": 24, "num_heads": 64, "d_kv": 64, "d_ff": 10240, "vocab_size": 256384}
WAN = {
    "1.3b": WanSize(
        autoencoder={},
        text_encoder=_UMT5_XXL,
        transformer={"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30, "text_dim": 4096},
    ),
    "14b": WanSize(
        autoencoder={},
        text_encoder=_UMT5_XXL,
        transformer={"num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40, "text_dim": 4096},
    ),
    # the same classes, as small as they get: for tests
    "tiny": WanSize(
        autoencoder={
            "base_dim": 8,
            "z_dim": 4,
            "dim_mult": [1, 1, 1, 1],
            "num_res_blocks": 1,
            "latents_mean": [0.1, -0.2, 0.3, 0.0],
            "latents_std": [1.5, 0.5, 1.0, 2.0],
        },
        text_encoder={"d_model": 16, "num_layers": 1, "num_heads": 2, "d_kv": 8, "d_ff": 32, "vocab_size": 300},
        transformer={
            "in_channels": 4,
            "out_channels": 4,
            "num_attention_heads": 2,
            "attention_head_dim": 12,
            "ffn_dim": 32,
            "num_layers": 2,
            "text_dim": 16,
            "freq_dim": 32,
        },
    ),
}
