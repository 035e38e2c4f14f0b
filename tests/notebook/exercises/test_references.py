"""The checkers of lesson 06 pass right answers and say what is wrong with others."""

import torch

from cvsr.notebook.exercises import references


def together(target, others, attend):
    return attend(torch.cat([target, *others]))[: len(target)]


def ranges(lengths, separated):
    starts = [sum(lengths[:i]) if separated else 0 for i in range(len(lengths))]
    return [list(range(start, start + n)) for start, n in zip(starts, lengths, strict=True)]


def share(query, key, target):
    return torch.softmax(key @ query / len(query) ** 0.5, 0)[target:].sum()


def guided(full, no_text, no_references, s_txt, s_ref, step, cutoff):
    return full + s_txt * (full - no_text) + (step < cutoff) * s_ref * (full - no_references)


RIGHT = {
    references.joint_attention: together,
    references.positions_in_time: ranges,
    references.share_of_references: share,
    references.guidance_by_both: guided,
}
WRONG = [
    (references.joint_attention, lambda t, r, a: a(torch.cat([t, *r])), "still there"),
    (references.joint_attention, lambda t, r, a: a(t), "attended alone"),
    (references.joint_attention, lambda t, r, a: a(torch.cat([*r, t]))[: len(t)], "first 5 tokens"),
    (references.joint_attention, lambda t, r, a: t, "called 0 times"),
    (references.joint_attention, lambda t, r, a: None, "return tokens of shape"),
    (references.positions_in_time, lambda n, s: ranges(n, False), "positions are shared"),
    (references.positions_in_time, lambda n, s: [[k + i for k in range(m)] for i, m in enumerate(n)], "begins where"),
    (references.positions_in_time, lambda n, s: [[0]], "one list a clip"),
    (references.positions_in_time, lambda n, s: ranges(n, True), "instead of"),
    (references.share_of_references, lambda q, k, n: 1 - share(q, k, n), "own share"),
    (references.share_of_references, lambda q, k, n: torch.softmax(k @ q, 0)[n:].sum(), "√d"),
    (references.share_of_references, lambda q, k, n: 1.0, "alone is 1"),
    (references.share_of_references, lambda q, k, n: -1.0, "instead of"),
    (references.guidance_by_both, lambda f, a, b, s, r, n, c: f + s * (f - a) + r * (f - b), "counted from 0"),
    (references.guidance_by_both, lambda f, a, b, s, r, n, c: a + s * (f - a), "without text"),
    (references.guidance_by_both, lambda f, a, b, s, r, n, c: f, "add to the full"),
    (references.guidance_by_both, lambda f, a, b, s, r, n, c: 0, "return a prediction"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
