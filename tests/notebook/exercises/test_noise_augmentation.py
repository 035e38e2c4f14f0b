"""The checkers of lesson 04 pass right answers and say what is wrong with others."""

import math

from cvsr.notebook.exercises import noise_augmentation


def mix(latents, level, noise, path=lambda s: (1 - s, s)):
    signal, share = path(level.view(-1, 1, 1, 1, 1))
    return signal * latents + share * noise


def left(result, clean, error):
    return float(((result - clean) * error).sum() / error.square().sum())


RIGHT = {
    noise_augmentation.noisy_condition: mix,
    noise_augmentation.level_of_share: lambda share: 1 / (1 + math.sqrt(share / (1 - share))),
    noise_augmentation.error_left: left,
}
WRONG = [
    (noise_augmentation.noisy_condition, lambda z, s, n: z[0], "return latents of shape"),
    (noise_augmentation.noisy_condition, lambda z, s, n: mix(n, s, z), "upside down"),
    (noise_augmentation.noisy_condition, lambda z, s, n: mix(z, s, n, lambda s: (1, s)), "have to fade"),
    (
        noise_augmentation.noisy_condition,
        lambda z, s, n: mix(z, s, n, lambda s: ((1 - s * s).sqrt(), s)),
        "straight",
    ),
    (noise_augmentation.noisy_condition, lambda z, s, n: z, "its own level"),
    (noise_augmentation.level_of_share, lambda share: 0.2, "has 94% of the variance, not 50%"),
    (
        noise_augmentation.level_of_share,
        lambda share: 1 - 1 / (1 + math.sqrt(share / (1 - share))),
        "the noise's",
    ),
    (noise_augmentation.level_of_share, lambda share: 1 - share, "of variance: their squares"),
    (noise_augmentation.level_of_share, lambda share: 2.0, "between 0 and 1"),
    (noise_augmentation.error_left, lambda r, c, e: float((r - c).norm() / e.norm()), "along the error only"),
    (noise_augmentation.error_left, lambda r, c, e: float(((r - c) * e).sum()), "the error's own size"),
    (noise_augmentation.error_left, lambda r, c, e: left(r, 0 * c, e), "the clean result"),
    (noise_augmentation.error_left, lambda r, c, e: 0.7, "100% are left here"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
