"""What an autoencoder keeps, what its losses ask for, when it sees what, its latents in noise: for lesson 01.

Legend: B batch, T frames, H W pixels, t h w latent sizes, c latent channels.
"""

from collections.abc import Callable, Mapping

import matplotlib
import numpy as np
import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
)
from diffusers.models.modeling_utils import ModelMixin
from matplotlib.figure import Figure
from torch import Tensor, nn

from cvsr.models.linear_codec import LinearCodec
from cvsr.models.streaming import DecodeStream
from cvsr.notebook.figures import PALETTE

CELL = 0.5  # inches a frame in a strip of changes
UNCHANGED = 1e-6  # what rounding alone may change, in pixels or latents

# Video autoencoders of diffusers: class, and what differs from its defaults (of the config.json released with it).
RELEASED = {
    "Wan 2.1": (AutoencoderKLWan, {}),
    "Wan 2.2": (
        AutoencoderKLWan,
        {
            "base_dim": 160,
            "decoder_base_dim": 256,
            "z_dim": 48,
            "is_residual": True,
            "in_channels": 12,
            "out_channels": 12,
            "patch_size": 2,
            "latents_mean": [0.0] * 48,  # its statistics change no size
            "latents_std": [1.0] * 48,
        },
    ),
    "CogVideoX": (AutoencoderKLCogVideoX, {}),
    "HunyuanVideo": (AutoencoderKLHunyuanVideo, {}),
    "LTX": (AutoencoderKLLTXVideo, {}),
}


@torch.no_grad()
def linear_round_trip(codec: LinearCodec, video: Tensor, channels: int) -> Tensor:
    """A video (B, 3, T, H, W) there and back through the first `channels` channels, clamped to [-1, 1].

    Principal components are nested: the first n of a codec are the codec of n channels.
    """
    latents = codec.encode(video)  # (B, t, h, w, c)
    latents[..., channels:] = 0  # their mean: nothing is known of them
    return codec.decode(latents).clamp(-1, 1)


@torch.enable_grad()
def pull(loss: Callable[[Tensor], Tensor], picture: Tensor) -> Tensor:
    """Which way a loss would change a picture: minus its gradient, of root mean square 1, as `picture`."""
    picture = picture.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(picture), picture)
    return -gradient / gradient.square().mean().sqrt()


@torch.enable_grad()
def best_answer(loss: Callable[[Tensor, Tensor], Tensor], truths: Tensor, steps: int = 200) -> Tensor:
    """The picture (1, 3, H, W) in [-1, 1] that is least wrong on average, if any of `truths` may be the right one.

    Args:
        loss: pictures and truths, (N, 3, H, W) each, to their mean loss.
        truths: (N, 3, H, W), one as likely as the other.
        steps: of Adam, at a rate that falls to zero, from grey on.
    """
    answer = torch.zeros_like(truths[:1]).requires_grad_()
    optimizer = torch.optim.Adam([answer], lr=0.05)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(answer.expand_as(truths), truths).backward()
        optimizer.step()
        falling.step()
        with torch.no_grad():
            answer.clamp_(-1, 1)
    return answer.detach()


@torch.no_grad()
def changes_by_frame(run: Callable[[Tensor], Tensor], video: Tensor, frame: int) -> np.ndarray:
    """Root mean square change of every frame of `run(video)` when one frame of the video turns grey: (T',).

    Args:
        run: a video (1, 3, T, H, W) to anything (1, c, T', h, w).
        video: where it starts from.
        frame: which of its frames is replaced.
    """
    changed = video.clone()
    changed[:, :, frame] = 0
    return (run(changed) - run(video)).square().mean(dim=(0, 1, 3, 4)).sqrt().numpy()


def draw_changes(rows: Mapping[str, np.ndarray], starts: Mapping[str, list[int]]) -> Figure:
    """Strips of cells over a common axis of frames: grey = unchanged, darker blue = changed more.

    Args:
        rows: name → change of each of its cells.
        starts: name → the first frame that each cell stands for, and the end of the last.
    """
    length = max(edges[-1] for edges in starts.values())
    figure = Figure(figsize=(CELL * length + 1.2, 0.7 * len(rows) + 0.5))
    axes = figure.subplots()
    for row, (name, changes) in enumerate(rows.items()):
        strongest = max(changes.max(), UNCHANGED)
        edges = starts[name]
        for change, start, stop in zip(changes, edges, edges[1:], strict=False):
            share = 0 if change <= UNCHANGED else 0.25 + 0.75 * change / strongest
            colour = matplotlib.colormaps["Blues"](share) if share else "#dddddd"
            axes.barh(row, stop - start - 0.08, 0.8, start + 0.04, color=colour)
            text = f"{change / strongest:.0%}" if share >= 0.26 else "<1%" if share else "0"
            axes.text(
                (start + stop) / 2, row, text, ha="center", va="center", fontsize=8,
                color="white" if share > 0.6 else "black",
            )  # fmt: skip
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xticks([frame + 0.5 for frame in range(length)], range(length))
    axes.set(xlim=(0, length), xlabel="frame")
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    return figure


@torch.no_grad()
def frames_as_they_come(autoencoder: ModelMixin, latents: Tensor) -> tuple[list[int], Tensor]:
    """How many frames a stream gives after each latent frame of (1, c, t, h, w) and at its end, t + 1; all of them."""
    stream = DecodeStream(autoencoder)
    pieces = [stream.push(piece) for piece in latents.split(1, dim=2)] + [stream.finish()]
    return [piece.shape[2] for piece in pieces], torch.cat(pieces, dim=2)


def cached_bytes(stream: DecodeStream) -> int:
    """Memory that a stream keeps from piece to piece: the last frames that its causal convolutions saw."""
    return sum(frames.numel() * frames.element_size() for frames in stream.step.memory.values())


@torch.no_grad()
def largest_activation(network: nn.Module, run: Callable[[], object]) -> int:
    """Bytes of the largest tensor that any part of `network` returns while `run` runs."""
    sizes = [0]

    def note(_module: nn.Module, _inputs: tuple, output: object) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel() * output.element_size())

    hooks = [part.register_forward_hook(note) for part in network.modules()]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return max(sizes)


def known_share(scale: Tensor, t: float) -> Tensor:
    """How much of each channel is still known at time t, if data are normal: 1 - error / variance, as `scale`.

    Of x_t = (1-t) x_0 + t ε with x_0 of standard deviation s, the best guess leaves the error
    s² t² / ((1-t)² s² + t²).
    """
    signal = ((1 - t) * scale).square()
    return signal / (signal + t**2)


def best_linear_guess(noisy: Tensor, scale: Tensor, t: float) -> Tensor:
    """The guess of x_0 with the least squared error that is linear in x_t (Wiener 1949), as `noisy`; t < 1.

    Args:
        noisy: x_t, (B, c, t, h, w), of data with mean 0.
        scale: standard deviation of the data, (c,).
        t: in [0, 1).
    """
    return noisy * (known_share(scale, t) / (1 - t)).view(1, -1, 1, 1, 1)


def draw_known(scales: Mapping[str, Tensor], t: float) -> Figure:
    """How much of every channel noise has left at time t, a line for each way to scale the latents."""
    figure = Figure(figsize=(5.6, 2.6))
    axes = figure.subplots()
    styles = (("blue", "-"), ("vermilion", "--"))
    for (name, scale), (colour, line) in zip(scales.items(), styles, strict=True):
        axes.plot(
            range(1, len(scale) + 1),
            known_share(scale, t),
            line,
            color=PALETTE[colour],
            linewidth=2,
            label=name,
        )
    axes.set(
        ylim=(0, 1.02), xlabel="channel: coarse and bright first, fine texture last", ylabel="share still known"
    )
    axes.set_title(f"t = {t:.2f}", fontsize=10)
    axes.legend(loc="upper right", frameon=False)
    return figure
