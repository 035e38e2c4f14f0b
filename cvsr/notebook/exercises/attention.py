"""Exercises of lesson 05: edges of shifted windows, the cost of attention, the text's average."""

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
