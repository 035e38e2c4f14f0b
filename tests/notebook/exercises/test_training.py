"""The checkers of lesson 08 pass right answers and say what is wrong with others."""

from cvsr.notebook.exercises import training


def numbers(step, sizes):
    return list(range(step * max(sizes), step * max(sizes) + sizes[step % len(sizes)]))


def rate(step, steps, warmup, cooldown):
    return min(1, (step + 1) / warmup) * max(0.01, min(1, (1 - step / steps) / cooldown))


def change(history, sign=1):
    last = history[-1]
    return {task: sign * (last[task] / min(each[task] for each in history[:-1]) - 1) for task in last}


RIGHT = {training.numbers_of_a_batch: numbers, training.rate_of_a_step: rate, training.forgotten: change}
WRONG = [
    (training.numbers_of_a_batch, lambda step, sizes: numbers(step, sizes[:1]), "buckets take turns"),
    (training.numbers_of_a_batch, lambda s, n: list(range(s, s + n[s % len(n)])), "was in step 0"),
    (training.numbers_of_a_batch, lambda s, n: [100 + i for i in numbers(s, n)], "as the largest bucket has"),
    (training.rate_of_a_step, lambda s, n, w, c: rate(s, n, w, c) * (s / (s + 1) if s < w else 1), "would have rate 0"),
    (training.rate_of_a_step, lambda s, n, w, c: min(1, (s + 1) / w) * min(1, (1 - s / n) / c), "a hundredth"),
    (training.rate_of_a_step, lambda s, n, w, c: min(1, (s + 1) / w), "straight line"),
    (training.rate_of_a_step, lambda s, n, w, c: 0.5, "instead of"),
    (training.forgotten, lambda h: {t: h[-1][t] / h[0][t] - 1 for t in h[-1]}, "very beginning"),
    (training.forgotten, lambda h: {t: h[-1][t] / min(e[t] for e in h) - 1 for t in h[-1]}, "still getting better"),
    (training.forgotten, lambda h: change(h, -1), "upside down"),
    (training.forgotten, lambda h: {}, "for each task"),
    (training.forgotten, lambda h: dict.fromkeys(h[-1], -7.0), "instead of"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
