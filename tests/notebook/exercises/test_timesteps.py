"""The checkers of lesson 03 pass right answers and say what is wrong with others."""

import numpy as np
import scipy.fft
import torch

from cvsr.notebook.exercises import timesteps


def fine(frame, both=np.logical_or, norm="ortho"):
    height, width = frame.shape
    high = both(np.arange(height)[:, None] >= height / 2, np.arange(width) >= width / 2)
    return np.square(scipy.fft.dctn(frame, norm=norm))[high].sum()


def inverse(u, edges, mass):
    cumulative = torch.cat([torch.zeros(1), mass.cumsum(0)])
    return torch.from_numpy(np.interp(u.numpy(), cumulative.numpy(), edges.numpy())).float()


RIGHT = {
    timesteps.high_frequency_energy: fine,
    timesteps.curve_to_density: lambda t, p: p / torch.trapezoid(p, t),
    timesteps.times_of_draws: inverse,
}
WRONG = [
    (timesteps.high_frequency_energy, lambda f: np.square(f).sum() - fine(f), "low frequencies"),
    (timesteps.high_frequency_energy, lambda f: fine(f, np.logical_and), "one direction is enough"),
    (timesteps.high_frequency_energy, lambda f: fine(f, norm=None), "another scale"),
    (timesteps.high_frequency_energy, lambda f: 0.0, "instead of"),
    (timesteps.curve_to_density, lambda t, p: 1.0, "one height for each knot"),
    (timesteps.curve_to_density, lambda t, p: p / p.sum(), "area under the line"),
    (timesteps.curve_to_density, lambda t, p: p / p.max(), "its height can be anything"),
    (timesteps.curve_to_density, lambda t, p: p, "the area is"),
    (timesteps.times_of_draws, lambda u, e, m: u[0], "one time for each draw"),
    (
        timesteps.times_of_draws,
        lambda u, e, m: e[torch.searchsorted(m.cumsum(0), u).clamp(max=3)],
        "these are edges",
    ),
    (timesteps.times_of_draws, lambda u, e, m: u, "uniform sampler"),
    (timesteps.times_of_draws, lambda u, e, m: 1 - inverse(u, e, m), "the draw u = 0.00 is at t = 0.00"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
