"""Video autoencoders of diffusers in the place of the kit's own."""

import pytest
import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
)

from cvsr.data.resize import resize
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.pipelines.store import load, save
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import Tiling
from cvsr.weights import Card, write_card

PLAIN = {"num_inference_steps": 1, "detail": 1.0, "consistency": 0}
SMALL = {"block_out_channels": (8, 8, 8, 8), "latent_channels": 4, "layers_per_block": 1, "norm_num_groups": 4}
WAN = {"base_dim": 8, "z_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
WAN |= {"latents_mean": [0.1] * 4, "latents_std": [1.5] * 4}
FACTS = {
    "config": "tiny", "command": "none", "commit": "0", "seed": 0, "data": "none",
    "steps": 0, "device": "cpu", "minutes": 0.0, "held_out": {},
}  # fmt: skip


@pytest.fixture(params=["wan", "cogvideox", "hunyuan"])
def with_another(request, fresh):
    """Super-resolution whose network predicts exactly 0, on latents of another autoencoder."""
    classes = {"cogvideox": AutoencoderKLCogVideoX, "hunyuan": AutoencoderKLHunyuanVideo}
    torch.manual_seed(0)
    wan = request.param == "wan"
    autoencoder = AutoencoderKLWan(**WAN) if wan else classes[request.param](**SMALL)
    fresh.register_modules(autoencoder=autoencoder.eval())
    return fresh


@pytest.mark.parametrize("frames", [1, 5, 7, 17])
def test_super_resolution_on_their_latents(with_another, frames):
    video = torch.rand(1, 3, frames, 8, 12) * 2 - 1
    result = with_another(video, scale=2, **PLAIN).frames
    padded = torch.cat([video, video[:, :, -1:].expand(-1, -1, -(frames - 1) % 4, -1, -1)], dim=2)
    enlarged = torch.nn.functional.pad(resize(padded, 16, 24).clamp(-1, 1), (0, 8, 0, 0, 0, 0), mode="replicate")
    with torch.no_grad():
        latents = encode_to_latents(with_another.autoencoder, enlarged)
        expected = decode_from_latents(with_another.autoencoder, latents)
    assert torch.allclose(result, expected[:, :, :frames, :, :24].clamp(-1, 1), atol=1e-4)


def test_long_and_large_videos_in_tiles(with_another):
    video = torch.rand(1, 3, 11, 12, 20) * 2 - 1
    result = with_another(video, scale=3.3, **PLAIN, tiling=Tiling(32, 16, 9, 1)).frames
    assert result.shape == (1, 3, 11, 40, 66)


def test_their_weights_are_saved_and_loaded(with_another, tmp_path):
    with_another.check_parts()
    folder = tmp_path / "super_resolution"
    save(with_another, folder)
    write_card(folder, Card(**FACTS))
    saved = {name: weight.half().float() for name, weight in with_another.autoencoder.state_dict().items()}
    for loaded in (load("super_resolution", tmp_path), SuperResolutionPipeline.from_pretrained(folder)):
        assert type(loaded.autoencoder) is type(with_another.autoencoder)
        weights = loaded.autoencoder.state_dict()
        assert all(torch.equal(weights[name].float(), weight) for name, weight in saved.items())


@pytest.mark.parametrize(
    ("autoencoder", "found"),
    [
        (AutoencoderKLWan(**WAN, patch_size=2, in_channels=12, out_channels=12), "4 frames and 16 pixels"),
        (
            AutoencoderKLLTXVideo(
                latent_channels=4,
                block_out_channels=(8,) * 4,
                decoder_block_out_channels=(8,) * 4,
                layers_per_block=(1,) * 5,
                decoder_layers_per_block=(1,) * 5,
            ),
            "8 frames and 32 pixels",
        ),
    ],
    ids=["wan 2.2", "ltx"],
)
def test_another_compression_is_refused(fresh, autoencoder, found):
    fresh.register_modules(autoencoder=autoencoder)
    with pytest.raises(ValueError, match=f"a latent stands for {found} a side; allowed 4 and 8"):
        fresh.check_parts()
