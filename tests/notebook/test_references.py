"""What is watched is what the network computes; arrows start and end where tokens are."""

import numpy as np
import pytest
import torch

from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.notebook.references import ASKING, READ, draw_reading, places, readings, strongest

GRIDS = [(2, 2, 3), (1, 2, 2), (1, 1, 3)]
TOKENS = sum(t * y * x for t, y, x in GRIDS)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = HybridTransformer(4, 4, 4, (1, 1, 1), width=24, depth=2, heads=2, text_width=8)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def test_readings_are_what_the_blocks_computed(network):
    generator = torch.Generator().manual_seed(1)
    target, *references = (torch.randn(4, *grid, generator=generator) for grid in GRIDS)

    def run():
        return network(target[None], torch.tensor([0.5]), torch.zeros(1, 1, 8), references=[references]).sample

    with torch.no_grad():
        plain = run()
    results = []
    calls = readings(network, lambda: results.extend([run(), run()]))
    assert all(torch.equal(result, plain) for result in results)
    assert [len(blocks) for blocks in calls] == [2, 2]
    for reading in calls[0]:
        weights = reading.weights(torch.arange(TOKENS))  # (heads, n, n)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, TOKENS))
        mixed = torch.einsum("hmn,nhd->mhd", weights, reading.value).flatten(1)
        torch.testing.assert_close(mixed, reading.mixed, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(reading.weights([3, 5]), weights[:, [3, 5]])
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_places_are_in_the_order_of_the_tokens():
    where = places(GRIDS)
    assert len(where) == TOKENS
    assert where[0].tolist() == [0, 0, 0, 0]
    assert where[7].tolist() == [0, 1, 0, 1]
    assert where[12:16].tolist() == [[1, 0, 0, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 0, 1, 1]]
    assert where[16:].tolist() == [[2, 0, 0, x] for x in range(3)]


def test_arrows_lead_from_the_target_to_what_is_read_most():
    weights = torch.zeros(TOKENS)
    weights[0], weights[15], weights[18], weights[12] = 0.5, 0.3, 0.15, 0.05
    assert strongest(weights, GRIDS, 2) == [15, 18]
    assert len(strongest(weights, GRIDS, 100)) == 7
    pictures = [np.full((64, width, 3), 100, np.uint8) for width in (96, 64, 96)]
    picture = draw_reading(pictures, GRIDS, weights, 7, [15])
    below = picture.shape[0] - 64  # pictures stand below their title
    asking, arrow = (np.argwhere((picture == colour).all(-1)) for colour in (ASKING, READ))
    assert asking.mean(0) == pytest.approx([below + 16, 48], abs=2)  # row 0, column 1 of 2×3 in 64×96 pixels
    assert arrow.max(0) == pytest.approx([below + 48, 96 + 24 + 48], abs=9)  # row 1, column 1 of the second; its head
    unread = picture[below:, 96 + 24 + 64 + 24 :]
    assert unread[50, :20].mean() > 190  # nothing is read there
    assert (picture[below + 40 :, :30] == 100).all()  # the target is not dimmed
    assert (pictures[1] == 100).all()
