"""The checkers of lesson 09 pass right answers and say what is wrong with others."""

import math

import torch

from cvsr.notebook.exercises import cascade


def scales(total, known):
    left = total / math.prod(scale or 1 for scale in known)
    share = left ** (1 / max(1, known.count(None)))
    return [share if scale is None else scale for scale in known]


def chunks(scenes, length, shared):
    return sum(1 + max(0, -(-(frames - length) // (length - shared))) for frames in scenes)


def noise(seed, frame, size):
    return torch.randn(size, generator=torch.Generator().manual_seed(1_000_003 * seed + frame))


def in_order(seed, frame, size):
    generator = ORDER.setdefault(seed, torch.Generator().manual_seed(seed))
    return torch.randn(size, generator=generator)


ORDER = {}
RIGHT = {cascade.open_scales: scales, cascade.chunks_of_scenes: chunks, cascade.noise_of_a_frame: noise}
WRONG = [
    (cascade.open_scales, lambda total, known: total, "a scale for each of 2 stages"),
    (cascade.open_scales, lambda total, known: [total / len(known)] * len(known), "scales multiply"),
    (cascade.open_scales, lambda total, known: [total ** (1 / len(known))] * len(known), "stays as it is"),
    (cascade.open_scales, lambda total, known: [scale or 2 for scale in known], "together they make 4"),
    (cascade.chunks_of_scenes, lambda scenes, *rest: chunks([sum(scenes) - len(scenes) + 1], *rest), "over a cut"),
    (
        cascade.chunks_of_scenes,
        lambda scenes, length, _: sum(max(1, math.ceil(frames / length)) for frames in scenes),
        "neighbours share 5",
    ),
    (cascade.chunks_of_scenes, lambda *_: 0, "take 1 chunks of 17"),
    (
        cascade.chunks_of_scenes,
        lambda scenes, length, shared: chunks([n for n in scenes if n >= length], length, shared),
        "takes one chunk, not none",
    ),
    (cascade.noise_of_a_frame, lambda *_: 0.0, "a tensor of shape"),
    (cascade.noise_of_a_frame, in_order, "a generator of its own"),
    (cascade.noise_of_a_frame, lambda seed, frame, size: noise(seed, 0, size), "the frame's number has to count"),
    (cascade.noise_of_a_frame, lambda seed, frame, size: noise(0, frame, size), "the seed has to count"),
    (
        cascade.noise_of_a_frame,
        lambda seed, frame, size: torch.randn(size, generator=torch.Generator().manual_seed(seed + frame)),
        "adding them is not enough",
    ),
    (cascade.noise_of_a_frame, lambda *arguments: 2 * noise(*arguments), "standard normal"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
