"""SDEdit (Meng et al. 2022): a base model draws a given clip again, for model-guided degradation.

    x_α = (1 - α) x_0 + α ε,        then along the model's velocity under the prompt from t = α to t = 0

As the model of a pipeline of degradations, with the caption of the clip:

    degraded = degrade(drawn, frames, Redrawing(load("text_to_video"), caption))

Where the next model works on latents, nothing needs to be decoded (SimpleGVR, section 4.2.2):

    *before, guided = drawn
    low = Redrawing(pipeline, caption).latents(degrade(before, frames), guided.alpha, guided.seed)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from cvsr.data.video import to_frames, to_tensor
from cvsr.diffusion.flow import interpolate
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.pipelines.base import Generators
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL
from cvsr.presets import SAMPLING


@torch.no_grad()
def redraw(
    pipeline: TextToVideoPipeline,
    latents: Tensor,
    prompts: Sequence[str],
    alpha: float,
    generator: Generators = None,
    steps: int = SAMPLING.base_steps,
    guidance_scale: float = SAMPLING.guidance_scale,
) -> Tensor:
    """Normalised latents (B, c, t, h, w) as the base model would draw them.

    Args:
        pipeline: the base model.
        latents: what is to be drawn again, (B, c, t, h, w).
        prompts: one each, saying what is to be seen.
        alpha: the share of noise, 0 (nothing happens) to 1 (drawn from noise alone).
        generator: of the noise.
        steps: of a whole run, from noise; here the share alpha of them is taken, by Euler's method.
        guidance_scale: as for the pipeline.

    Raises:
        ValueError: alpha outside of 0 to 1, less than one step.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha={alpha}: no share of noise; allowed 0 to 1; try 0.35")
    if steps < 1:
        raise ValueError(f"steps={steps}: not a number of steps; allowed whole numbers from 1; try 30")
    count = max(1, round(alpha * steps))
    velocity = pipeline.guided_velocity(prompts, guidance_scale, count)
    x = interpolate(latents, pipeline.draw_noise(latents.shape, generator), alpha)
    for step, (t, following) in enumerate(pairwise(torch.linspace(alpha, 0, count + 1))):
        x = x + (following - t) * velocity(x, t.to(x).expand(len(x)), step)
    return x


@dataclass(frozen=True)
class Redrawing:
    """A base model and what it is told about a clip: the callable that `ModelGuided` asks for.

    Attributes:
        pipeline: the base model.
        prompt: what is to be seen in the clip.
        steps, guidance_scale: as for `redraw`.
    """

    pipeline: TextToVideoPipeline
    prompt: str
    steps: int = SAMPLING.base_steps
    guidance_scale: float = SAMPLING.guidance_scale

    @torch.no_grad()
    def __call__(self, frames: np.ndarray, alpha: float, seed: int) -> np.ndarray:
        """uint8 frames (T, H, W, 3), drawn again."""
        count, height, width, _ = frames.shape
        video = decode_from_latents(self.pipeline.autoencoder, self.latents(frames, alpha, seed))
        return to_frames(video[0, :, :count, :height, :width])

    @torch.no_grad()
    def latents(self, frames: np.ndarray, alpha: float, seed: int) -> Tensor:
        """Normalised latents (1, c, t, h, w) of uint8 frames (T, H, W, 3) drawn again.

        Edges and the last frame are repeated up to sides that are multiples of 8 and 4n + 1 frames.
        """
        count, height, width, _ = frames.shape
        missing = [(0, (1 - count) % TEMPORAL), (0, -height % SPATIAL), (0, -width % SPATIAL), (0, 0)]
        video = to_tensor(np.pad(frames, missing, mode="edge"))[None].to(self.pipeline.device)
        latents = encode_to_latents(self.pipeline.autoencoder, video)
        generator = torch.Generator().manual_seed(seed)
        return redraw(
            self.pipeline, latents, [self.prompt], alpha, generator, self.steps, self.guidance_scale
        )
