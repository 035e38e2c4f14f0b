"""The checkers of lesson 05 pass right answers and say what is wrong with others."""

import torch

from cvsr.models.windows import axis_spans
from cvsr.notebook.exercises import attention


def units(frames, unit, shifted):
    """Which frame sees which, by the number of its unit."""
    ahead = unit - unit // 2 if shifted and frames > unit else 0
    number = (torch.arange(frames) + ahead) // unit
    return number[:, None] == number[None]


def choice(query, key, top_k):
    """Itself, then the best."""
    scores = (query @ key.T).fill_diagonal_(torch.inf)
    return scores.topk(top_k + 1).indices


RIGHT = {
    attention.shifted_windows: lambda length, window: axis_spans(length, window, True),
    attention.cost_of_windows: lambda lengths, text: sum((n + text) ** 2 for n in lengths),
    attention.text_of_windows: lambda read: read.mean(0),
    attention.frames_of_units: units,
    attention.choice_of_blocks: choice,
    attention.cost_of_blocks: lambda blocks, tokens, k: blocks * tokens**2 * (1 + k),
}
WRONG = [
    (attention.shifted_windows, lambda n, w: axis_spans(n, w, False), "half a window"),
    (attention.shifted_windows, lambda n, w: [*axis_spans(n, w, True), (n, n)], "empty"),
    (attention.shifted_windows, lambda n, w: [(-w // 2, w // 2), (w // 2, n)], "leaves the axis"),
    (attention.shifted_windows, lambda n, w: [(0, n)], "and not"),
    (attention.cost_of_windows, lambda lengths, text: sum(n**2 for n in lengths), "stands in every window"),
    (attention.cost_of_windows, lambda lengths, text: (sum(lengths) + text) ** 2, "full attention"),
    (attention.cost_of_windows, lambda lengths, text: sum(n**2 + text**2 for n in lengths), "square the sum"),
    (attention.cost_of_windows, lambda lengths, text: 0, "instead of"),
    (attention.text_of_windows, lambda read: read.sum(0), "grows with"),
    (attention.text_of_windows, lambda read: read[0], "counts alike"),
    (attention.text_of_windows, lambda read: read, "one text of shape"),
    (attention.frames_of_units, lambda frames, unit, shifted: units(frames, unit, False), "move each back"),
    (attention.frames_of_units, lambda frames, unit, shifted: torch.ones(frames, frames), "the last frame sees"),
    (attention.frames_of_units, lambda frames, unit, shifted: torch.eye(frames), "80|40|pairs are wrong"),
    (attention.frames_of_units, lambda frames, unit, shifted: torch.ones(frames), "one row and one column"),
    (attention.choice_of_blocks, lambda q, k, n: (q @ k.T).topk(n + 1).indices, "whatever its own score"),
    (attention.choice_of_blocks, lambda q, k, n: choice(q, -k, n), "first column is right"),
    (attention.choice_of_blocks, lambda q, k, n: choice(q, k, n).flip(1), "first column should"),
    (attention.choice_of_blocks, lambda q, k, n: q @ k.T, "indices of shape"),
    (attention.cost_of_blocks, lambda blocks, tokens, k: blocks * tokens**2 * k, "reads itself"),
    (attention.cost_of_blocks, lambda blocks, tokens, k: (blocks * tokens) ** 2, "full attention"),
    (attention.cost_of_blocks, lambda blocks, tokens, k: 0, "instead of"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)


def test_the_mean_does_not_grow_with_the_number_of_windows():
    read = torch.ones(7, 4, 8)
    assert attention.text_of_windows(lambda read: read.mean(0)) is None
    assert torch.equal(read.mean(0), torch.ones(4, 8))
