"""Training begins where the model without references ended, and references are trained on."""

from unittest.mock import patch

import pytest
import torch

from cvsr.data.captions import sample_captions
from cvsr.models.channel_transformer import ChannelTransformer
from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.token_transformer import TokenTransformer
from cvsr.models.transformer import VideoTransformer
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution
from cvsr.systems.unimmvsr import DESIGNS, build_unimmvsr
from cvsr.training.reference_super_resolution import (
    ReferenceSuperResolutionTraining,
    with_references,
    with_spatial_attention,
)

SIZES = {"in_channels": 6, "out_channels": 3, "width": 24, "depth": 2, "heads": 2, "text_width": 5}
SIZES |= {"patch_size": (1, 1, 1)}


def test_a_model_grown_from_another_begins_as_that_one():
    torch.manual_seed(0)
    plain = VideoTransformer(**SIZES).double()
    for weight in plain.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    for block in plain.blocks:  # cross-attention moves before 3D attention: the one difference
        torch.nn.init.zeros_(block.cross_attention.to_out.weight)
        torch.nn.init.zeros_(block.cross_attention.to_out.bias)
    grown = HybridTransformer(reference_channels=3, **SIZES).double()
    grown.load_state_dict(with_references(plain.state_dict()))
    x, text = torch.randn(2, 6, 3, 4, 5).double(), torch.randn(2, 3, 5).double()
    times = torch.tensor([0.3, 0.8]).double()
    with torch.no_grad():
        torch.testing.assert_close(grown(x, times, text).sample, plain(x, times, text).sample)
        references = [[x[0, 3:]], []]
        change = grown(x, times, text, references=references).sample - grown(x, times, text).sample
        assert change[0].abs().max() > 1e-3


def test_all_designs_grow_from_the_same_weights():
    torch.manual_seed(0)
    plain = VideoTransformer(**SIZES)
    for weight in plain.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    hybrid, token = HybridTransformer(reference_channels=3, **SIZES), TokenTransformer(reference_channels=3, **SIZES)
    channel = ChannelTransformer(reference_channels=3, **SIZES)
    for network in (hybrid, token):
        network.load_state_dict(with_references(plain.state_dict()))
    channel.load_state_dict(channel.state_dict() | with_spatial_attention(plain.state_dict()))
    x, times, text = torch.randn(1, 6, 3, 4, 5), torch.tensor([0.3]), torch.randn(1, 3, 5)
    with torch.no_grad():
        begun = hybrid(x, times, text).sample
        told = channel(x, times, text, references=[[torch.randn(3, 1, 2, 2)]]).sample
    torch.testing.assert_close(told, begun, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("conditioning", list(DESIGNS))
def test_a_training_of_each_design_begins_with_the_shipped_weights(conditioning):
    stage = build_super_resolution(PRESETS["tiny"], sample_captions())
    for weight in stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    with patch("cvsr.training.flow_matching.load", lambda *_: stage.autoencoder):
        module = ReferenceSuperResolutionTraining(preset="tiny", conditioning=conditioning)
    with patch("cvsr.training.reference_super_resolution.load", lambda *_: stage):
        module.setup("fit")
    assert isinstance(module.transformer, DESIGNS[conditioning])
    known, own = stage.transformer.state_dict(), module.transformer.state_dict()
    grown = own["blocks.0.self_attentions.1.to_qkv.weight"]
    torch.testing.assert_close(grown, known["blocks.0.self_attentions.0.to_qkv.weight"])
    assert own["reference_embedding.weight"].any() == (conditioning != "channel")


def test_a_reference_is_embedded_as_the_input_is():
    plain = VideoTransformer(**SIZES)
    weights = with_references(plain.state_dict())
    low = torch.randn(4, 3)
    shown = torch.cat([torch.zeros(4, 3), low], dim=1)
    expected = plain.patch_embedding(shown)
    embedded = torch.nn.functional.linear(
        low, weights["reference_embedding.weight"], weights["reference_embedding.bias"]
    )
    torch.testing.assert_close(embedded, expected)


def test_references_change_the_loss_of_their_own_sample():
    autoencoder = build_unimmvsr(PRESETS["tiny"], ["a ball"]).autoencoder
    with patch("cvsr.training.flow_matching.load", lambda *_: autoencoder):
        module = ReferenceSuperResolutionTraining(preset="tiny", start=None)
    for weight in module.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    module.log = lambda *_, **__: None
    torch.manual_seed(1)
    batch = {"latents": torch.randn(2, 4, 2, 4, 4), "low": torch.randn(2, 4, 2, 4, 4), "caption": ["a ball", "a cup"]}
    batch["subject"] = torch.ones(2, 1, 2, 4, 4)

    def errors(references):
        group = batch | {"references": references}
        noised = module.noise(group, torch.Generator().manual_seed(0))
        return module.error(group, noised, module.predict([noised])[0]).mean(dim=(1, 2, 3, 4))

    without, told = errors([[], []]), errors([[torch.randn(4, 1, 3, 3)], []])
    assert abs(told[0] - without[0]) > 1e-4
    torch.testing.assert_close(told[1], without[1])


def test_what_references_show_counts_more_by_the_subject_weight():
    autoencoder = build_unimmvsr(PRESETS["tiny"], ["a ball"]).autoencoder
    torch.manual_seed(0)
    batch = {"low": torch.randn(2, 4, 2, 4, 4), "subject": torch.rand(2, 1, 2, 4, 4)}
    with patch("cvsr.training.flow_matching.load", lambda *_: autoencoder):
        plain, weighted = (
            ReferenceSuperResolutionTraining(preset="tiny", start=None, subject_weight=weight).position_weights(batch)
            for weight in (0.0, 3.0)
        )
    torch.testing.assert_close(weighted - plain, 3 * batch["subject"])
