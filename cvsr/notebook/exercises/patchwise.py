"""Exercises of lesson 07: what patches save, how an auxiliary patch fades, and the blend of all of them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cvsr.diffusion.joint_modulation import Patch, cover
from cvsr.notebook.lesson import Hint, answered


def pairs_of_tokens(answer: Callable[[int, int], tuple[int, int]]) -> None:
    """n² for a frame of n tokens in one piece, n · m in patches of m."""
    for n, m in ((1024, 256), (6400, 64), (256, 256)):
        whole, patches = answered(answer(n, m))
        if (whole, patches) == (n * n, n * m):
            continue
        if whole != n * n:
            raise Hint(f"in one piece every one of {n} tokens looks at all {n}: {n * n} pairs, not {whole}")
        if patches == n:
            raise Hint("those are the tokens of all patches; each of them looks at a whole patch")
        if patches == m * m:
            raise Hint(f"that is one patch; there are {n // m}")
        raise Hint(f"{n} tokens that look at {m} each are {n * m} pairs, not {patches}")


def auxiliary_weights(answer: Callable[[Tensor, int, int], Tensor]) -> None:
    """1 - 2 |position - line| / size, and 0 outside of the patch."""
    for length, size in ((16, 8), (12, 6)):
        positions = torch.arange(length) + 0.5
        line = size
        expected = (1 - 2 * (positions - line).abs() / size).clamp(min=0)
        result = answered(answer(positions, line, size))
        if not isinstance(result, Tensor) or result.shape != expected.shape:
            raise Hint(f"return a weight for each of {length} positions")
        if torch.allclose(result, expected, atol=1e-5):
            continue
        if (result < 0).any():
            raise Hint("outside of the patch its weight is 0, not negative: clamp it")
        if torch.allclose(result, (1 - (positions - line).abs() / size).clamp(min=0), atol=1e-5):
            raise Hint("it has to reach 0 at its sides, which are half a size away from its centre line")
        raise Hint("1 on the centre line, 0 on the sides, a straight line between")


def blended(answer: Callable[[Sequence[Tensor], Sequence[Patch], int, int], Tensor]) -> None:
    """The sum of the predictions, each by its weights and in its place."""
    generator = torch.Generator().manual_seed(0)
    height, width = 8, 12
    patches = cover(height, width, 4)
    predictions = [torch.randn(2, 4, 4, generator=generator) for _ in patches]
    expected = torch.zeros(2, height, width)
    for patch, prediction in zip(patches, predictions, strict=True):
        patch.of(expected).add_(patch.weights * prediction)
    result = answered(answer(predictions, patches, height, width))
    if not isinstance(result, Tensor) or result.shape != expected.shape:
        raise Hint(f"return a frame of shape {tuple(expected.shape)}")
    if torch.allclose(result, expected, atol=1e-5):
        return
    unweighted = torch.zeros(2, height, width)
    for patch, prediction in zip(patches, predictions, strict=True):
        patch.of(unweighted).add_(prediction)
    if torch.allclose(result, unweighted, atol=1e-5):
        raise Hint("where patches overlap their weights have to share the place: they sum to 1")
    last = torch.zeros(2, height, width)
    for patch, prediction in zip(patches, predictions, strict=True):
        patch.of(last).copy_(patch.weights * prediction)
    if torch.allclose(result, last, atol=1e-5):
        raise Hint("later patches overwrite earlier ones: add to what is there")
    raise Hint("for each patch, add its weights times its prediction at its rows and columns")

