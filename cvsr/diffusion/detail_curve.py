"""Where detail comes into being on the way from noise to data, measured on the predictions of a run.

At every step a network predicts the clean latents x̂_0. What changes in their high frequencies from one step to
the next, over time, says which times matter for detail; as the density of training times it is the detail-aware
sampler (SimpleGVR section 4.3). The paper names the discrete cosine transform (DCT), its high-frequency
coefficients H and their differences from step to step; it leaves open which coefficients are high and how
differences are measured. Here they are the ones that a reduction to half the size cannot carry, and

    change(t) = rms(H(x̂_0(t_i+1)) - H(x̂_0(t_i))) / (t_i - t_i+1)        at t = (t_i + t_i+1) / 2
    gain(t)   = (|H(x̂_0(t_i+1))|² - |H(x̂_0(t_i))|²) / (t_i - t_i+1)     mean squares

so that unequal steps give the same curve. The gain of energy alone would not see detail that moves.

Legend: B batch, c channels, t h w latent sizes, n steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch
from torch import Tensor

REDUCTION = 2  # latent positions that a reduction makes one of


@dataclass(frozen=True)
class DetailCurve:
    """Of runs of n steps: at the times `knots` (n - 1,), rising, the change and the gain a unit of time, (B, n - 1)."""

    knots: Tensor
    change: Tensor
    gain: Tensor


def high_frequencies(latents: Tensor, reduction: int = REDUCTION) -> Tensor:
    """Orthonormal DCT of each latent frame, (B, c, t, h, w), 0 where a reduction by `reduction` would keep it.

    High are the coefficients (u, v) with u ≥ w / reduction or v ≥ h / reduction, as in
    `cvsr.evaluation.metrics.high_frequency_ratio`, here of latents.
    """
    height, width = latents.shape[-2:]
    spectrum = torch.from_numpy(scipy.fft.dctn(latents.double().cpu().numpy(), axes=(-2, -1), norm="ortho"))
    low_rows = np.arange(height)[:, None] < height / reduction
    low_columns = np.arange(width)[None, :] < width / reduction
    return spectrum.masked_fill(torch.from_numpy(low_rows & low_columns), 0.0)


def detail_curve(times: Sequence[float], clean: Sequence[Tensor], reduction: int = REDUCTION) -> DetailCurve:
    """The curve of some runs that shared their times.

    Args:
        times: n of them in [0, 1], falling, as a sampler walks.
        clean: the clean latents (B, c, t, h, w) predicted at each.
        reduction: see `high_frequencies`.

    Raises:
        ValueError: fewer than two steps, times that do not fall, or another number of predictions.
    """
    t = torch.tensor([float(time) for time in times], dtype=torch.float64)
    if len(t) != len(clean) or len(t) < 2 or not torch.all(t.diff() < 0):
        raise ValueError(
            f"times={[round(float(time), 4) for time in times]}, clean={len(clean)}: no run; allowed at least two"
            " falling times with a prediction each; try num_inference_steps=50"
        )
    duration = -t.diff()  # (n - 1,)
    change, energy, before = [], [], None
    for prediction in clean:  # one spectrum at a time: latents of a large video are large
        high = high_frequencies(prediction, reduction)
        if before is not None:
            change.append((high - before).square().mean(dim=(1, 2, 3, 4)).sqrt())
        energy.append(high.square().mean(dim=(1, 2, 3, 4)))
        before = high
    knots = (t[:-1] + t[1:]) / 2
    changes, gains = (
        torch.stack(change, 1) / duration,
        torch.stack(energy, 1).diff(dim=1) / duration,
    )  # (B, n - 1)
    return DetailCurve(knots.flip(0), changes.flip(1), gains.flip(1))
