"""Objects are as like as their embeddings; what is not seen is not compared."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from cvsr.data.references import cut_out
from cvsr.data.video import to_frames, to_tensor
from cvsr.measurements.likeness import LEAST, SIDE, Likeness, Subject
from cvsr.models.attribute_reader import AttributeReader

SEEN = np.zeros((7, 64, 64), bool)
SEEN[2:, 10:40, 20:44] = True


@pytest.fixture
def reader():
    torch.manual_seed(0)
    return AttributeReader(["ball"], ["red"]).eval()


def clip(seed: int) -> torch.Tensor:
    return torch.rand(1, 3, 7, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def subject(video: torch.Tensor, seen: np.ndarray = SEEN) -> Subject:
    """An object of the video, whose ID image is its last frame."""
    return Subject(seen, *cut_out(to_frames(video[0])[-1], SEEN[-1], SIDE))


def test_the_truth_is_like_itself_and_others_are_not(reader):
    truth, other = clip(0), clip(1)
    likeness = Likeness(reader, truth, [subject(truth)])
    assert likeness.figures(truth)["likeness_to_truth"] == pytest.approx(1)
    still = truth[:, :, -1:].expand_as(truth)
    assert likeness.figures(still)["likeness_to_reference"] == pytest.approx(1)
    assert all(0 < figure < 0.9999 for figure in likeness.figures(other).values())
    behind = torch.where(torch.from_numpy(SEEN), other, truth)
    assert likeness.figures(behind)["likeness_to_truth"] < likeness.figures(truth)["likeness_to_truth"]


def test_embeddings_are_means_over_frames_and_likenesses_over_objects(reader):
    truth, video = clip(0), clip(1)
    subjects = [subject(truth), subject(video)]
    both = Likeness(reader, truth, subjects).figures(video)
    each = [Likeness(reader, truth, [one]).figures(video) for one in subjects]
    for name, figure in both.items():
        assert figure == pytest.approx((each[0][name] + each[1][name]) / 2)
    found, true = (
        torch.stack([embedded(reader, shown, index) for index in range(2, 7)]).mean(0) for shown in (video, truth)
    )
    assert both["likeness_to_truth"] == pytest.approx(float(cosine_similarity(found, true, dim=0)))


def embedded(reader, video, index):
    picture, mask = cut_out(to_frames(video[0])[index], SEEN[index], SIDE)
    with torch.no_grad():
        return reader.embed(to_tensor(picture[None])[:, 0][None], torch.from_numpy(mask)[None])[0]


def test_objects_too_small_to_be_recognised_are_left_out(reader):
    truth = clip(0)
    speck = np.zeros_like(SEEN)
    speck[:, 0, : int(LEAST * 64 * 64)] = True
    alone = Likeness(reader, truth, [subject(truth)]).figures(clip(1))
    assert Likeness(reader, truth, [subject(truth), subject(truth, speck)]).figures(clip(1)) == alone
    assert Likeness(reader, truth, [subject(truth, speck)]).figures(truth) == {}
    assert Likeness(reader, truth, []).figures(truth) == {}
