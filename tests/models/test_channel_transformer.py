"""References lie on the target, channel by channel, and take no token."""

import pytest
import torch

from cvsr.models.channel_transformer import ChannelTransformer
from cvsr.models.transformer import VideoTransformer

SIZES = {"in_channels": 6, "out_channels": 3, "width": 24, "depth": 2, "heads": 2, "text_width": 5}


def make(noise: float = 0.1, **changes) -> ChannelTransformer:
    torch.manual_seed(0)
    network = ChannelTransformer(reference_channels=3, most_references=2, **SIZES | {"patch_size": (1, 1, 1)} | changes)
    for weight in network.parameters():  # fresh networks return 0
        weight.data.add_(torch.randn_like(weight) * noise)
    return network.eval().double()


@torch.no_grad()
def run(network, x, **references):
    text = torch.ones(len(x), 3, 5, dtype=torch.double)
    return network(x, torch.full((len(x),), 0.4).double(), text, **references).sample


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.double)


@pytest.mark.parametrize("patch_size", [(1, 1, 1), (1, 2, 2)])
def test_it_is_a_video_transformer_of_more_channels(patch_size):
    network = make(patch_size=patch_size)
    wide = VideoTransformer(attention="spatial+full", patch_size=patch_size, **SIZES | {"in_channels": 12}).double()
    weights = network.state_dict()
    more = weights.pop("reference_embedding.weight")
    weights["patch_embedding.weight"] = torch.cat([weights["patch_embedding.weight"], more], dim=1)
    wide.load_state_dict(weights)
    x, references = draw(2, 6, 2, 4, 4), [[draw(3, 2, 4, 4), draw(3, 2, 4, 4) + 1], []]
    shown = torch.stack([torch.cat(references[0]), torch.zeros(6, 2, 4, 4).double()])
    torch.testing.assert_close(run(network, x, references=references), run(wide, torch.cat([x, shown], dim=1)))
    torch.testing.assert_close(run(network, x), run(network, x, references=[[], []]))


def test_a_fresh_network_does_not_read_references():
    network = make()
    network.reference_embedding.weight.data.zero_()
    assert not ChannelTransformer(**SIZES).reference_embedding.weight.any()
    x = draw(1, 6, 2, 4, 4)
    torch.testing.assert_close(run(network, x, references=[[draw(3, 1, 4, 4)]]), run(network, x))


def test_pictures_of_other_sizes_lie_in_the_middle_of_every_frame():
    network, target = make(), torch.zeros(6, 3, 4, 5)
    small, large = torch.ones(3, 1, 2, 2), torch.arange(8 * 7.0).view(1, 1, 8, 7).expand(3, 1, 8, 7)
    one, two = network._lay_out([small, large], target).chunk(2)  # (c, t, h, w) each
    expected = torch.zeros(4, 5)
    expected[1:3, 1:3] = 1
    assert torch.equal(one, expected.expand(3, 3, 4, 5))
    assert torch.equal(two, large[:, :, 2:6, 1:6].expand(3, 3, 4, 5))


def test_videos_lie_frame_by_frame_and_stand_still_at_their_end():
    network, target = make(), torch.zeros(6, 3, 2, 2)
    video = torch.tensor([1.0, 2.0])[None, :, None, None].expand(3, 2, 2, 2)
    one, two = network._lay_out([video], target).chunk(2)
    assert one[0, :, 0, 0].tolist() == [1, 2, 2]
    assert not two.any()


def test_saved_and_loaded_it_computes_the_same(tmp_path):
    network = make().float()
    network.save_pretrained(tmp_path)
    loaded = ChannelTransformer.from_pretrained(tmp_path).double()
    x, references = draw(1, 6, 2, 4, 4), [[draw(3, 1, 4, 4)]]
    torch.testing.assert_close(run(loaded, x, references=references), run(network.double(), x, references=references))


def test_mistakes_are_named():
    network, x = make(), draw(1, 6, 2, 4, 4)
    with pytest.raises(ValueError, match="references: 3 of one sample; allowed 2, each has channels of its own"):
        run(network, x, references=[[draw(3, 1, 4, 4)] * 3])
    with pytest.raises(ValueError, match="references: rows for 2 samples; allowed 1"):
        run(network, x, references=[[], []])
