"""Exercises of lesson 06: one sequence, positions in time, what is read of references, guidance by two conditions."""

from collections.abc import Callable

import torch
from torch import Tensor

from cvsr.notebook.lesson import Hint, answered

Attend = Callable[[Tensor], Tensor]  # tokens (n, D) to as many, each of which has read all


def joint_attention(answer: Callable[[Tensor, list[Tensor], Attend], Tensor]) -> None:
    """The target's tokens (n, D) after they attended together with those of all references."""
    generator = torch.Generator().manual_seed(0)
    for lengths in ((), (3,), (2, 4, 1)):
        target, *references = (torch.randn(n, 4, generator=generator) for n in (5, *lengths))
        calls = []

        def attend(tokens: Tensor, calls: list = calls) -> Tensor:
            calls.append(tokens)
            return tokens + tokens.mean(0)

        result = answered(answer(target, references, attend))
        where = f"{len(lengths)} references"
        if not isinstance(result, Tensor) or result.shape[-1:] != target.shape[-1:]:
            raise Hint(f"{where}: return tokens of shape {tuple(target.shape)}")
        if len(calls) != 1:
            raise Hint(f"{where}: attend was called {len(calls)} times; all tokens see each other in one sequence")
        if len(result) == 5 + sum(lengths) and lengths:
            raise Hint(f"{where}: the references' tokens are still there; only the target becomes a video")
        everything = torch.cat([target, *references])
        expected = target + everything.mean(0)
        if result.shape == target.shape and torch.allclose(result, expected, atol=1e-5):
            continue
        if result.shape == target.shape and torch.allclose(result, target + target.mean(0), atol=1e-5):
            raise Hint(f"{where}: the target attended alone; what is not in the sequence cannot be read")
        raise Hint(f"{where}: the first {len(target)} tokens of the sequence are the target's, the others follow")


def positions_in_time(answer: Callable[[list[int], bool], list[list[int]]]) -> None:
    """Positions of the frames of the target and of each reference, in ranges of their own or all from 0."""
    for lengths, separated in (([3], True), ([5, 1, 1, 5], True), ([3, 1, 2], False)):
        result = [list(map(int, each)) for each in answered(answer(lengths, separated))]
        starts = [sum(lengths[:clip]) if separated else 0 for clip in range(len(lengths))]
        expected = [list(range(start, start + n)) for start, n in zip(starts, lengths, strict=True)]
        if result == expected:
            continue
        where = f"lengths {lengths}, {'separated' if separated else 'shared'}"
        if [len(each) for each in result] != lengths:
            raise Hint(f"{where}: one position a frame, one list a clip; this gives {result}")
        if separated and all(each[0] == 0 for each in result):
            raise Hint(f"{where}: here every clip begins at 0: these positions are shared")
        if separated and any(set(a) & set(b) for i, a in enumerate(result) for b in result[:i]):
            raise Hint(f"{where}: {result}: two clips share a position; each begins where the one before has ended")
        raise Hint(f"{where}: {result} instead of {expected}")


def share_of_references(answer: Callable[[Tensor, Tensor, int], float]) -> None:
    """Of what one query (d,) reads of keys (n, d), how much lies on those after the first `target` ones."""
    generator = torch.Generator().manual_seed(0)
    for target, n, d in ((6, 10, 16), (3, 12, 4)):
        query, key = torch.randn(d, generator=generator), torch.randn(n, d, generator=generator)
        result, products = float(answered(answer(query, key, target))), key @ query
        expected = torch.softmax(products / d**0.5, 0)[target:].sum().item()
        if abs(result - expected) < 1e-4:
            continue
        if abs(result - (1 - expected)) < 1e-4:
            raise Hint("that is the target's own share; the references are what comes after it")
        if abs(result - torch.softmax(products, 0)[target:].sum().item()) < 1e-4:
            raise Hint("products grow with the number of channels: divide them by √d before the softmax")
        if abs(result - torch.softmax(products[target:] / d**0.5, 0).sum().item()) < 1e-4:
            raise Hint("a softmax over the references alone is 1; all keys take part in it")
        raise Hint(f"{target} of {n} tokens are the target's: {result:.3f} instead of {expected:.3f}")


def guidance_by_both(answer: Callable[[Tensor, Tensor, Tensor, float, float, int, int], Tensor]) -> None:
    """Full + s_txt (full - without text) + s_ref (full - without references), s_ref in steps before the cutoff only."""
    full, no_text, no_references = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    for s_txt, s_ref, step, cutoff in ((0.0, 0.0, 0, 5), (3.0, 0.0, 0, 5), (3.0, 1.0, 4, 5), (3.0, 2.0, 5, 5)):
        result = answered(answer(full, no_text, no_references, s_txt, s_ref, step, cutoff))
        pull = s_ref * (full - no_references)
        expected = full + s_txt * (full - no_text) + (pull if step < cutoff else 0)
        where = f"s_txt {s_txt:g}, s_ref {s_ref:g}, step {step}, cutoff {cutoff}"
        if not isinstance(result, Tensor) or result.shape != full.shape:
            raise Hint(f"{where}: return a prediction of shape {tuple(full.shape)}")
        if torch.allclose(result, expected, atol=1e-5):
            continue
        if step >= cutoff and torch.allclose(result, expected + pull, atol=1e-5):
            raise Hint(f"{where}: steps are counted from 0; references guide the steps before number {cutoff}")
        if torch.allclose(result, no_text + s_txt * (full - no_text), atol=1e-5):
            raise Hint(f"{where}: that starts at the prediction without text; here scale 0 is the full prediction")
        raise Hint(f"{where}: add to the full prediction how far it is from each of the two others")
