"""References add tokens and nothing else; samples of a batch do not see each other."""

import itertools
import json

import pytest
import torch

from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.transformer import VideoTransformer

SIZES = {"in_channels": 6, "out_channels": 3, "width": 24, "depth": 2, "heads": 2, "text_width": 5}
REFERENCES = [(3, 1, 4, 3), (3, 1, 2, 2), (3, 2, 3, 5)]


def make(**changes) -> HybridTransformer:
    torch.manual_seed(0)
    network = HybridTransformer(reference_channels=3, micro_conditions=["noise_level"], **SIZES | changes)
    for weight in network.parameters():  # fresh networks return 0
        weight.data.add_(torch.randn_like(weight) * 0.1)
    return network.eval().double()


def inputs(batch: int = 2, size: tuple[int, int, int] = (3, 4, 5)) -> dict:
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.double)

    return {
        "hidden_states": draw(batch, 6, *size),
        "timestep": torch.linspace(0.2, 0.9, batch, dtype=torch.double),
        "encoder_hidden_states": draw(batch, 4, 5),
        "encoder_attention_mask": torch.arange(4) < torch.arange(batch)[:, None] + 2,
        "micro_conditions": {"noise_level": torch.full((batch,), 0.3, dtype=torch.double)},
    }


def latents(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(shape, generator=generator, dtype=torch.double) for shape in shapes]


def one(batch: dict, index: int) -> dict:
    """A sample of a batch, as a batch."""
    return {
        name: {key: v[index : index + 1] for key, v in value.items()}
        if isinstance(value, dict)
        else value[index : index + 1]
        for name, value in batch.items()
    }


@torch.no_grad()
def run(network, batch, references=None) -> torch.Tensor:
    return network(**batch, references=references).sample


@pytest.mark.parametrize("patch_size", [(1, 1, 1), (1, 2, 2)])
def test_without_references_it_is_the_video_transformer(patch_size):
    network = make(patch_size=patch_size)
    plain = VideoTransformer(
        attention="spatial+full", micro_conditions=["noise_level"], patch_size=patch_size, **SIZES
    ).double()
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if "reference" not in k})
    batch = inputs()
    with torch.no_grad():
        torch.testing.assert_close(run(network, batch), plain(**batch).sample)
    torch.testing.assert_close(run(network, batch, [[], []]), run(network, batch))


def test_a_mixed_batch_equals_single_runs():
    network, batch = make(), inputs(batch=3)
    references = [latents(*REFERENCES), [], latents(REFERENCES[1])]
    together = run(network, batch, references)
    for index in range(3):
        alone = run(network, one(batch, index), [references[index]])
        torch.testing.assert_close(together[index : index + 1], alone, rtol=1e-9, atol=1e-9)


def test_references_reach_the_target_and_only_their_own():
    network, batch = make(), inputs()
    first, second = latents(REFERENCES[0], REFERENCES[0])
    plain = run(network, batch)
    told = run(network, batch, [[first], []])
    assert (told[0] - plain[0]).abs().max() > 1e-3
    torch.testing.assert_close(told[1], plain[1])
    assert (run(network, batch, [[second], []])[0] - told[0]).abs().max() > 1e-3


def test_separated_positions_keep_references_in_order_and_shared_ones_do_not():
    references = latents(REFERENCES[0], REFERENCES[0])
    batch = one(inputs(), 0)
    for positions, differ in (("separated", True), ("shared", False)):
        network = make(positions=positions)
        results = [run(network, batch, [list(order)]) for order in itertools.permutations(references)]
        assert ((results[0] - results[1]).abs().max() > 1e-4) == differ


def test_positions_in_time_follow_on():
    network = make()
    patches = [[torch.zeros(3, 2, 2, 6), torch.zeros(1, 1, 1, 3), torch.zeros(2, 1, 1, 3)]]
    layout = network._arrange(patches, (1,))
    assert layout.frames == (4, 4, 4, 1, 1, 1)
    assert layout.samples == (15,)
    time = layout.turns[:, 0].angle() / layout.turns[4, 0].angle()  # the first pair turns with time, once a frame
    expected = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5.0])
    turned = torch.polar(torch.ones(15), expected)
    torch.testing.assert_close(torch.polar(torch.ones(15), time), turned, rtol=0, atol=1e-4)


def test_gradients_reach_every_weight_with_checkpointing_as_without():
    batch, references = inputs(), [latents(*REFERENCES), []]
    gradients = []
    for checkpointing in (False, True):
        network = make().train()
        if checkpointing:
            network.enable_gradient_checkpointing()
        network(**batch, references=references).sample.square().mean().backward()
        gradients.append({name: weight.grad for name, weight in network.named_parameters()})
    for name, gradient in gradients[0].items():
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(gradient, gradients[1][name])


def test_saved_and_loaded_it_computes_the_same(tmp_path):
    network = make(positions="shared").float()
    network.save_pretrained(tmp_path)
    assert not {"attention", "window", "top_k"} & set(json.loads((tmp_path / "config.json").read_text()))
    loaded = HybridTransformer.from_pretrained(tmp_path).double()
    batch, references = one(inputs(), 0), [latents(*REFERENCES)]
    torch.testing.assert_close(run(loaded, batch, references), run(network.double(), batch, references))


def test_mistakes_are_named():
    network, batch = make(), inputs()
    with pytest.raises(ValueError, match=r"positions='none': unknown; allowed \['separated', 'shared'\]"):
        make(positions="none")
    with pytest.raises(ValueError, match="references: rows for 1 samples; allowed 2"):
        network(**batch, references=[[]])
    with pytest.raises(ValueError, match=r"references\[1\]\[0\]=\(4, 1, 2, 2\): wrong shape; allowed \(3, t, h, w\)"):
        network(**batch, references=[[], [torch.zeros(4, 1, 2, 2)]])
    with pytest.raises(ValueError, match="attends one way"):
        network.use_attention(attention="sparse")
