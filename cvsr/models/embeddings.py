"""What the transformer reads beside the video: the time, the micro conditions and the text.

Legend: B batch, L text tokens, D width.
"""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.embeddings import TimestepEmbedding, get_timestep_embedding
from torch import Tensor, nn

FREQUENCIES = 256


class ConditionEmbedding(nn.Module):
    """Sum of the embeddings of the time and of every micro condition (noise level, frame rate, …).

    Each number in [0, 1] is multiplied by 1000, so that it lies in the range the sinusoids were made for,
    embedded sinusoidally and passed through an MLP of its own (SDXL, Podell et al. 2023, section 2.2).
    """

    def __init__(self, width: int, micro_conditions: Sequence[str] = ()):
        super().__init__()
        self.names = tuple(micro_conditions)
        self.time = TimestepEmbedding(FREQUENCIES, width)
        self.micro = nn.ModuleDict({name: TimestepEmbedding(FREQUENCIES, width) for name in self.names})

    def forward(self, timestep: Tensor, micro_conditions: Mapping[str, Tensor] | None = None) -> Tensor:
        """Embed the timestep (B,) and each micro condition (B,), all in [0, 1], as (B, D).

        Raises ValueError when a shape is wrong, a number lies outside [0, 1], or the micro conditions are not
        exactly the configured ones.
        """
        levels = check_micro_conditions(self.names, micro_conditions, len(timestep))
        check_level("timestep", timestep, len(timestep))
        embedding = self.time(self._sinusoids(timestep))
        for name, level in zip(self.names, levels, strict=True):
            embedding = embedding + self.micro[name](self._sinusoids(level))
        return embedding

    def _sinusoids(self, value: Tensor) -> Tensor:
        thousandths = 1000 * value.float()
        sinusoids = get_timestep_embedding(
            thousandths, FREQUENCIES, flip_sin_to_cos=True, downscale_freq_shift=0
        )
        return sinusoids.to(self.time.linear_1.weight.dtype)


def check_micro_conditions(
    names: Sequence[str], given: Mapping[str, Tensor] | None, batch: int
) -> list[Tensor]:
    """Those given, each (batch,) in [0, 1], in the order of their names; ValueError unless they are exactly these."""
    given = given or {}
    if set(given) != set(names):
        raise ValueError(
            f"micro_conditions={sorted(given)}: not what this network was built for; "
            f"allowed exactly {sorted(names)}; try a dict with a (B,) tensor for each of them"
        )
    for name in names:
        check_level(name, given[name], batch)
    return [given[name] for name in names]


def check_level(name: str, value: Tensor, batch: int) -> None:
    """ValueError unless a value is (batch,) in [0, 1]."""
    if value.shape != (batch,):
        raise ValueError(f"{name}={tuple(value.shape)}: wrong shape; allowed ({batch},); try .expand({batch})")
    # Only on the CPU: reading a number back from an accelerator would stall its queue in every step.
    if value.device.type == "cpu" and not ((value >= 0) & (value <= 1)).all():
        raise ValueError(f"{name}={value.tolist()}: out of range; allowed 0 to 1; try dividing timesteps by 1000")


class TextEmbedding(nn.Module):
    """Projects the text encoder's states to the transformer's width and puts a learnt null token in front.

    The null token is always attended: it is what the network reads when the prompt is dropped (an all-False
    mask), as classifier-free guidance needs.
    """

    def __init__(self, text_width: int, width: int):
        super().__init__()
        self.projection = nn.Sequential(nn.Linear(text_width, width), nn.GELU(), nn.Linear(width, width))
        self.null_token = nn.Parameter(torch.randn(1, 1, width))

    def forward(self, states: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Embed the states (B, L, text width) with their mask (B, L) bool, True = token.

        Returns the tokens (B, 1 + L, D) and their mask (B, 1 + L). ValueError if the mask does not fit.
        """
        if mask is None:
            mask = states.new_ones(states.shape[:2], dtype=torch.bool)
        if mask.dtype != torch.bool or mask.shape != states.shape[:2]:
            raise ValueError(
                f"encoder_attention_mask={mask.dtype} {tuple(mask.shape)}: does not match the text; "
                f"allowed torch.bool {tuple(states.shape[:2])}; try mask.bool()"
            )
        text = torch.cat([self.null_token.expand(len(states), -1, -1), self.projection(states)], dim=1)
        return text, torch.cat([mask.new_ones(len(mask), 1), mask], dim=1)


class PooledText(nn.Module):
    """The whole prompt as one vector for the modulation of every token (SD3, Esser et al. 2024, section 5).

    Cross-attention must first learn where to look; this tells a small model at once what the picture is of.
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.projection = nn.Linear(width, width)

    def forward(self, text: Tensor, mask: Tensor) -> Tensor:
        """Pool the tokens (B, L, D) that the mask (B, L) bool keeps, at least one a prompt: (B, D)."""
        kept = mask[..., None].to(text)
        return self.projection(self.norm((text * kept).sum(1) / kept.sum(1)))


class PlaceEmbedding(nn.Module):
    """Where in the frame a token is, as seen from the frame's middle: (1, 1, Y, X, D) for a grid of Y × X tokens.

    Sines and cosines of the row and column in [-1, 1], so that frames of every size have the same middle and
    edges (NeRF's encoding, Mildenhall et al. 2020, section 5.1, with frequencies π/2 · 1, 2, 3, 4).
    """

    def __init__(self, width: int, frequencies: int = 4):
        super().__init__()
        self.frequencies = frequencies
        self.to_embedding = nn.Linear(4 * frequencies, width)

    def forward(self, rows: int, columns: int) -> Tensor:
        weight = self.to_embedding.weight
        multiples = torch.arange(1, self.frequencies + 1, device=weight.device) * (torch.pi / 2)
        waves = []
        for count in (rows, columns):
            place = (torch.arange(count, device=weight.device) + 0.5) * 2 / count - 1  # (n,)
            angles = place[:, None] * multiples
            waves.append(torch.cat([angles.sin(), angles.cos()], dim=-1))  # (n, 2 · frequencies)
        y, x = waves[0][:, None].expand(-1, columns, -1), waves[1][None].expand(rows, -1, -1)
        return self.to_embedding(torch.cat([y, x], dim=-1).to(weight.dtype))[None, None]
