"""Rows of the papers' tables, against what their text says of them."""

import pytest

from cvsr.measurements.published import AUTOENCODERS, TIMESTEP_SAMPLERS, WINDOW_SECONDS


def test_seedvr_has_the_lowest_rfvd_by_the_share_its_text_names():
    others = min(row.rfvd for name, row in AUTOENCODERS.items() if name != "SeedVR")
    assert 1 - AUTOENCODERS["SeedVR"].rfvd / others == pytest.approx(0.695, abs=5e-4)  # section 4.2
    assert AUTOENCODERS["SeedVR"].lpips == min(row.lpips for row in AUTOENCODERS.values())


def test_psnr_and_ssim_are_best_with_cogvideox():
    for figure in ("psnr", "ssim"):
        assert max(AUTOENCODERS, key=lambda name: getattr(AUTOENCODERS[name], figure)) == "CogVideoX"


def test_in_the_paper_larger_windows_train_faster():
    for frames in (1, 5):
        times = [WINDOW_SECONDS[frames, side] for side in (8, 16, 32, 64)]
        assert times == sorted(times, reverse=True)


def test_the_detail_aware_sampler_is_ahead_in_every_figure_of_the_paper():
    uniform, aware = TIMESTEP_SAMPLERS["uniform"], TIMESTEP_SAMPLERS["detail-aware"]
    assert all(getattr(aware, figure) > value for figure, value in vars(uniform).items())
