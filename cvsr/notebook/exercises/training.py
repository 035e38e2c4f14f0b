"""Exercises of lesson 08: the numbers of a batch, the learning rate of a budget, what was forgotten."""

import math
from collections.abc import Callable

from cvsr.notebook.lesson import Hint, answered
from cvsr.training.budget import Budget

Losses = dict[str, float]


def numbers_of_a_batch(answer: Callable[[int, list[int]], list[int]]) -> None:
    """Of step s with bucket sizes in turn: from s times the largest on, as many as the bucket of the step has."""
    for sizes in ([4], [6, 2], [3, 5, 1]):
        taken: dict[int, int] = {}
        for step in range(7):
            result = list(map(int, answered(answer(step, sizes))))
            size, where = sizes[step % len(sizes)], f"step {step}, buckets of {sizes}"
            if len(result) != size:
                raise Hint(f"{where}: {len(result)} samples; buckets take turns, and this one has {size}")
            if again := [number for number in result if number in taken]:
                raise Hint(f"{where}: sample {again[0]} was in step {taken[again[0]]}; reserve for the largest")
            taken |= dict.fromkeys(result, step)
            first = step * max(sizes)
            if result != list(range(first, first + size)):
                raise Hint(f"{where}: {result}; every step keeps as many numbers free as the largest bucket has")


def rate_of_a_step(answer: Callable[[int, int, int, float], float]) -> None:
    """min(1, (step + 1) / warmup) · max(0.01, min(1, (1 - step / steps) / cooldown))."""
    for steps, warmup, cooldown in ((100, 10, 0.5), (40, 1, 0.25), (60, 30, 1.0)):
        budget = Budget(steps=steps, warmup=warmup, cooldown=cooldown)
        for step in (0, warmup - 1, warmup, steps // 2, steps - 1, steps):
            result, expected = float(answered(answer(step, steps, warmup, cooldown))), budget.factor(step, step / steps)
            if math.isclose(result, expected, abs_tol=1e-6):
                continue
            where = f"step {step} of {steps}, warm-up {warmup}, cool-down {cooldown:g}"
            if step < warmup and math.isclose(result, expected * step / (step + 1), abs_tol=1e-6):
                raise Hint(f"{where}: the first step would have rate 0 and be lost; begin at 1 / warm-up")
            if step >= steps - 1 and result < expected:
                raise Hint(f"{where}: {result:.4f}; the rate never falls below a hundredth")
            if result > expected and step / steps > 1 - cooldown:
                raise Hint(f"{where}: the last {cooldown:.0%} of the budget fall to 0 in a straight line")
            raise Hint(f"{where}: {result:.4f} instead of {expected:.4f}")


def forgotten(answer: Callable[[list[Losses]], Losses]) -> None:
    """By task, the last loss over the lowest before it, less 1."""
    for history in (
        [{"a": 1.0, "b": 2.0}, {"a": 0.5, "b": 1.0}, {"a": 0.6, "b": 0.5}],
        [{"a": 4.0}, {"a": 2.0}, {"a": 3.0}, {"a": 2.5}],
    ):
        result = answered(answer(history))
        last, before = history[-1], history[:-1]
        expected = {task: last[task] / min(each[task] for each in before) - 1 for task in last}
        if not isinstance(result, dict) or set(result) != set(expected):
            raise Hint(f"return a figure for each task of {list(expected)}")
        if all(math.isclose(result[task], expected[task], abs_tol=1e-6) for task in expected):
            continue
        from_first = {task: last[task] / history[0][task] - 1 for task in last}
        if all(math.isclose(result[task], from_first[task], abs_tol=1e-6) for task in expected):
            raise Hint("against the very beginning everything was learnt; compare with the best that it ever was")
        if all(result[task] >= 0 for task in expected) and min(expected.values()) < 0:
            raise Hint("a task that is still getting better has a negative figure: leave the last loss out of the best")
        if all(math.isclose(result[task], -expected[task], abs_tol=1e-6) for task in expected):
            raise Hint("upside down: what was forgotten has a higher loss now, and a positive figure")
        raise Hint(f"losses {history}: {result} instead of {expected}")
