"""Training begins with a base that stays as it is, and teaches the rest with patches, their place and their clip."""

from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch

from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution
from cvsr.systems.patchvsr import NOISE
from cvsr.training.patch_super_resolution import PatchSuperResolutionTraining


def module(**changes) -> PatchSuperResolutionTraining:
    """A fresh one around a base that is no fresh one."""
    torch.manual_seed(0)
    base = build_super_resolution(PRESETS["tiny"], ["a ball"])
    for weight in base.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    stored = {"autoencoder": base.autoencoder, "super_resolution": SimpleNamespace(**vars(base))}
    with (
        patch("cvsr.training.flow_matching.load", lambda name, _: stored[name]),
        patch("cvsr.training.patch_super_resolution.load", lambda name, _: stored[name]),
    ):
        made = PatchSuperResolutionTraining(preset="tiny", **changes)
        made.base = base
        made.setup("fit")
    made.log = lambda *_, **__: None
    return made


@pytest.fixture
def batch() -> dict:
    torch.manual_seed(1)
    return {
        "latents": torch.randn(2, 4, 2, 4, 4),
        "low": torch.randn(2, 4, 2, 4, 4),
        "whole": torch.randn(2, 4, 2, 4, 4),
        "place": torch.tensor([[0, 0, 0.5, 0.5], [0.25, 0.5, 0.75, 1.0]]),
        "scale": torch.tensor([1.5, 4.0]),
        "caption": ["a ball", "a cup"],
    }


def noised(module, batch):
    return module.noise(batch, torch.Generator().manual_seed(0))


def test_it_begins_as_the_shipped_model(batch):
    training = module()
    given = noised(training, batch)
    with torch.no_grad():
        (found,) = training.predict([given])
        levels = {"noise_level": given.levels["noise_level"]}
        expected = training.base.transformer(given.inputs, given.t, given.text, given.mask, levels).sample
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert expected.abs().max() > 0.01


def test_noise_and_scale_are_told(batch):
    levels = noised(module(), batch).levels
    torch.testing.assert_close(levels["scale"], torch.tensor([0.375, 1.0]))
    assert ((levels["noise_level"] >= NOISE.low) & (levels["noise_level"] <= NOISE.high)).all()


def test_what_is_new_learns_and_nothing_else(batch):
    training = module()
    training.training_step(batch, 0).backward()
    learning = {name for name, weight in training.named_parameters() if weight.grad is not None}
    assert {name.split(".")[0] for name in learning} == {"transformer"}
    assert any("lora_B" in name for name in learning)
    assert not any("base_layer" in name or "text_encoder" in name for name in learning)
    (optimised,) = training.configure_optimizers().param_groups
    chosen = {id(weight) for weight in optimised["params"]}
    assert chosen == {id(weight) for weight in training.transformer.parameters() if weight.requires_grad}


def test_the_clip_and_the_place_of_a_patch_change_its_own_error(batch):
    training = module()
    for weight in training.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)

    def errors(changed):
        given = noised(training, changed)
        return training.error(changed, given, training.predict([given])[0]).mean(dim=(1, 2, 3, 4))

    plain = errors(batch)
    other_clip = batch | {"whole": torch.cat([batch["whole"][:1], -batch["whole"][1:]])}
    other_place = batch | {"place": torch.cat([batch["place"][:1], batch["place"][:1]])}
    for changed in (other_clip, other_place):
        found = errors(changed)
        assert (found[1] - plain[1]).abs() > 1e-5
        torch.testing.assert_close(found[0], plain[0])


def test_batches_of_different_sizes_go_through_one_after_the_other(batch):
    training = module()
    smaller = batch | {name: batch[name][..., :2, :2] for name in ("latents", "low")}
    given = [noised(training, each) for each in (batch, smaller)]
    first, second = training.predict(given)
    assert (first.shape, second.shape) == (batch["latents"].shape, smaller["latents"].shape)


def test_parts_may_be_left_out():
    training = module(network={"global_depth": 0, "lora_rank": 0, "micro_conditions": ["noise_level", "scale"]})
    config = training.pipeline.transformer.config
    assert (config.global_depth, config.lora_rank) == (0, 0)
    assert not any("lora" in name for name in training.transformer.state_dict())


def test_patches_need_the_clip_that_they_are_part_of(batch):
    del batch["whole"]
    with pytest.raises(ValueError, match=r"data\.whole=None: patches without what they are part of"):
        noised(module(), batch)
