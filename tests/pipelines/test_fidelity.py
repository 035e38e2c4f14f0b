"""Corrections bring back what the input says and leave the detail it cannot carry."""

import math

import pytest
import torch

from cvsr.cli import video_arguments
from cvsr.data.resize import resize
from cvsr.pipelines.fidelity import (
    COLOUR_CORRECTIONS,
    back_project,
    correct_colour,
    emphasise_detail,
    local_contrast,
    low_frequencies,
    match_statistics,
    transfer_colour,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("scale", [2, 3.5, 4])
def test_each_round_brings_the_reduction_closer_to_the_input(scale):
    source = noise(1, 3, 2, 16, 20)
    result = noise(1, 3, 2, int(16 * scale), int(20 * scale), seed=1)
    gaps = [
        (resize(back_project(result, source, rounds), 16, 20) - source).square().mean().item()
        for rounds in (0, 1, 3, 6)
    ]
    assert gaps[0] > 4 * gaps[1] > 8 * gaps[2]
    assert gaps[2] > gaps[3]


def test_a_result_that_agrees_with_its_input_stays():
    result = noise(1, 3, 2, 32, 32)
    source = resize(result, 8, 8)
    assert torch.allclose(back_project(result, source, 3), result, atol=1e-5)


@pytest.mark.parametrize("apart", [0.01, 0.05, 0.1, 0.5])
def test_what_is_changed_on_purpose_stays_changed(apart):
    source, result = torch.zeros(2, 3, 2, 8, 8), torch.full((2, 3, 2, 32, 32), apart)
    kept = 1 - math.exp(-((apart / 0.05) ** 2) / 2)
    once, twice = (back_project(result, source, rounds, agreement=0.05) for rounds in (1, 2))
    torch.testing.assert_close(once, kept * result)
    torch.testing.assert_close(twice, kept**2 * result)  # what is believed is settled before the first round


def test_a_change_stays_changed_beside_what_is_held():
    source, result = torch.zeros(1, 3, 1, 8, 16), torch.full((1, 3, 1, 32, 64), 0.01)
    result[..., 32:] = 1.0
    held = back_project(result, source, 3, agreement=0.05)
    assert held[..., :20].abs().max() < 1e-3
    torch.testing.assert_close(held[..., 40:], result[..., 40:])
    assert back_project(result, source, 3)[..., 40:].abs().max() < 0.05


def test_a_colour_cast_is_taken_away_and_detail_kept():
    truth = noise(2, 3, 2, 40, 24) * 0.5
    cast = torch.tensor([0.2, -0.1, 0.05]).view(1, 3, 1, 1, 1)
    assert torch.allclose(transfer_colour(truth + cast, truth), truth, atol=1e-5)
    flat = torch.full_like(truth, 0.3)
    corrected = transfer_colour(truth, flat)
    assert torch.allclose(
        corrected - low_frequencies(corrected, 1), truth - low_frequencies(truth, 1), atol=0.05
    )


def test_low_frequencies_of_a_flat_picture_are_itself_and_of_a_checkerboard_nothing():
    flat = torch.full((1, 3, 1, 8, 8), 0.7)
    assert torch.allclose(low_frequencies(flat, 5), flat)
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1
    blurred = low_frequencies(board.expand(1, 1, 1, 16, 16), 1)
    assert blurred[..., 1:-1, 1:-1].abs().max() < 1e-6


def test_weakened_detail_lies_on_the_line_from_the_enlargement_to_the_result():
    enlarged, video = torch.rand(2, 1, 3, 1, 16, 24)
    torch.testing.assert_close(emphasise_detail(video, enlarged, 1.0), video)
    torch.testing.assert_close(emphasise_detail(video, enlarged, 0.0), enlarged)
    torch.testing.assert_close(emphasise_detail(video, enlarged, 0.5), (video + enlarged) / 2)


def test_detail_is_emphasised_where_the_input_is_busy():
    enlarged = 0.12 * checkerboard(40, 120)
    enlarged[..., 40:80] /= 6  # a contrast of 0.02, where detail stays as it is
    enlarged[..., 80:] = 0.3
    added = noise(1, 3, 2, 40, 120)
    gain = (emphasise_detail(enlarged + added, enlarged, 2.5) - enlarged) / added
    for place, expected in ((20, 1 + 1.5 * 0.10 / 0.16), (60, 1.0), (100, 1 - 1.5 / 2)):
        inside = gain[..., 8:-8, place - 12 : place + 12]
        torch.testing.assert_close(inside, torch.full_like(inside, expected), atol=0.03, rtol=0)
    flat = emphasise_detail(enlarged + added, enlarged, 5.0)[..., 88:]
    torch.testing.assert_close(flat, enlarged[..., 88:])  # never less than nothing
    assert (emphasise_detail(added, added, 3.0) - added).abs().max() == 0


def test_local_contrast_is_the_spread_about_the_local_mean():
    video = noise(1, 3, 2, 40, 48)
    grey = video.mean(1)[0, 1]
    means = grey.unfold(0, 9, 1).unfold(1, 9, 1).mean((-1, -2))  # of the windows around (4, 4) and on
    strays = (grey[4:-4, 4:-4] - means)[10:19, 12:21]  # 9×9 around (18, 20)
    assert local_contrast(video).shape == (1, 1, 2, 40, 48)
    assert local_contrast(video)[0, 0, 1, 18, 20] == pytest.approx(strays.square().mean().sqrt().item(), abs=1e-5)
    assert local_contrast(noise(1, 3, 1, 1, 1)).item() == 0


def test_an_even_shade_has_no_contrast():
    shade = torch.linspace(-1, 1, 64).view(1, 1, 1, 1, 64).expand(1, 3, 1, 40, 64)
    assert local_contrast(shade)[..., 8:-8].max() < 1e-5  # a window's standard deviation would be 0.08


def checkerboard(height: int, width: int) -> torch.Tensor:
    odd = (torch.arange(height)[:, None] + torch.arange(width)) % 2
    return (2.0 * odd - 1).expand(1, 3, 2, height, width).clone()


def test_adain_undoes_any_change_of_brightness_and_contrast():
    truth = noise(2, 3, 2, 10, 12)
    contrast, brightness = noise(2, 3, 2, 1, 1, seed=1) * 0.4 + 1, noise(2, 3, 2, 1, 1, seed=2)
    changed = contrast * truth + brightness  # another one for each channel of each frame
    torch.testing.assert_close(match_statistics(changed, truth), truth, atol=1e-5, rtol=1e-5)


def test_adain_gives_the_statistics_of_the_input_and_keeps_the_order_of_values():
    result, enlarged = noise(1, 3, 2, 10, 12), 0.3 * noise(1, 3, 2, 10, 12, seed=1) + 0.2
    matched = match_statistics(result, enlarged)
    for statistic in (torch.mean, torch.std):
        torch.testing.assert_close(statistic(matched, (-2, -1)), statistic(enlarged, (-2, -1)))
    assert torch.equal(matched.flatten(-2).argsort(), result.flatten(-2).argsort())


def test_adain_of_a_flat_frame_and_of_one_pixel_is_the_mean_of_the_input():
    enlarged = noise(1, 3, 1, 4, 4)
    matched = match_statistics(torch.full_like(enlarged, 0.9), enlarged)
    torch.testing.assert_close(matched, enlarged.mean((-2, -1), keepdim=True).expand_as(enlarged))
    pixel = noise(1, 3, 1, 1, 1, seed=1)
    torch.testing.assert_close(match_statistics(noise(1, 3, 1, 1, 1), pixel), pixel)


def test_a_colour_correction_by_its_name():
    result, enlarged = noise(1, 3, 1, 8, 8), noise(1, 3, 1, 8, 8, seed=1)
    assert torch.equal(correct_colour(result, enlarged, "none"), result)
    assert torch.equal(correct_colour(result, enlarged, "wavelet"), transfer_colour(result, enlarged))
    assert torch.equal(correct_colour(result, enlarged, "adain"), match_statistics(result, enlarged))
    with pytest.raises(
        ValueError, match=r"^colour_correction='lab': unknown; allowed none, wavelet, adain; try"
    ):
        correct_colour(result, enlarged, "lab")
    assert list(video_arguments.COLOUR_CORRECTIONS) == list(COLOUR_CORRECTIONS)
