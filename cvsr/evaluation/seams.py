"""How visible the borders are between the patches that a video was put together from."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.evaluation.metrics import luma


def seam_ratio(
    video: Tensor,
    rows: Sequence[int],
    columns: Sequence[int],
    grid: int = 1,
    reference: Tensor | None = None,
) -> Tensor:
    """The gradient across borders over the gradient elsewhere: 1 where no border is to be seen, above 1 for seams.

    The gradient is the difference of neighbouring pixels' luma, its magnitude. Borders count by their length; those of
    rows are compared with other rows, those of columns with other columns, since pictures may be steeper one way. A
    codec may draw steps of its own between its blocks, everywhere: where latents were joined, compare with these. And
    what is in the picture may have an edge along a border by chance: with few of them, compare with a reference.

    Args:
        video: (B, 3, T, H, W).
        rows: y of borders between the pixel rows y - 1 and y; for joined patches see
            `cvsr.diffusion.joint_modulation.borders`.
        columns: x of borders likewise.
        grid: pixels between the lines that are compared, such as the 8 of a latent; borders are among them.
        reference: a video without patches, of the same shape, whose own ratio at these borders counts as 1.

    Returns:
        (B,); NaN for a video without any gradient.

    Raises:
        ValueError: shapes that do not fit, no border, or one that is none of the video.
    """
    _check(video, rows, columns, grid, reference)
    picture = luma(video.double())
    total, length = video.new_zeros(len(video)).double(), 0
    for axis, borders in ((-2, sorted(set(rows))), (-1, sorted(set(columns)))):
        if borders:
            steps = picture.diff(dim=axis).abs().transpose(axis, -1).mean(dim=1)  # (B, other axis, this axis - 1)
            steps = steps[..., grid - 1 :: grid]
            at_border = torch.zeros(steps.shape[-1], dtype=torch.bool, device=video.device)
            at_border[[border // grid - 1 for border in borders]] = True
            weight = len(borders) * steps.shape[1]
            total += weight * steps[..., at_border].mean((1, 2)) / steps[..., ~at_border].mean((1, 2))
            length += weight
    ratio = (total / length).float()
    return ratio if reference is None else ratio / seam_ratio(reference, rows, columns, grid)


def strongest_seam(video: Tensor, reach: int = 8) -> Tensor:
    """How far the steepest straight line across the picture stands out, where no border is known: (B,), 1 and more.

    A seam is a line, a row or a column, across which neighbouring pixels differ more than across the lines around it.
    Every line's gradient, the mean over it and over time, is divided by the median of those up to `reach` lines away;
    the figure is the greatest quotient. What is in a picture seldom makes one above 2 (a horizon does). Compare with
    another video of the same scene. NaN for a video without any gradient.

    Raises:
        ValueError: no video (B, 3, T, H, W), or one smaller than twice the reach.
    """
    if video.ndim != 5 or min(video.shape[-2:]) < 2 * reach:
        raise ValueError(
            f"video={tuple(video.shape)}: too small, or no video; allowed (B, 3, T, H, W), H and W from {2 * reach};"
            f" try a smaller reach than {reach}"
        )
    picture, quotients = luma(video.double()), []
    for axis in (-2, -1):
        steps = picture.diff(dim=axis).abs().transpose(axis, -1).mean(dim=(1, 2))  # (B, lines)
        around = F.pad(steps[:, None], (reach, reach), mode="reflect")[:, 0].unfold(1, 2 * reach + 1, 1)
        quotients.append(steps / around.median(-1).values)  # (B, lines)
    return torch.cat(quotients, dim=1).amax(1).float()


def _check(
    video: Tensor, rows: Sequence[int], columns: Sequence[int], grid: int, reference: Tensor | None
) -> None:
    if video.ndim != 5 or (reference is not None and reference.shape != video.shape):
        others = "" if reference is None else f", reference={tuple(reference.shape)}"
        raise ValueError(
            f"video={tuple(video.shape)}{others}: no such videos; allowed (B, 3, T, H, W), both alike; try video[None]"
        )
    if not rows and not columns:
        raise ValueError("rows=[], columns=[]: no border; allowed one or more; try a result of more than one patch")
    for name, borders, side in (("rows", rows, video.shape[-2]), ("columns", columns, video.shape[-1])):
        if wrong := [border for border in borders if not 1 <= border < side or border % grid]:
            raise ValueError(
                f"{name}={wrong}: no borders of {side} pixels; allowed multiples of {grid} from {grid} to {side - 1};"
                " try those of the patches"
            )
        if borders and len(set(borders)) >= (most := (side - 1) // grid):
            raise ValueError(f"{name}={list(borders)}: borders everywhere; allowed at most {most - 1}; try fewer")
