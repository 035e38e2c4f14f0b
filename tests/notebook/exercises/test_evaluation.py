"""The checkers of lesson 10 pass right answers and say what is wrong with others."""

import numpy as np
from scipy import stats

from cvsr.notebook.exercises import evaluation
from cvsr.notebook.exercises.evaluation import C1, C2


def window(x, y):
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    brightness = (2 * x.mean() * y.mean() + C1) / (x.mean() ** 2 + y.mean() ** 2 + C1)
    structure = (2 * covariance + C2) / (x.var(correction=0) + y.var(correction=0) + C2)
    return float(brightness * structure)


def structure_alone(x, y):
    return 2 * ((x - x.mean()) * (y - y.mean())).mean() / (x.var(correction=0) + y.var(correction=0))


def uphill(picture, truth, gradient, length):
    return picture + length * gradient / gradient.norm()


def step(picture, truth, gradient, length):
    error = uphill(picture, truth, gradient, length) - truth
    return truth + error * (picture - truth).norm() / error.norm()


def around_zero(picture, truth, gradient, length):
    moved = uphill(picture, truth, gradient, length)
    return moved * picture.norm() / moved.norm()


def interval(ours, theirs, factor=None):
    differences = np.asarray(ours) - np.asarray(theirs)
    reach = (factor or stats.t.ppf(0.975, len(differences) - 1)) * stats.sem(differences)
    return differences.mean() - reach, differences.mean() + reach


def unpaired(ours, theirs):
    reach = 2.1 * np.hypot(stats.sem(ours), stats.sem(theirs))
    return (ours - theirs).mean() - reach, (ours - theirs).mean() + reach


def ranks(values):
    return np.argsort(np.argsort(values))


def by_ranks(a, b):
    return 1 - 6 * np.square(ranks(a) - ranks(b)).sum() / (len(a) * (len(a) ** 2 - 1))


RIGHT = {
    evaluation.ssim_of_a_window: window,
    evaluation.step_of_equal_psnr: step,
    evaluation.interval_of_pairs: interval,
    evaluation.rank_correlation: by_ranks,
}
WRONG = [
    (evaluation.ssim_of_a_window, structure_alone, "compares the brightness"),
    (
        evaluation.ssim_of_a_window,
        lambda x, y: 2 * x.mean() * y.mean() / (x.mean() ** 2 + y.mean() ** 2),
        "brightness alone",
    ),
    (evaluation.ssim_of_a_window, lambda x, y: 1.5, "not σ"),
    (evaluation.ssim_of_a_window, lambda x, y: 0.0, "and this gives 0.000"),
    (evaluation.step_of_equal_psnr, lambda *_: 0.0, "a picture of shape"),
    (evaluation.step_of_equal_psnr, uphill, "away from the truth"),
    (evaluation.step_of_equal_psnr, around_zero, "distance from zero"),
    (evaluation.step_of_equal_psnr, lambda picture, *_: picture, "another direction"),
    (evaluation.step_of_equal_psnr, lambda picture, truth, *_: truth, "and was"),
    (evaluation.interval_of_pairs, unpaired, "Subtract first"),
    (evaluation.interval_of_pairs, lambda a, b: interval(a, b, 1.96), "Student's t with 7"),
    (evaluation.interval_of_pairs, lambda a, b: interval(a, b, 0.5), "over √n"),
    (evaluation.interval_of_pairs, lambda a, b: (0, 0), "the mean difference"),
    (evaluation.rank_correlation, lambda a, b: np.corrcoef(a, b)[0, 1], "their ranks first"),
    (evaluation.rank_correlation, lambda a, b: -by_ranks(a, b), "upside down"),
    (evaluation.rank_correlation, lambda a, b: 0.0, "and this gives 0.00"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
