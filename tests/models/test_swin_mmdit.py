"""Swin-MMDiT: window attention against masked full attention, texts of any length, any size."""

import pytest
import torch

from cvsr.models.swin_mmdit import SwinMMDiT
from cvsr.models.windows import FixedWindow, partition

SMALL = {
    "in_channels": 5,
    "out_channels": 2,
    "width": 24,
    "depth": 4,
    "separate_depth": 2,
    "heads": 2,
    "text_width": 8,
    "window": (2, 3, 3),
}


def make(**changes):
    """A small network whose branches are all open."""
    torch.manual_seed(0)
    network = SwinMMDiT(**SMALL | changes).eval()
    for parameter in network.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return network


def inputs(size=(3, 5, 4), batch=2, texts=6):
    return {
        "hidden_states": torch.randn(batch, 5, *size),
        "timestep": torch.linspace(0.2, 0.9, batch),
        "encoder_hidden_states": torch.randn(batch, texts, 8),
    }


@torch.no_grad()
def test_a_fresh_network_returns_zero():
    assert SwinMMDiT(**SMALL)(**inputs()).sample.abs().max() == 0


@torch.no_grad()
def test_windows_equal_full_attention_under_the_mask_that_says_the_same(monkeypatch):
    """One block at a time: the text differs from window to window before it is averaged."""
    network, given = make(), inputs()
    expected = network(**given).sample

    def masked(query, key, value, lengths, backend):
        segment = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
        allowed = segment[:, None] == segment[None]
        q, k, v = (x.transpose(0, 1)[None] for x in (query, key, value))
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)[0].transpose(0, 1)

    monkeypatch.setattr("cvsr.models.swin_mmdit.attend", masked)
    torch.testing.assert_close(network(**given).sample, expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_texts_of_different_lengths_in_one_batch_give_what_each_gives_alone():
    network, given = make(), inputs(batch=3)
    mask = torch.tensor([[1] * 6, [1, 1, 0, 0, 0, 0], [0] * 6], dtype=torch.bool)
    together = network(**given, encoder_attention_mask=mask).sample
    for b, count in enumerate((6, 2, 0)):
        alone = {name: value[b : b + 1] for name, value in given.items()}
        alone["encoder_hidden_states"] = alone["encoder_hidden_states"][:, : max(count, 1)]
        alone["encoder_attention_mask"] = torch.full((1, max(count, 1)), count > 0)
        torch.testing.assert_close(network(**alone).sample, together[b : b + 1], rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("rule", [{"window_rule": "fixed"}, {"window_rule": "adaptive", "window": (2, 2, 2)}])
def test_clips_of_different_sizes_in_one_batch_give_what_each_gives_alone(rule):
    network, given = make(**rule), inputs(batch=3)
    clips = [torch.randn(5, *size) for size in ((3, 5, 4), (1, 8, 7), (2, 2, 2))]
    together = network(**given | {"hidden_states": clips}).sample
    for b, clip in enumerate(clips):
        alone = {name: value[b : b + 1] for name, value in given.items()} | {"hidden_states": clip[None]}
        torch.testing.assert_close(network(**alone).sample[0], together[b], rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("rule", [{"window_rule": "fixed"}, {"window_rule": "adaptive", "window": (2, 2, 2)}])
@pytest.mark.parametrize("size", [(1, 1, 1), (1, 7, 3), (5, 4, 9)])
def test_any_size(rule, size):
    network, given = make(**rule), inputs(size)
    result = network(**given).sample
    assert result.shape == (2, 2, *size)
    assert result.isfinite().all()


@torch.no_grad()
def test_a_token_reaches_its_own_window_first_and_with_depth_all_windows():
    size, window = (1, 12, 12), (1, 4, 4)
    given = inputs(size, batch=1, texts=1)
    given["encoder_attention_mask"] = torch.zeros(1, 1, dtype=torch.bool)
    other = dict(given, hidden_states=given["hidden_states"].clone())
    other["hidden_states"][..., 0, 0] += 1.0

    def reached(depth):
        network = make(depth=depth, separate_depth=0, window=window)
        change = (network(**other).sample - network(**given).sample).abs().amax(dim=(0, 1, 2))  # (Y, X)
        return change > 1e-9

    own = torch.zeros(12, 12, dtype=torch.bool)
    own[:4, :4] = True
    assert torch.equal(reached(1), own)
    assert reached(4).all()


@torch.no_grad()
def test_the_shift_moves_every_second_block():
    size, rule = (2, 6, 6), FixedWindow((2, 3, 3))
    assert len(partition(size, rule, False).lengths) == 4
    assert len(partition(size, rule, True).lengths) == 9


def test_checkpointed_gradients_equal_plain_ones():
    given, gradients = inputs(), []
    for checkpointing in (False, True):
        network = make()
        if checkpointing:
            network.enable_gradient_checkpointing()
        network.train()(**given).sample.square().sum().backward()
        gradients.append([p.grad for p in network.parameters() if p.grad is not None])
    for plain, saved in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_rule": "round"}, "window_rule='round': unknown"),
        ({"heads": 5}, "bad channels a head"),
        ({"separate_depth": 9}, "separate_depth=9: allowed 0 to depth=4"),
        ({"window": (0, 1, 1)}, "no window"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_a_list_that_does_not_fit_is_refused():
    given = inputs(batch=2)
    with pytest.raises(ValueError, match=r"timestep=\(2,\): wrong shape; allowed \(3,\)"):
        make()(**given | {"hidden_states": [torch.randn(5, 1, 4, 4)] * 3})
    with pytest.raises(ValueError, match=r"hidden_states=\(2, 4, 1, 4, 4\): wrong shape"):
        make()(**given | {"hidden_states": [torch.randn(5, 1, 4, 4), torch.randn(4, 1, 4, 4)]})


def test_it_is_saved_and_loaded_again(tmp_path):
    network = make()
    network.save_pretrained(tmp_path)
    again = SwinMMDiT.from_pretrained(tmp_path)
    given = inputs()
    with torch.no_grad():
        torch.testing.assert_close(again(**given).sample, network(**given).sample)
