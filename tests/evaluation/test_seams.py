"""The seam ratio of pictures whose gradients are known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.diffusion.joint_modulation import borders, cover, join
from cvsr.evaluation.seams import seam_ratio, strongest_seam


def grey(picture: torch.Tensor, frames: int = 2) -> torch.Tensor:
    """A video (1, 3, T, H, W) that shows it."""
    return picture.expand(1, 3, frames, *picture.shape[-2:])


def ramp(height: int, width: int, down: float = 0.0, right: float = 0.0) -> torch.Tensor:
    return down * torch.arange(height)[:, None] + right * torch.arange(width) + torch.zeros(height, width)


def test_an_even_slope_has_no_seam():
    video = grey(ramp(12, 16, 0.01, 0.02))
    torch.testing.assert_close(seam_ratio(video, [4, 8], [8]), torch.ones(1))


@settings(max_examples=30)
@given(st.floats(0.01, 0.1), st.floats(0, 0.2), st.floats(0, 0.2))
def test_a_step_on_a_slope_adds_to_it(slope, step_down, step_right):
    picture = ramp(12, 20, slope, slope)
    picture[6:] += step_down
    picture[:, 5:] += step_right
    torch.testing.assert_close(seam_ratio(grey(picture), [6], []), torch.tensor([1 + step_down / slope]))
    torch.testing.assert_close(seam_ratio(grey(picture), [], [5]), torch.tensor([1 + step_right / slope]))
    both = (20 * (1 + step_down / slope) + 12 * (1 + step_right / slope)) / 32  # by the borders' lengths
    torch.testing.assert_close(seam_ratio(grey(picture), [6], [5]), torch.tensor([both]))


def test_each_way_is_compared_with_itself():
    video = grey(ramp(12, 16, 0.5, 0.001))
    torch.testing.assert_close(seam_ratio(video, [4], [8]), torch.ones(1), rtol=0, atol=1e-4)


def test_every_video_for_itself_and_what_is_brighter_is_the_same():
    plain, stepped = ramp(8, 12, right=0.1), ramp(8, 12, right=0.1)
    stepped[:, 6:] += 0.1
    videos = torch.cat([grey(plain), grey(stepped), grey(3 * stepped + 1)])
    torch.testing.assert_close(seam_ratio(videos, [], [6]), torch.tensor([1.0, 2.0, 2.0]))


def test_a_softened_seam_is_gone_from_its_line():
    picture = ramp(8, 12, right=0.1)
    picture[:, 6] += 0.05
    picture[:, 7:] += 0.1  # half of the step a pixel later
    expected = 0.15 / ((9 * 0.1 + 0.15) / 10)
    torch.testing.assert_close(seam_ratio(grey(picture), [], [6]), torch.tensor([expected]))


def test_an_edge_of_the_picture_itself_is_in_the_reference():
    picture = ramp(8, 12, right=0.1)
    picture[:, 6:] += 1
    torch.testing.assert_close(seam_ratio(grey(picture), [], [6], reference=grey(picture)), torch.ones(1))


def test_steps_of_the_codecs_own_are_no_seams():
    picture = ramp(8, 40, right=0.1)
    picture += torch.arange(40) // 8 * 0.4  # blocks of 8
    assert seam_ratio(grey(picture), [], [16]) > 3
    torch.testing.assert_close(seam_ratio(grey(picture), [], [16], grid=8), torch.ones(1))
    picture[:, 16:] += 0.5
    torch.testing.assert_close(seam_ratio(grey(picture), [], [16], grid=8), torch.tensor([2.0]))
    with pytest.raises(ValueError, match=r"columns=\[12\]: no borders of 40 pixels; allowed multiples of 8"):
        seam_ratio(grey(picture), [], [8, 12], grid=8)


def test_a_flat_picture_has_no_ratio():
    assert seam_ratio(grey(torch.zeros(8, 8)), [4], [4]).isnan().all()


def test_joint_modulation_leaves_less_of_a_seam_than_stitching():
    """Patches that agree but for their brightness."""
    picture, size = ramp(48, 48, 0.01, 0.02), 16
    ratios = {}
    for joining in ("joint", "averaged", "stitched"):

        def predict(group):
            return [patch.of(picture) + 0.1 * ((patch.rows.start + patch.columns.start) // 8 % 3) for patch in group]

        joined = join(predict, cover(48, 48, size, joining), 48, 48, 4)
        lines = borders(48, size, joining)
        ratios[joining] = seam_ratio(grey(joined), lines, lines).item()
    assert ratios["joint"] < 1.05 < ratios["averaged"] < ratios["stitched"]


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ([], [], "no border; allowed one or more"),
        ([0], [4], r"rows=\[0\]: no borders of 8 pixels; allowed multiples of 1 from 1 to 7"),
        ([4], [8, 9], r"columns=\[8, 9\]: no borders of 8 pixels"),
        (range(1, 8), [], "borders everywhere; allowed at most 6"),
    ],
)
def test_mistakes_are_named(rows, columns, said):
    with pytest.raises(ValueError, match=said):
        seam_ratio(grey(ramp(8, 8, 0.1)), list(rows), columns)
    with pytest.raises(ValueError, match="no such videos"):
        seam_ratio(torch.zeros(3, 2, 8, 8), [4], [4])
    with pytest.raises(ValueError, match=r"reference=\(1, 3, 1, 8, 8\): no such videos"):
        seam_ratio(torch.zeros(1, 3, 2, 8, 8), [4], [4], reference=torch.zeros(1, 3, 1, 8, 8))


def test_the_strongest_seam_of_joined_pictures_stands_out_by_its_step():
    """Noise of one contrast, a step of ten times its gradient after row 24: that line's quotient is the figure."""
    picture = grey(torch.rand(64, 64, generator=torch.Generator().manual_seed(0)))
    assert 1 <= strongest_seam(picture).item() < 1.5
    joined = picture.clone()
    joined[..., 24:, :] += 10
    gradient = luma_steps(joined)
    around = gradient[23 - 8 : 23 + 9].median()
    assert strongest_seam(joined).item() == pytest.approx((gradient[23] / around).item(), rel=1e-5)
    assert strongest_seam(joined).item() > 20


def test_a_video_too_small_for_a_seam_is_refused():
    with pytest.raises(ValueError, match="too small, or no video"):
        strongest_seam(torch.zeros(1, 3, 1, 15, 64))


def luma_steps(video):
    """Mean absolute difference of neighbouring rows of one grey picture, (H - 1,)."""
    return video[0, 0, 0].double().diff(dim=0).abs().mean(1)
