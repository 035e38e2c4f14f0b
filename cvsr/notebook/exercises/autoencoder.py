"""Exercises of lesson 01: compression, the best linear codec, causality, a stream's memory."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cvsr.notebook.lesson import Hint, answered


def compression(answer: Callable[[int, int, int, int], float]) -> None:
    """Numbers of a video, 3 T H W, over those of its latents, c (1 + (T-1)/4) (H/8) (W/8)."""
    for frames, height, width, channels in ((1, 64, 64, 16), (17, 256, 256, 48), (77, 720, 1280, 16)):
        pixels, positions = frames * height * width, (1 + (frames - 1) // 4) * (height // 8) * (width // 8)
        result, expected = (
            float(answered(answer(frames, height, width, channels))),
            3 * pixels / (channels * positions),
        )
        where = f"{frames} frames of {height}×{width}, {channels} channels"
        if math.isclose(result, expected, rel_tol=1e-6):
            continue
        if math.isclose(result, 1 / expected, rel_tol=1e-6):
            raise Hint(f"{where}: upside down; a codec that makes less of a video has a factor above 1")
        if math.isclose(result, expected / 3, rel_tol=1e-6):
            raise Hint(f"{where}: a pixel is three numbers")
        if math.isclose(result, 3 * 4 * 8 * 8 / channels, rel_tol=1e-6):
            raise Hint(f"{where}: right for ever longer videos only; the first frame is a group of its own")
        raise Hint(f"{where}: {result:.2f} instead of {expected:.2f}")


def principal_components(answer: Callable[[Tensor, int], Tensor]) -> None:
    """Patches (N, D) as the best `channels` linear numbers a patch give them back: (N, D)."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(200, 3, generator=generator) @ torch.randn(3, 12, generator=generator)
    patches = patches + 0.1 * torch.randn(200, 12, generator=generator) + 2
    for channels in (1, 2, 5):
        result, expected = answered(answer(patches, channels)), _project(patches, channels)
        if not isinstance(result, Tensor) or result.shape != patches.shape:
            shape = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise Hint(f"this returns {shape}; patches of shape {tuple(patches.shape)} are asked for")
        if torch.allclose(result, expected, atol=1e-3):
            continue
        if torch.allclose(result, expected - patches.mean(0), atol=1e-3):
            raise Hint("the mean is missing: it was taken off before the projection and has to come back")
        if torch.allclose(result, _project(patches, channels, smallest=True), atol=1e-3):
            raise Hint(
                "these are the directions of the least variance: eigh returns the eigenvalues ascending"
            )
        error, least = ((r - patches).square().mean().item() for r in (result, expected))
        raise Hint(f"{channels} channels: mean squared error {error:.3g}, and {least:.3g} is possible")


def first_changed_frame(answer: Callable[[int], int]) -> None:
    """The group of frame k begins at 0 for the first frame, else at 1 + 4 floor((k - 1) / 4)."""
    for frame in (0, 1, 3, 4, 5, 8, 9, 16):
        result, expected = int(answered(answer(frame))), 0 if frame == 0 else 1 + (frame - 1) // 4 * 4
        if result == expected:
            continue
        if result == frame:
            raise Hint(
                f"frame {frame} changed: the codec knows it only together with the other frames of its group;"
                " where does the group begin?"
            )
        if result == frame // 4 * 4:
            raise Hint(
                f"frame {frame} changed: the first group holds frame 0 alone; count fours from frame 1"
            )
        raise Hint(f"frame {frame} changed: the first frame to change is {expected}, not {result}")


def difference_in_pieces(answer: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
    """y_i = x_i - x_{i-1} over a piece (T,), with what came before it (1,): results (T,) and the new memory (1,)."""
    x = torch.randn(9, generator=torch.Generator().manual_seed(0))
    expected = x - torch.cat([torch.zeros(1), x[:-1]])
    for lengths in ([9], [3, 6], [1, 1, 5, 2]):
        before, pieces = torch.zeros(1), []
        for piece in x.split(lengths):
            result = answered(answer(piece, before))
            if not isinstance(result, tuple) or len(result) != 2:
                raise Hint("return two things: the piece's results, and what the next piece has to know")
            pieces.append(result[0])
            if result[1].shape != (1,):
                raise Hint(f"the memory has shape {tuple(result[1].shape)}; one frame is enough, shape (1,)")
            before = result[1]
        whole = torch.cat(pieces)
        if whole.shape != expected.shape:
            raise Hint(f"pieces of {lengths} frames gave {len(whole)} results; every frame has one")
        if not torch.allclose(whole, expected, atol=1e-6):
            wrong = int(((whole - expected).abs() > 1e-6).nonzero()[0])
            raise Hint(
                f"pieces of {lengths} frames: wrong at frame {wrong}; what came before it, in the video?"
            )


def _project(patches: Tensor, channels: int, smallest: bool = False) -> Tensor:
    """On the directions of the most variance, or of the least."""
    mean = patches.mean(0)
    directions = torch.linalg.eigh(torch.cov(patches.T))[1]  # ascending
    basis = directions[:, :channels] if smallest else directions[:, -channels:]
    return mean + (patches - mean) @ basis @ basis.T
