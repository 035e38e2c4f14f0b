"""Fidelity, detail and steadiness of a video against its reference.

Every function takes two videos (B, C, T, H, W) in [-1, 1] of one shape, but for `high_frequency_energy`, which looks at
one alone, and returns one figure a video, (B,).
PSNR and SSIM say how close the result is, the high-frequency ratio how much detail it has (a blurred result
scores well on the first two and badly here), warping error and flicker how steady it is in time.
"""

from collections.abc import Callable

import numpy as np
import scipy.fft
import torch
from einops import rearrange
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from cvsr.evaluation.flow import trusted_flow, warp

DATA_RANGE = 2.0  # the width of [-1, 1]
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
MS_SSIM_LEAST = 176  # pixels: 11, the window, at a sixteenth


def psnr(video: Tensor, reference: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB over all pixels, frames and channels; infinite for equal videos."""
    _check_pair(video, reference)
    return peak_signal_noise_ratio(
        video, reference, data_range=DATA_RANGE, dim=(1, 2, 3, 4), reduction="none"
    )


def ssim(video: Tensor, reference: Tensor) -> Tensor:
    """Structural similarity, at most 1, the mean over frames and channels.

    Wang et al. 2004, with their Gaussian window of 11 pixels, sigma 1.5, on values in [-1, 1] as everywhere here. Their
    luminance term depends on where zero is: the same videos in [0, 1], as in the papers, score higher (lesson 10
    shows by how much). ValueError for smaller pictures.
    """
    _check_pair(video, reference)
    if min(video.shape[-2:]) < 11:
        raise ValueError(
            f"video={_shape(video)}: smaller than the SSIM window; allowed height and width >= 11; try psnr"
        )
    return _mean_over_frames(structural_similarity_index_measure, video, reference)


def ms_ssim(video: Tensor, reference: Tensor) -> Tensor:
    """Structural similarity at five scales, the mean over frames and channels (Wang, Simoncelli and Bovik 2003).

    Contrast and structure are compared at every scale, luminance at the coarsest. ValueError for smaller pictures.
    """
    _check_pair(video, reference)
    if min(video.shape[-2:]) < MS_SSIM_LEAST:
        raise ValueError(
            f"video={_shape(video)}: smaller than the coarsest window of MS-SSIM; allowed height and width >="
            f" {MS_SSIM_LEAST}; try ssim"
        )
    return _mean_over_frames(multiscale_structural_similarity_index_measure, video, reference)


def _mean_over_frames(similarity: Callable[..., Tensor], video: Tensor, reference: Tensor) -> Tensor:
    """A similarity of torchmetrics, (B,)."""
    pictures = (rearrange(each, "b c t h w -> (b t) c h w") for each in (video, reference))
    frames = similarity(*pictures, data_range=DATA_RANGE, reduction="none")
    return rearrange(frames, "(b t) -> b t", b=len(video)).mean(1)


def high_frequency_ratio(video: Tensor, reference: Tensor, reduction: int = 4) -> Tensor:
    """Energy of the fine detail relative to the reference's: 0 = none left, 1 = as much as the truth.

    Detail is what a picture reduced by `reduction` cannot carry: the coefficients (u, v) of each frame's luma
    DCT with u >= W / reduction or v >= H / reduction (coefficient N would be the Nyquist frequency).
    The ratio measures amount, not truth: noise counts as detail, so read it beside SSIM and warping error.
    NaN or infinite where the reference has no detail at all.
    """
    _check_pair(video, reference)
    return _detail_energy(video, reduction) / _detail_energy(reference, reduction)


def high_frequency_energy(video: Tensor, reduction: int = 4) -> Tensor:
    """The fine detail of videos (B, 3, T, H, W) alone: root mean square of its luma, in levels of 0 to 255.

    Detail is as in `high_frequency_ratio`: what is left of a picture without its coarse DCT coefficients. It is
    amount, not truth, so that noise and sharpening raise it.
    """
    pixels = video.shape[2] * video.shape[3] * video.shape[4]
    return 127.5 * (_detail_energy(video, reduction) / pixels).sqrt()


def warping_error(video: Tensor, reference: Tensor) -> Tensor:
    """Squared change of the picture along the motion, pixels in [0, 1] (Lai et al. 2018).

    The motion is the reference's (DIS optical flow): frame t + 1 is compared with frame t moved by it, on the
    pixels visible in both; NaN where no pixel is. Grain and noise of the clip itself count, so set it beside
    `warping_error(reference, reference)`.
    """
    _check_pair(video, reference)
    _check_motion(video)
    pairs = zip(video, reference, strict=True)
    return torch.tensor([_warping_error(_frames(clip), _frames(truth)) for clip, truth in pairs])


def flicker(video: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute difference between the frame-to-frame changes of both videos, pixels in [0, 1].

    A constant error of colour costs nothing here, one that comes and goes costs its height.
    """
    _check_pair(video, reference)
    _check_motion(video)
    change = video.diff(dim=2) - reference.diff(dim=2)  # (B, C, T-1, H, W)
    return change.abs().mean(dim=(1, 2, 3, 4)) / DATA_RANGE


def luma(video: Tensor) -> Tensor:
    """(B, 3, T, H, W) -> (B, T, H, W), BT.601."""
    return torch.einsum("bcthw,c->bthw", video, video.new_tensor(LUMA))


def _detail_energy(video: Tensor, reduction: int) -> Tensor:
    height, width = video.shape[-2:]
    spectrum = scipy.fft.dctn(luma(video).double().cpu().numpy(), axes=(-2, -1), norm="ortho")  # (B, T, H, W)
    fine_rows = np.arange(height)[:, None] >= height / reduction
    fine_columns = np.arange(width)[None, :] >= width / reduction
    return torch.from_numpy(np.square(spectrum).sum(axis=(1, 2, 3), where=fine_rows | fine_columns)).float()


def _warping_error(frames: np.ndarray, truth: np.ndarray) -> float:
    errors = []
    for t in range(len(frames) - 1):
        flow, visible = trusted_flow(truth[t + 1], truth[t])
        if visible.any():  # a scene cut leaves nothing to compare
            errors.append(np.square(frames[t + 1] - warp(frames[t], flow))[visible].mean())
    return float(np.mean(errors)) if errors else float("nan")


def _frames(video: Tensor) -> np.ndarray:
    """(C, T, H, W) in [-1, 1] -> (T, H, W, C) in [0, 1]."""
    return rearrange((video.float() + 1) / 2, "c t h w -> t h w c").cpu().numpy()


def _check_pair(video: Tensor, reference: Tensor) -> None:
    if video.ndim != 5 or video.shape != reference.shape:
        raise ValueError(
            f"video={_shape(video)}: does not fit the reference {_shape(reference)}; "
            "allowed two equal shapes (B, C, T, H, W); try resizing or cutting one of them"
        )


def _check_motion(video: Tensor) -> None:
    if video.shape[2] < 2:
        raise ValueError(f"video={_shape(video)}: one frame has no motion; allowed T >= 2; try psnr or ssim")


def _shape(video: Tensor) -> tuple[int, ...]:
    return tuple(video.shape)
