"""Wan 2.1's classes, tiny and random, saved and loaded as real folders: base, super-resolution, and both in a row."""

import pytest
import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

from cvsr.diffusion.schedulers import unipc_scheduler
from cvsr.models.latent_upsampler import LatentUpsampler
from cvsr.models.wan_transformer import WanVideoTransformer
from cvsr.pipelines.cascade import CascadePipeline
from cvsr.pipelines.latent_super_resolution import LatentSuperResolutionPipeline
from cvsr.pipelines.redrawing import redraw
from cvsr.pipelines.store import load, save
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.wan import WanSuperResolutionPipeline, WanTextToVideoPipeline, load_wan, load_wan_cascade
from cvsr.presets import WAN
from cvsr.systems.wan import build_wan, to_super_resolution
from cvsr.weights import Card, WeightsError, write_card

SIZE = {"height": 32, "width": 48, "num_frames": 5}
FACTS = {
    "config": "tiny", "command": "none", "commit": "0", "seed": 0, "data": "none",
    "steps": 0, "device": "cpu", "minutes": 0.0, "held_out": {},
}  # fmt: skip


def tokenizer():
    """UMT5's kind: pieces of words with their probabilities."""
    letters = [(letter, -3.0) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    return T5Tokenizer(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0), *letters, ("▁ball", -4.0)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    pipeline = WanPipeline(
        tokenizer=tokenizer(),
        text_encoder=UMT5EncoderModel(UMT5Config(**WAN["tiny"].text_encoder)),
        vae=AutoencoderKLWan(**WAN["tiny"].autoencoder),
        scheduler=unipc_scheduler(3.0),
        transformer=WanTransformer3DModel(**WAN["tiny"].transformer),
    )
    path = tmp_path_factory.mktemp("wan") / "model"
    pipeline.save_pretrained(path)
    return path


@pytest.fixture
def stage(folder):
    return load_wan(folder)


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def quiet(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("name", WAN)
def test_parts_fit(name):
    with torch.device("meta"):  # sizes only
        base = build_wan(WAN[name], ["a red ball"])
    TextToVideoPipeline(**vars(base)).check_parts()
    enlarger = WanSuperResolutionPipeline(**vars(to_super_resolution(base)))
    enlarger.check_parts()
    parameters = sum(weight.numel() for weight in base.transformer.parameters())
    released = {"1.3b": 1.42e9, "14b": 14.3e9}  # those of the released files
    if name in released:
        assert parameters == pytest.approx(released[name], rel=0.01)


def test_the_base_gives_what_diffusers_gives(folder):
    options = {"prompt": ["a ball", "blue"], "num_inference_steps": 2, "guidance_scale": 3.0}
    theirs = quiet(WanPipeline.from_pretrained(folder, local_files_only=True))
    expected = theirs(**options, **SIZE, generator=seeded(), output_type="latent").frames
    ours = quiet(WanTextToVideoPipeline.from_pretrained(folder, local_files_only=True))
    latents = ours(**options, **SIZE, generator=seeded(), output_type="latent").frames
    assert torch.equal(latents, expected)
    pixels = theirs(**options, **SIZE, generator=seeded(), output_type="pt").frames  # (B, T, 3, H, W) in [0, 1]
    video = ours(**options, **SIZE, generator=seeded()).frames
    torch.testing.assert_close(video, pixels.transpose(1, 2) * 2 - 1, rtol=0, atol=1e-5)
    (cut,) = ours(**options, **SIZE | {"num_frames": 3}, generator=seeded(), return_dict=False, output_type="np")
    assert cut.shape == (2, 3, 32, 48, 3)


def test_the_kits_own_pipeline_draws_with_the_same_network(folder, stage):
    theirs = WanPipeline.from_pretrained(folder, local_files_only=True)
    ours = TextToVideoPipeline(**vars(stage))
    ours.check_parts()
    x = torch.randn(2, 4, 2, 4, 6, generator=seeded())
    text, _ = theirs.encode_prompt(["a red ball", "blue"], do_classifier_free_guidance=False, max_sequence_length=512)
    with torch.no_grad():
        expected = theirs.transformer(x, torch.tensor([250.0, 250.0]), text).sample
        found = ours.guided_velocity(["a red ball", "blue"], 1.0, 1)(x, torch.tensor([0.25, 0.25]), 0)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_super_resolution_begins_as_the_base(stage):
    """A network that does not look at its input yet draws what the base draws from the same noise."""
    enlarger = quiet(WanSuperResolutionPipeline(**vars(to_super_resolution(stage))))
    base = quiet(TextToVideoPipeline(**vars(stage)))
    video = torch.rand(1, 3, 5, 16, 24, generator=seeded()) * 2 - 1
    options = {"prompt": "a ball", "num_inference_steps": 2, "output_type": "latent"}
    noise = torch.randn(1, 8, 1, 4, 6, generator=seeded())  # of every latent frame, half of it for the input
    enlarger.draw_noise = lambda *_: noise
    base.draw_noise = lambda *_: torch.cat([noise[:, :4]] * 2, dim=2)
    drawn = enlarger(video, scale=2, **options).frames
    expected = base(**options, **SIZE, guidance_scale=1.0).frames
    torch.testing.assert_close(drawn, expected, rtol=1e-4, atol=1e-4)
    assert enlarger(video, scale=2, **options | {"output_type": "pt"}).frames.shape == (1, 3, 5, 32, 48)


@pytest.mark.parametrize("hand_over", ["pixels", "latents"])
def test_a_cascade_hands_over(folder, stage, hand_over):
    widened = to_super_resolution(stage)
    if hand_over == "pixels":
        cascade = load_wan_cascade(folder, widened.transformer, torch.float32)
        assert cascade.text_to_video.vae is cascade.super_resolution.autoencoder
    else:
        second = LatentSuperResolutionPipeline(**vars(widened), upsampler=LatentUpsampler(4, 8))
        second.check_parts()
        cascade = CascadePipeline(WanTextToVideoPipeline.from_pretrained(folder, local_files_only=True), second)
    quiet(cascade)
    output = cascade(
        "a ball", **SIZE, base_inference_steps=2, guidance_scale=2.0, generator=seeded(), num_inference_steps=1
    )
    assert output.base.shape == (1, 3, 5, 32, 48)
    assert output.frames.shape == (1, 3, 5, 128, 192)
    base = cascade.text_to_video("a ball", **SIZE, num_inference_steps=2, guidance_scale=2.0, generator=seeded())
    torch.testing.assert_close(output.base, base.frames)


def test_it_guides_degradation(stage):
    """SDEdit by Wan: no noise, no change."""
    base = quiet(TextToVideoPipeline(**vars(stage)))
    latents = torch.randn(1, 4, 2, 4, 4, generator=seeded())
    assert torch.equal(redraw(base, latents, ["a ball"], 0.0, seeded(), steps=2), latents)
    assert not torch.allclose(redraw(base, latents, ["a ball"], 0.5, seeded(), steps=2), latents)


def test_a_trained_network_is_shipped_alone(stage, tmp_path):
    """Its other parts are in the folder of Wan."""
    network = to_super_resolution(stage).transformer
    save(network, tmp_path / "wan")
    write_card(tmp_path / "wan", Card(**FACTS))
    loaded = load("wan", tmp_path)
    assert type(loaded) is WanVideoTransformer
    weights = loaded.state_dict()
    assert all(torch.equal(weights[name], weight.half().float()) for name, weight in network.state_dict().items())


def test_half_precision_is_asked_for(folder):
    parts = load_wan(folder, torch.bfloat16)
    assert (parts.transformer.dtype, parts.text_encoder.dtype) == (torch.bfloat16, torch.bfloat16)
    assert parts.autoencoder.dtype == torch.float32
    enlarger = quiet(WanSuperResolutionPipeline(**vars(to_super_resolution(parts))))
    result = enlarger(torch.zeros(1, 3, 1, 8, 8), scale=2, num_inference_steps=1).frames
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()


def test_parts_that_are_loaded_for_each_call_make_the_same_video(stage):
    """Offloading by diffusers, with the CPU as the device that they are brought to."""
    enlarger = quiet(WanSuperResolutionPipeline(**vars(to_super_resolution(stage))))
    video = torch.rand(1, 3, 21, 8, 8, generator=seeded()) * 2 - 1  # two chunks: the encoder comes back
    options = {"prompt": "a ball", "scale": 2, "num_inference_steps": 1}
    expected = enlarger(video, **options, generator=seeded()).frames
    enlarger.enable_model_cpu_offload(device="cpu")
    assert all(hasattr(part, "_hf_hook") for part in (enlarger.autoencoder, enlarger.text_encoder))
    found = enlarger(video, **options, generator=seeded()).frames
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_bad_folders_and_sizes_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"no model_index.json; allowed a local folder of Wan 2.1"):
        load_wan(tmp_path)
    base = WanTextToVideoPipeline.from_pretrained(folder, local_files_only=True)
    with pytest.raises(ValueError, match=r"width=40: allowed multiples of 16; try width=48"):
        base("a ball", 32, 40)
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    with pytest.raises(WeightsError, match="is a AutoencoderKL; allowed"):
        load_wan(tmp_path)
