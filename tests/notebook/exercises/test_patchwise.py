"""The checkers of lesson 07 pass right answers and say what is wrong with others."""

import torch

from cvsr.diffusion.joint_modulation import join
from cvsr.notebook.exercises import patchwise


def fade(positions, line, size):
    return (1 - 2 * (positions - line).abs() / size).clamp(min=0)


def blend(predictions, patches, height, width):
    by_patch = dict(zip(map(id, patches), predictions, strict=True))
    return join(lambda group: [by_patch[id(patch)] for patch in group], patches, height, width, 3)


def summed(predictions, patches, height, width):
    frame = torch.zeros(2, height, width)
    for patch, prediction in zip(patches, predictions, strict=True):
        patch.of(frame).add_(prediction)
    return frame


def overwritten(predictions, patches, height, width):
    frame = torch.zeros(2, height, width)
    for patch, prediction in zip(patches, predictions, strict=True):
        patch.of(frame).copy_(patch.weights * prediction)
    return frame


RIGHT = {
    patchwise.pairs_of_tokens: lambda n, m: (n * n, n * m),
    patchwise.auxiliary_weights: fade,
    patchwise.blended: blend,
}
WRONG = [
    (patchwise.pairs_of_tokens, lambda n, m: (n, m), "every one of 1024 tokens looks at all 1024"),
    (patchwise.pairs_of_tokens, lambda n, m: (n * n, n), "the tokens of all patches"),
    (patchwise.pairs_of_tokens, lambda n, m: (n * n, m * m), "that is one patch; there are 4"),
    (patchwise.pairs_of_tokens, lambda n, m: (n * n, 7), "262144 pairs, not 7"),
    (patchwise.auxiliary_weights, lambda x, line, size: 1.0, "a weight for each of 16 positions"),
    (patchwise.auxiliary_weights, lambda x, line, size: 1 - 2 * (x - line).abs() / size, "clamp it"),
    (
        patchwise.auxiliary_weights,
        lambda x, line, size: (1 - (x - line).abs() / size).clamp(min=0),
        "half a size away",
    ),
    (patchwise.auxiliary_weights, lambda x, line, size: torch.ones_like(x), "a straight line between"),
    (patchwise.blended, lambda predictions, *_: predictions[0], "a frame of shape"),
    (patchwise.blended, summed, "sum to 1"),
    (patchwise.blended, overwritten, "add to what is there"),
    (patchwise.blended, lambda p, q, height, width: torch.zeros(2, height, width), "for each patch, add"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
