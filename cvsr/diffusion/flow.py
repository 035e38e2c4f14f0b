"""Rectified flow: the straight path from data to noise, and what a network can predict on it.

    x_t = (1 - t) x_0 + t ε,        t in [0, 1]: data at t = 0, noise ε at t = 1
    v   = dx_t / dt = ε - x_0       the velocity, equal along the whole path

(Liu et al. 2022; Esser et al. 2024, section 2.) Every time is a tensor (B,) or a number, every other
argument a tensor (B, …).
"""

from torch import Tensor, as_tensor


def expand_time(t: Tensor | float, x: Tensor) -> Tensor:
    """A time (B,) or a number in the shape (B, 1, …, 1), to be multiplied with x (B, …)."""
    t = as_tensor(t, dtype=x.dtype, device=x.device)
    if t.ndim and t.shape != x.shape[:1]:
        raise ValueError(
            f"t={tuple(t.shape)}: wrong shape; allowed () or ({len(x)},); try t.expand({len(x)})"
        )
    return t.reshape(-1, *[1] * (x.ndim - 1))


def interpolate(x0: Tensor, noise: Tensor, t: Tensor | float) -> Tensor:
    """The noisy x_t = (1 - t) x_0 + t ε."""
    t = expand_time(t, x0)
    return (1 - t) * x0 + t * noise


def velocity(x0: Tensor, noise: Tensor) -> Tensor:
    """The velocity v = ε - x_0."""
    return noise - x0


def velocity_from_clean(x_t: Tensor, x0: Tensor, t: Tensor | float) -> Tensor:
    """The velocity v = (x_t - x_0) / t, for t > 0."""
    return (x_t - x0) / expand_time(t, x_t)


def clean_from_velocity(x_t: Tensor, v: Tensor, t: Tensor | float) -> Tensor:
    """The clean x_0 = x_t - t v."""
    return x_t - expand_time(t, x_t) * v


class CleanPreconditioner:
    """Lets a network predict the clean latent as a prior plus a residual, and turns that into the velocity.

        x_0 = prior + F(x_t, t),        v = (x_t - x_0) / max(t, t_min)

    The prior is the low-resolution latent for super-resolution, and 0 for a base model. With an F that
    starts at zero, an untrained super-resolution model returns its input. The floor on the time keeps the
    velocity finite where x_t is the data already; the conversion is exact for t ≥ t_min.
    """

    def __init__(self, t_min: float = 1e-3):
        if not 0 < t_min < 1:
            raise ValueError(
                f"t_min={t_min}: out of range; allowed between 0 and 1, both excluded; try 0.001"
            )
        self.t_min = t_min

    def clean(self, output: Tensor, x_t: Tensor, t: Tensor | float, prior: Tensor | float = 0.0) -> Tensor:
        """The clean x_0 (B, …) from the network's output F (B, …) at x_t (B, …) and t (B,), and the prior (B, …)."""
        return prior + output

    def velocity(self, output: Tensor, x_t: Tensor, t: Tensor | float, prior: Tensor | float = 0.0) -> Tensor:
        """The velocity (B, …) from the network's output F (B, …) at x_t (B, …) and t (B,)."""
        return (x_t - self.clean(output, x_t, t, prior)) / expand_time(t, x_t).clamp(min=self.t_min)


class VelocityPreconditioner:
    """For networks that predict the velocity itself, as most pretrained ones do: x_0 = x_t - t F, v = F.

    They need no prior: what they are shown of the input they have to read in it.
    """

    def clean(self, output: Tensor, x_t: Tensor, t: Tensor | float, prior: Tensor | float = 0.0) -> Tensor:
        """The clean x_0 (B, …) from the network's output F (B, …) at x_t (B, …) and t (B,)."""
        return clean_from_velocity(x_t, output, t)

    def velocity(self, output: Tensor, x_t: Tensor, t: Tensor | float, prior: Tensor | float = 0.0) -> Tensor:
        """The output, as it is."""
        return output


Preconditioner = CleanPreconditioner | VelocityPreconditioner
