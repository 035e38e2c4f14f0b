"""Exercises of lesson 05: edges of windows, the cost of attention, the text's average, units, the choice of blocks."""

from collections.abc import Callable

import torch
from torch import Tensor

from cvsr.models.windows import axis_spans
from cvsr.notebook.lesson import Hint, answered

Spans = list[tuple[int, int]]


def shifted_windows(answer: Callable[[int, int], Spans]) -> None:
    """Spans (start, stop) of windows that begin half a window before the axis."""
    for length, window in ((26, 7), (8, 4), (9, 4), (5, 2), (16, 6)):
        result = [tuple(map(int, span)) for span in answered(answer(length, window))]
        expected = axis_spans(length, window, shifted=True)
        if result == expected:
            continue
        where = f"length {length}, window {window}"
        if result == axis_spans(length, window, shifted=False):
            raise Hint(f"{where}: these are the regular windows; move each back by half a window")
        if any(start >= stop for start, stop in result):
            raise Hint(f"{where}: a window is empty; leave those out")
        if result and (result[0][0] < 0 or result[-1][1] > length):
            raise Hint(f"{where}: a window leaves the axis; cut it off at 0 and at {length}")
        raise Hint(f"{where}: this gives {result}, and not {expected}")


def cost_of_windows(answer: Callable[[list[int], int], int]) -> None:
    """Pairs of tokens that attend to each other: the sum over windows of (their tokens + the text's) squared."""
    for lengths, text in (([64] * 8, 0), ([64] * 8, 16), ([12, 30, 30], 5)):
        result, expected = answered(answer(lengths, text)), sum((n + text) ** 2 for n in lengths)
        if result == expected:
            continue
        if result == sum(n**2 for n in lengths) and text:
            raise Hint("the text stands in every window: its tokens ask and answer there, too")
        if result == (sum(lengths) + text) ** 2:
            raise Hint("this is full attention; in windows a token sees its own window only")
        if result == sum(n**2 + text**2 for n in lengths):
            raise Hint("video and text see each other as well: square the sum, not the parts")
        raise Hint(f"windows of {lengths} tokens and {text} of text: {result} instead of {expected}")


def text_of_windows(answer: Callable[[Tensor], Tensor]) -> None:
    """(windows, L, D) → (L, D): the mean over windows."""
    read = torch.randn(6, 4, 8, generator=torch.Generator().manual_seed(0))
    result = answered(answer(read))
    if not isinstance(result, Tensor) or result.shape != (4, 8):
        shape = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise Hint(f"this returns {shape}; one text of shape (4, 8) is asked for")
    if torch.allclose(result, read.sum(0), atol=1e-5):
        raise Hint("a sum grows with the number of windows, that is, with the video; what does not?")
    if not torch.allclose(result, read.mean(0), atol=1e-5):
        raise Hint("each window read the text in its own way; every one of them counts alike")


def frames_of_units(answer: Callable[[int, int, bool], Tensor]) -> None:
    """(frames, frames) bool: which latent frame sees which in a regular or shifted layer of temporal units."""
    for frames, unit, shifted in ((10, 5, False), (20, 5, True), (12, 5, True), (4, 5, True), (9, 2, True)):
        result = torch.as_tensor(answered(answer(frames, unit, shifted))).bool()
        expected, regular = _seen(frames, unit, shifted), _seen(frames, unit, False)
        if result.shape != expected.shape:
            raise Hint(f"this returns shape {tuple(result.shape)}; one row and one column a frame is asked for")
        if torch.equal(result, expected):
            continue
        where = f"{frames} frames, units of {unit}, {'shifted' if shifted else 'regular'}"
        if shifted and torch.equal(result, regular):
            raise Hint(f"{where}: these are the regular units; move each back by half a unit")
        if frames > unit and result[0, -1]:
            raise Hint(f"{where}: the last frame sees the first; units at the ends are shorter, nothing is rolled")
        raise Hint(f"{where}: {int((result != expected).sum())} of {frames**2} pairs are wrong")


def choice_of_blocks(answer: Callable[[Tensor, Tensor, int], Tensor]) -> None:
    """Mean queries and keys (blocks, d) of one head → (blocks, 1 + k): each block itself, then the most relevant."""
    generator = torch.Generator().manual_seed(0)
    for count, top_k in ((6, 1), (9, 3), (4, 3)):
        query, key = torch.randn(2, count, 8, generator=generator)
        result = answered(answer(query, key, top_k))
        scores = query @ key.T
        own, others = torch.arange(count)[:, None], scores.clone().fill_diagonal_(-torch.inf)
        expected = torch.cat([own, others.topk(top_k).indices], dim=1)
        if not isinstance(result, Tensor) or result.shape != expected.shape:
            shape = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise Hint(f"this returns {shape}; indices of shape {tuple(expected.shape)} are asked for")
        if torch.equal(result, expected):
            continue
        if torch.equal(result, scores.topk(top_k + 1).indices):
            raise Hint("a block reads itself whatever its own score: put it first, and choose among the others")
        if torch.equal(result[:, 0], own[:, 0]):
            raise Hint("the first column is right; of the others, take those with the largest products, in order")
        raise Hint("the first column should be the block itself, 0, 1, 2, …")


def cost_of_blocks(answer: Callable[[int, int, int], int]) -> None:
    """Pairs of tokens: blocks · tokens · (1 + k) · tokens, with blocks of one size."""
    for blocks, tokens, top_k in ((120, 108, 1), (80, 64, 4), (5, 10, 4)):
        result, expected = answered(answer(blocks, tokens, top_k)), blocks * tokens * (1 + top_k) * tokens
        if result == expected:
            continue
        if result == blocks * tokens**2 * top_k:
            raise Hint("a block reads itself beside the others")
        if result == (blocks * tokens) ** 2:
            raise Hint("this is full attention; a query reads its own block and k others only")
        raise Hint(f"{blocks} blocks of {tokens} tokens, k = {top_k}: {result} instead of {expected}")


def _seen(frames: int, unit: int, shifted: bool) -> Tensor:
    """(frames, frames) bool, True inside units."""
    seen = torch.zeros(frames, frames, dtype=torch.bool)
    for start, stop in axis_spans(frames, unit, shifted):
        seen[start:stop, start:stop] = True
    return seen
