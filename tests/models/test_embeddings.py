"""Tokens know their place in a frame of any size, and only where they are meant to."""

import torch

from cvsr.models.embeddings import PlaceEmbedding, PooledText
from cvsr.models.transformer import VideoTransformer

SMALL = {"in_channels": 4, "out_channels": 4, "width": 24, "depth": 1, "heads": 2, "text_width": 8}


def test_places_are_relative_to_the_frame():
    torch.manual_seed(0)
    place = PlaceEmbedding(16)
    small, large = place(3, 5)[0, 0], place(9, 15)[0, 0]  # (Y, X, D)
    torch.testing.assert_close(small, large[1::3, 1::3])  # the same points of the frame
    assert torch.unique(small.flatten(0, 1), dim=0).shape[0] == 15  # every place is told from every other


def test_only_a_network_that_is_told_its_places_sees_a_picture_move():
    """With relative positions alone, a clip of equal frames of one token each looks the same everywhere."""
    torch.manual_seed(0)
    changes = []
    for frame_positions in (False, True):
        network = VideoTransformer(**SMALL, patch_size=(1, 1, 1), frame_positions=frame_positions)
        for parameter in network.parameters():
            parameter.data.add_(0.1 * torch.randn_like(parameter))
        constant = torch.ones(1, 4, 1, 4, 4)
        with torch.no_grad():
            out = network(constant, torch.tensor([0.5]), torch.zeros(1, 1, 8)).sample
        changes.append((out - out[..., :1, :1]).abs().max().item())
    assert changes[0] < 1e-5 < 1e-3 < changes[1]


def test_a_prompt_is_pooled_over_its_own_tokens_only():
    pool = PooledText(8)
    text, mask = torch.randn(2, 5, 8), torch.tensor([[True] * 5, [True, True, False, False, False]])
    mean = text[1, :2].mean(0)
    expected = pool.projection((mean - mean.mean()) / (mean.var(correction=0) + 1e-5).sqrt())
    torch.testing.assert_close(pool(text, mask)[1], expected)
    torch.testing.assert_close(pool(text[:1, [3, 1, 0, 4, 2]], mask[:1]), pool(text[:1], mask[:1]))
