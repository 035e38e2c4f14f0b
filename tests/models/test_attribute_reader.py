"""The attribute reader: small, one answer a video whatever its size, and saved with its names."""

import pytest
import torch

from cvsr.data.palette import COLOURS
from cvsr.data.shapes import KINDS
from cvsr.models.attribute_reader import AttributeReader


@pytest.fixture
def reader() -> AttributeReader:
    torch.manual_seed(0)
    return AttributeReader(["ball", "cube", "star"], ["red", "blue"]).eval()


def clip(batch=2, frames=9, size=64):
    return torch.rand(batch, 3, frames, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_it_is_small():
    model = AttributeReader(list(KINDS), list(COLOURS))
    assert sum(parameter.numel() for parameter in model.parameters()) <= 400_000
    kind, colour = model.eval()(torch.zeros(2, 3, 64, 64))
    assert kind.shape == (2, 19)
    assert colour.shape == (2, 10)


@pytest.mark.parametrize(("frames", "size"), [(1, 64), (5, 64), (17, 64), (5, 16), (6, 100)])
def test_videos_of_any_size_and_length_are_read(reader, frames, size):
    kinds, colours = reader.read(clip(frames=frames, size=size))
    assert len(kinds) == len(colours) == 2
    assert set(kinds) <= {"ball", "cube", "star"}
    assert set(colours) <= {"red", "blue"}


def test_a_video_is_judged_by_the_mean_of_its_frames(reader):
    video = clip(batch=1, frames=17)
    looked_at = torch.stack([torch.cat(reader(video[:, :, i]), dim=1) for i in (0, 4, 8, 12, 16)])
    torch.testing.assert_close(torch.cat(reader.judge(video), dim=1), looked_at.mean(0))


def test_answers_follow_the_logits(reader):
    with torch.no_grad():
        reader.answer[-1].bias.copy_(torch.tensor([0, 0, 99.0, 99.0, 0]))
    assert reader.read(clip()) == (["star", "star"], ["red", "red"])


def test_it_is_loaded_with_its_names(reader, tmp_path):
    reader.save_pretrained(tmp_path)
    loaded = AttributeReader.from_pretrained(tmp_path).eval()
    assert loaded.config.kinds == ["ball", "cube", "star"]
    video = clip()
    torch.testing.assert_close(loaded.judge(video), reader.judge(video))


def test_activations_are_those_of_its_stages(reader):
    seen = reader.activations(clip()[:, :, 0])
    assert [tuple(a.shape[1:]) for a in seen] == [(24, 32, 32), (48, 16, 16), (96, 8, 8), (96, 8, 8), (128, 4, 4)]
    torch.testing.assert_close(torch.cat(reader(clip()[:, :, 0]), dim=1), reader.answer(seen[-1]))
    assert [a.shape[-1] for a in reader.activations(clip(size=100)[:, :, 0])] == [50, 25, 13, 13, 7]


def test_frames_of_another_size_are_refused(reader):
    with pytest.raises(ValueError, match=r"not frames of 64 pixels; allowed \(B, 3, 64, 64\); try `read`"):
        reader(torch.zeros(1, 3, 32, 32))


def test_embeddings_are_of_objects_and_of_nothing_else(reader):
    pictures = clip(size=128)[:, :, 0]
    masks = torch.zeros(2, 128, 128, dtype=torch.bool)
    masks[0, 32:64, 48:96] = True  # whole positions of the last stage
    masks[1] = True
    embeddings = reader.embed(pictures, masks)
    last = reader.activations(pictures)[-1]
    torch.testing.assert_close(embeddings[0], last[0, :, 2:4, 3:6].mean((1, 2)))
    torch.testing.assert_close(embeddings[1], last[1].mean((1, 2)))
    assert (embeddings >= 0).all()
    for wrong in (masks[:1], masks[:, ::2], masks & torch.tensor([True, False])[:, None, None]):
        with pytest.raises(ValueError, match=r"no objects in pictures \(2, 3, 128, 128\)"):
            reader.embed(pictures, wrong)
