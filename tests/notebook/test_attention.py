"""Masks against the closed form, chosen blocks against what sparse attention reads, pictures against their states."""

import numpy as np
import pytest
import torch

from cvsr.models.scopes import AttentionScheme
from cvsr.models.sparse_attention import choose_blocks
from cvsr.models.transformer import VideoTransformer
from cvsr.notebook.attention import (
    ASKING,
    CHOSEN,
    KNOWN,
    UNKNOWN,
    attention_mask,
    chosen_blocks,
    draw_choice,
    draw_masks,
    draw_news,
)

SIZE = (4, 4, 6)


def mask(shifted=False, **scheme):
    query, key = torch.randn(2, 96, 8, generator=torch.Generator().manual_seed(0))
    return attention_mask(AttentionScheme(**scheme), SIZE, shifted, query, key), query, key


def test_masks_are_those_of_the_ways_to_attend():
    assert mask()[0].all()
    frame = np.arange(96) // 24
    for shifted, number in ((False, frame // 2), (True, (frame + 1) // 2)):
        assert np.array_equal(mask(shifted, temporal_unit=2)[0], number[:, None] == number[None])
    windows, _, _ = mask(attention="swin", window=(2, 2, 3))
    assert set(windows.sum(1)) == {12}


def test_a_sparse_mask_shows_the_block_and_what_it_chose():
    sparse, query, key = mask(attention="sparse", block=(2, 3), top_k=2)
    assert set(sparse.sum(1)) == {18}
    chosen = choose_blocks(query[None, :, None], key[None, :, None], SIZE, (2, 3), 2)[0, 0]
    first = sparse[0].reshape(4, 2, 2, 2, 3).any(axis=(2, 4)).reshape(-1)  # of block 0, which blocks it sees
    assert sorted(chosen[0].tolist()) == first.nonzero()[0].tolist()


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = VideoTransformer(4, 4, (1, 1, 1), width=24, depth=2, heads=2, text_width=8, block=(2, 3))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def test_choices_are_those_that_the_network_makes(network, monkeypatch):
    network.use_attention(attention="sparse")
    made = []

    def watched(*arguments):
        made.append(choose_blocks(*arguments))
        return made[-1]

    monkeypatch.setattr("cvsr.models.sparse_attention.choose_blocks", watched)
    latents = torch.randn(1, 4, *SIZE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        chosen = chosen_blocks(
            network,
            lambda: network(latents, torch.tensor([0.5]), torch.zeros(1, 1, 8)),
            SIZE,
            (2, 3),
            top_k=1,
        )
    assert torch.equal(chosen, torch.cat(made))
    assert chosen.shape == (2, 2, 16, 2)
    assert not any(module._forward_hooks for module in network.modules())


def test_what_a_block_reads_is_framed_and_bright():
    frames = [np.full((128, 192, 3), 100, np.uint8) for _ in range(4)]
    picture = draw_choice(frames, SIZE, (2, 3), [1, 15])
    asking, chosen = (np.argwhere((picture == colour).all(-1)) for colour in (ASKING, CHOSEN))
    below = picture.shape[0] - 128  # the frames stand below their titles
    assert asking.min(0) == pytest.approx([below, 96], abs=1)  # block 1: the upper right quarter of the first
    assert asking.max(0) == pytest.approx([below + 63, 191], abs=1)
    assert chosen.max(0) == pytest.approx(np.array(picture.shape[:2]) - 1, abs=1)  # block 15: lower right, of the last
    assert (picture == 100).all(-1).sum() > 2 * 54 * 86  # two blocks as they were
    assert (frames[0] == 100).all()


def test_news_spreads_from_row_to_row():
    picture = draw_news(frames=10, unit=5, start=0, layers=3, cell=20)
    centres = picture[8::20, 10::20]
    known = (centres == KNOWN).all(-1).sum(1)
    assert known.tolist() == [1, 5, 7, 10]
    assert ((centres == KNOWN).all(-1) | (centres == UNKNOWN).all(-1)).all()
    still = draw_news(frames=10, unit=5, start=0, layers=3, shift=False, cell=20)[8::20, 10::20]
    assert (still == KNOWN).all(-1).sum(1).tolist() == [1, 5, 5, 5]


def test_masks_stand_in_rows_under_their_names_with_axes_named():
    masks = {"nobody": np.zeros((4, 4), bool), "all": np.ones((4, 4), bool)}
    figure = draw_masks([masks, masks])
    assert [axes.get_title() for axes in figure.axes] == ["nobody", "all"] * 2
    assert {figure.get_supxlabel(), figure.get_supylabel()} == {"token that is read", "token that reads"}
    colours = [axes.images[0].cmap(axes.images[0].norm(axes.images[0].get_array())) for axes in figure.axes[:2]]
    assert (colours[0] != colours[1]).any()
