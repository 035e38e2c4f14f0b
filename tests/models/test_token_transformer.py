"""The input takes tokens of its own, at the target's places."""

import pytest
import torch

from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.token_transformer import TokenTransformer

SIZES = {"in_channels": 6, "out_channels": 3, "reference_channels": 3, "width": 24, "depth": 2, "heads": 2}
SIZES |= {"text_width": 5}


def make(kind=TokenTransformer, **changes):
    torch.manual_seed(0)
    network = kind(**SIZES | changes)
    for weight in network.parameters():  # fresh networks return 0
        weight.data.add_(torch.randn_like(weight) * 0.1)
    return network.eval().double()


@torch.no_grad()
def run(network, x, references=None):
    generator = torch.Generator().manual_seed(1)
    text = torch.randn(len(x), 3, 5, generator=generator, dtype=torch.double)
    return network(x, torch.full((len(x),), 0.4).double(), text, references=references).sample


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.double)


def test_the_input_is_one_more_clip_at_the_targets_positions():
    network = make()
    references = [draw(3, 1, 2, 2), draw(3, 2, 2, 3)]
    ((target, given, *others),) = network.clips(draw(1, 6, 3, 4, 5), [references])
    assert not target[3:].any()
    assert not given[:3].any()
    assert torch.equal(target + given, draw(1, 6, 3, 4, 5)[0])
    assert all(map(torch.equal, others, references))
    assert network.starts([3, 3, 1, 2]) == [0, 0, 3, 4]
    assert make(positions="shared").starts([3, 3, 1]) == [0, 0, 0]


@pytest.mark.parametrize("patch_size", [(1, 1, 1), (1, 2, 2)])
def test_it_computes_what_the_hybrid_design_makes_of_that_clip(patch_size):
    """With shared positions, and a reference embedding that is the input's."""
    changes = {"positions": "shared", "patch_size": patch_size}
    token, hybrid = make(**changes), make(HybridTransformer, **changes)
    _, of_input = hybrid.patch_embedding.weight.chunk(2, dim=1)
    hybrid.reference_embedding.weight.data.copy_(of_input)
    hybrid.reference_embedding.bias.data.copy_(hybrid.patch_embedding.bias)
    token.load_state_dict(hybrid.state_dict())
    x, picture = draw(1, 6, 2, 4, 4), draw(3, 1, 2, 4)
    noisy, low = x.chunk(2, dim=1)
    alone = torch.cat([noisy, torch.zeros_like(low)], dim=1)
    expected = run(hybrid, alone, [[low[0], picture]])
    torch.testing.assert_close(run(token, x, [[picture]]), expected)
    torch.testing.assert_close(run(token, x), run(hybrid, alone, [[low[0]]]))


def test_a_mixed_batch_equals_single_runs_and_everything_is_read():
    network, x = make(), draw(2, 6, 2, 3, 4)
    references = [[draw(3, 1, 2, 2)], []]
    together = run(network, x, references)
    generator = torch.Generator().manual_seed(1)
    text = torch.randn(2, 3, 5, generator=generator, dtype=torch.double)
    for index in range(2):
        with torch.no_grad():
            alone = network(
                x[index : index + 1], torch.tensor([0.4]).double(), text[index : index + 1],
                references=references[index : index + 1],
            ).sample
        torch.testing.assert_close(together[index : index + 1], alone)
    other = x.clone()
    other[:, 3:] += 0.5
    assert (run(network, other, references) - together).abs().amax((1, 2, 3, 4)).min() > 1e-3
    assert (run(network, x) - together)[0].abs().max() > 1e-3
