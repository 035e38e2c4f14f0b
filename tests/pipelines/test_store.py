"""Saved pipelines come back whole, by diffusers' own loading and by ours; misfits are refused."""

import json

import pytest
import torch
from diffusers.utils import SAFETENSORS_WEIGHTS_NAME as WEIGHTS_FILE
from safetensors.torch import load_file, save_file

from cvsr.pipelines.cascade import CascadePipeline
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.store import load, load_cascade, save
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.patchvsr import build_patchvsr
from cvsr.weights import Card, WeightsError, write_card

FACTS = {
    "config": "tiny", "command": "none", "commit": "0", "seed": 0, "data": "none",
    "steps": 0, "device": "cpu", "minutes": 0.0, "held_out": {},
}  # fmt: skip
SHARED = {
    "autoencoder": "../autoencoder",
    "tokenizer": "../text_to_video/tokenizer",
    "text_encoder": "../text_to_video/text_encoder",
}


@pytest.fixture
def weights(tmp_path, base, enlarger):
    """A weights folder laid out like the repository's."""
    enlarger.register_modules(
        autoencoder=base.autoencoder, tokenizer=base.tokenizer, text_encoder=base.text_encoder
    )
    save(base.autoencoder, tmp_path / "autoencoder")
    save(base, tmp_path / "text_to_video", shared=["autoencoder"])
    save(enlarger, tmp_path / "super_resolution", shared=list(SHARED))
    shared = {
        "autoencoder": {},
        "text_to_video": {"autoencoder": SHARED["autoencoder"]},
        "super_resolution": SHARED,
    }
    for name, parts in shared.items():
        write_card(tmp_path / name, Card(**FACTS, shared=parts))
    return tmp_path


def run(pipeline, *arguments, **options):
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    return pipeline(*arguments, **options, num_inference_steps=2, generator=generator).frames


def equal_weights(a: torch.nn.Module, b: torch.nn.Module, tolerance: float) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return ours.keys() == theirs.keys() and all(
        torch.allclose(ours[key], theirs[key], rtol=tolerance, atol=tolerance) for key in ours
    )


def test_diffusers_saves_and_loads_them_exactly(tmp_path, base, enlarger, video):
    for pipeline, arguments in ((base, ("a ball", 16, 16, 5)), (enlarger, (video,))):
        folder = tmp_path / type(pipeline).__name__
        pipeline.save_pretrained(folder)
        loaded = type(pipeline).from_pretrained(folder, use_safetensors=True, local_files_only=True)
        for name in ("autoencoder", "text_encoder", "transformer"):
            stored, original = (getattr(p, name).state_dict() for p in (loaded, pipeline))
            assert stored.keys() == original.keys()
            assert all(torch.equal(stored[key], original[key]) for key in stored)
        # Equal weights elsewhere in memory may be multiplied in another order: equal up to rounding.
        torch.testing.assert_close(run(loaded, *arguments), run(pipeline, *arguments), rtol=0, atol=1e-4)


def test_shipped_weights_are_half_the_size_and_not_stored_twice(weights, base):
    files = {path.relative_to(weights).as_posix() for path in weights.rglob("*.safetensors")}
    assert files == {
        "autoencoder/diffusion_pytorch_model.safetensors",
        "text_to_video/text_encoder/model.safetensors",
        "text_to_video/transformer/diffusion_pytorch_model.safetensors",
        "super_resolution/transformer/diffusion_pytorch_model.safetensors",
    }
    stored = load_file(weights / "autoencoder/diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    assert next(base.autoencoder.parameters()).dtype == torch.float32  # what was saved stays as it was


def test_shipped_weights_come_back_in_float32_and_ready_to_run(weights, base, enlarger, video):
    for name, original, kind in (
        ("text_to_video", base, TextToVideoPipeline),
        ("super_resolution", enlarger, SuperResolutionPipeline),
    ):
        loaded = load(name, weights)
        assert type(loaded) is kind
        for part in ("autoencoder", "text_encoder", "transformer"):
            assert equal_weights(getattr(loaded, part), getattr(original, part), 1e-3)
            assert {weight.dtype for weight in getattr(loaded, part).parameters()} == {torch.float32}
            assert not getattr(loaded, part).training
    assert run(load("super_resolution", weights), video, "a ball").shape == (2, 3, 5, 64, 96)
    assert equal_weights(load("autoencoder", weights), base.autoencoder, 1e-3)


def test_weights_saved_again_do_not_tell_where_they_came_from(weights, tmp_path):
    save(load("autoencoder", weights), tmp_path / "again")
    save(load("text_to_video", weights), tmp_path / "pipeline", shared=["autoencoder"])
    for folder in ("again", "pipeline"):
        for config in (tmp_path / folder).rglob("*.json"):
            assert str(tmp_path) not in config.read_text(), config


def test_diffusers_loads_shipped_weights_when_given_the_shared_part(weights, base):
    folder = weights / "text_to_video"
    loaded = TextToVideoPipeline.from_pretrained(folder, autoencoder=base.autoencoder, local_files_only=True)
    assert loaded.autoencoder is base.autoencoder
    assert run(loaded, "a ball", 16, 16, 5).shape == (1, 3, 5, 16, 16)


def test_a_cascade_makes_both_videos_and_is_saved_whole(weights, tmp_path):
    cascade = load_cascade(weights)
    cascade.set_progress_bar_config(disable=True)
    settings = {
        "height": 16,
        "width": 16,
        "num_frames": 3,
        "base_inference_steps": 2,
        "num_inference_steps": 1,
    }
    output = cascade("a ball", **settings, generator=torch.Generator().manual_seed(0))
    assert (output.base.shape, output.frames.shape) == ((1, 3, 3, 16, 16), (1, 3, 3, 64, 64))
    cascade.save_pretrained(tmp_path / "cascade")
    loaded = CascadePipeline.from_pretrained(tmp_path / "cascade", local_files_only=True)
    loaded.set_progress_bar_config(disable=True)
    again = loaded("a ball", **settings, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(again.frames, output.frames, atol=1e-5)  # bits follow the weights' place in memory
    small, large = cascade("", **settings, output_type="np", return_dict=False)
    assert (small.shape, large.shape) == ((1, 3, 16, 16, 3), (1, 3, 64, 64, 3))


def change_weights(path, change):
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def change_config(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("part", ["transformer", "text_encoder"])
@pytest.mark.parametrize("fault", ["missing", "left over", "another shape"])
def test_weights_that_do_not_fit_their_config_are_refused(weights, part, fault):
    (path,) = (weights / "text_to_video" / part).glob("*.safetensors")

    def change(tensors):
        key = sorted(tensors)[0]
        if fault == "missing":
            tensors.pop(key)
        elif fault == "left over":
            tensors["another.weight"] = torch.zeros(2)
        else:
            tensors[key] = torch.zeros(*tensors[key].shape, 2)

    change_weights(path, change)
    write_card(weights / "text_to_video", Card(**FACTS, shared={"autoencoder": "../autoencoder"}))
    with pytest.raises(WeightsError, match=r"^weights=[^\n]*; allowed [^\n]*; try [^\n]*$"):
        load("text_to_video", weights)


def test_parts_that_were_not_made_for_each_other_are_refused(weights, enlarger):
    save(enlarger, weights / "text_to_video", shared=["autoencoder"])
    change_config(weights / "text_to_video" / "model_index.json", _class_name="TextToVideoPipeline")
    write_card(weights / "text_to_video", Card(**FACTS, shared={"autoencoder": "../autoencoder"}))
    with pytest.raises(ValueError, match=r"^transformer\.in_channels=8: .*allowed 4"):
        load("text_to_video", weights)


@pytest.mark.parametrize(
    ("file", "change", "name"),
    [
        ("model_index.json", {"_class_name": "StableDiffusionPipeline"}, "StableDiffusionPipeline"),
        ("transformer/config.json", {"_class_name": "UNet2DModel"}, "UNet2DModel"),
        ("text_encoder/config.json", {"architectures": ["GPT2Model"]}, "GPT2Model"),
    ],
)
def test_other_classes_are_not_made(weights, file, change, name):
    change_config(weights / "text_to_video" / file, **change)
    write_card(weights / "text_to_video", Card(**FACTS, shared={"autoencoder": "../autoencoder"}))
    with pytest.raises(WeightsError, match=f"is a {name}; allowed"):
        load("text_to_video", weights)


@pytest.fixture
def adapted(weights):
    """PatchVSR with the shipped super-resolution model's weights, and changed where it is trained."""
    torch.manual_seed(1)
    transformer = build_patchvsr(PRESETS["tiny"], ["a ball"]).transformer
    base = load("super_resolution", weights)
    transformer.begin_as(base.transformer)
    for weight in (weight for weight in transformer.parameters() if weight.requires_grad):
        weight.data.add_(torch.randn_like(weight))
    return PatchVSRPipeline(**base.components | {"transformer": transformer})


def test_weights_of_a_base_are_stored_once(weights, adapted):
    base = weights / "super_resolution" / "transformer"
    save(adapted, weights / "patchvsr", list(SHARED), {"transformer": base})
    shared = SHARED | {"transformer.base": "../super_resolution/transformer"}
    write_card(weights / "patchvsr", Card(**FACTS, shared=shared))
    stored = load_file(weights / "patchvsr" / "transformer" / WEIGHTS_FILE)
    trained = {name for name, weight in adapted.transformer.named_parameters() if weight.requires_grad}
    assert stored.keys() == trained
    again = load("patchvsr", weights).transformer
    assert equal_weights(again, adapted.transformer, 1e-3)
    assert {name for name, weight in again.named_parameters() if weight.requires_grad} == trained

    name = next(iter(stored))
    save_file(stored | {name: stored[name][:1]}, weights / "patchvsr" / "transformer" / WEIGHTS_FILE)
    write_card(weights / "patchvsr", Card(**FACTS, shared=shared))
    with pytest.raises(WeightsError, match="allowed weights that complete those of its base"):
        load("patchvsr", weights)


def test_a_base_that_was_changed_is_not_left_out(weights, adapted):
    frozen = next(weight for weight in adapted.transformer.parameters() if not weight.requires_grad)
    frozen.data.add_(1)
    with pytest.raises(WeightsError, match="allowed a part that keeps its base as it is"):
        save(adapted, weights / "patchvsr", list(SHARED), {"transformer": weights / "super_resolution" / "transformer"})
