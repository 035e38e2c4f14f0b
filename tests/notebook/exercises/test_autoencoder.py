"""The checkers of lesson 01 pass right answers and say what is wrong with others."""

import torch

from cvsr.notebook.exercises import autoencoder


def ratio(frames, height, width, channels):
    return 3 * frames * height * width / (channels * (1 + (frames - 1) // 4) * (height // 8) * (width // 8))


def project(patches, channels, keep=slice(None), mean=True):
    centre = patches.mean(0)
    directions = torch.linalg.svd(patches - centre, full_matrices=False).Vh[keep][:channels]
    return (patches - centre) @ directions.T @ directions + centre * mean


def difference(piece, before):
    known = torch.cat([before, piece])
    return known[1:] - known[:-1], piece[-1:]


RIGHT = {
    autoencoder.compression: ratio,
    autoencoder.principal_components: project,
    autoencoder.first_changed_frame: lambda k: 0 if k == 0 else 1 + (k - 1) // 4 * 4,
    autoencoder.difference_in_pieces: difference,
}
WRONG = [
    (autoencoder.compression, lambda *size: 1 / ratio(*size), "upside down"),
    (autoencoder.compression, lambda *size: ratio(*size) / 3, "three numbers"),
    (autoencoder.compression, lambda t, h, w, c: 768 / c, "first frame is a group"),
    (autoencoder.compression, lambda *size: 0, "instead of"),
    (autoencoder.principal_components, lambda x, c: x[0], "shape"),
    (autoencoder.principal_components, lambda x, c: project(x, c, mean=False), "mean is missing"),
    (autoencoder.principal_components, lambda x, c: project(x, c, slice(-c, None)), "least variance"),
    (autoencoder.principal_components, lambda x, c: x, "is possible"),
    (autoencoder.first_changed_frame, lambda k: k, "group begin"),
    (autoencoder.first_changed_frame, lambda k: k // 4 * 4, "count fours"),
    (autoencoder.first_changed_frame, lambda k: -1, "not -1"),
    (autoencoder.difference_in_pieces, lambda x, b: x, "two things"),
    (autoencoder.difference_in_pieces, lambda x, b: (x, x), "one frame is enough"),
    (autoencoder.difference_in_pieces, lambda x, b: (x[1:] - x[:-1], x[-1:]), "every frame has one"),
    (autoencoder.difference_in_pieces, lambda x, b: difference(x, 0 * b), "wrong at frame 3"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
