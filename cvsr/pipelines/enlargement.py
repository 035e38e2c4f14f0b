"""What is asked of super-resolution, checked once, and the size and the corrections that follow from it."""

import math
from dataclasses import dataclass, replace

import torch.nn.functional as F
from diffusers.guiders.guider_utils import BaseGuidance
from torch import Tensor

from cvsr.data.resize import rescale, resize
from cvsr.diffusion.guidance import classifier_free_guidance
from cvsr.pipelines.base import Generators, StepCallback, check_at_least
from cvsr.pipelines.fidelity import back_project, check_colour_correction, correct_colour, emphasise_detail
from cvsr.pipelines.tiling import PATCH, Tiling, up
from cvsr.presets import Sampling


@dataclass(frozen=True)
class Enlargement:
    """Settings of super-resolution; videos are (B, 3, T, H, W) in [-1, 1].

    Args:
        prompt: what the video shows, one for all or a list of B; "" leaves it to the video.
        scale: times larger, any number above 0.
        height: of the result, in place of `scale` and together with `width`.
        width: likewise.
        num_inference_steps: steps from noise to video; few lean to the mean, more to detail. None, here and for
            `strength`, `detail` and `consistency`, is what is best for the system (`completed`).
        strength: noise put on the input's latents, in [0, 1]: the network trusts the input less and draws
            more (noise augmentation, SimpleGVR section 4.3).
        guidance_scale: classifier-free guidance; 1 = none, and half the work.
        detail: how strongly what the model adds to plain enlargement is drawn; 1 = as predicted, more is
            crisper and soon too crisp (`emphasise_detail`); 1 for noisy or compressed inputs.
        consistency: rounds of `back_project` onto the input; 0 for noisy or compressed inputs.
        colour_correction: what is taken from the input's colours, one of `COLOUR_CORRECTIONS`: "none",
            "wavelet" (its low frequencies), "adain" (each frame's mean and contrast of every channel).
        tiling: how large and long a piece is made at once; memory grows with it.
        generator: of the noise, one for all or one a video; the same seed gives the same video.
        callback_on_step_end: called after every step, see `AfterStep`.

    Raises:
        ValueError: an argument outside of what is said above.
    """

    prompt: str | list[str] = ""
    scale: float = 4.0
    height: int | None = None
    width: int | None = None
    num_inference_steps: int | None = None
    strength: float | None = None
    guidance_scale: float = 1.0
    detail: float | None = None
    consistency: int | None = None
    colour_correction: str = "none"
    tiling: Tiling = Tiling()  # noqa: RUF009 (frozen)
    generator: Generators = None
    callback_on_step_end: StepCallback | None = None

    def __post_init__(self):
        if self.num_inference_steps is not None:
            check_at_least(1, num_inference_steps=self.num_inference_steps)
        if self.consistency is not None:
            check_at_least(0, consistency=self.consistency)
        check_colour_correction(self.colour_correction)
        if self.strength is not None and not 0 <= self.strength <= 1:
            raise ValueError(f"strength={self.strength}: out of range; allowed 0 to 1; try strength=0.3")
        if self.detail is not None and not (math.isfinite(self.detail) and self.detail >= 0):
            raise ValueError(f"detail={self.detail}: out of range; allowed from 0; try detail=1")
        if (self.height is None) != (self.width is None):
            raise ValueError(
                f"height={self.height}, width={self.width}: only one is given; try both, or scale"
            )
        if self.height is not None:
            check_at_least(1, height=self.height, width=self.width)
        elif not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale={self.scale}: no enlargement; allowed numbers above 0; try scale=4")

    def completed(self, sampling: Sampling) -> "Enlargement":
        """The same, with a system's own values in place of None."""
        own = {
            "num_inference_steps": sampling.steps,
            "strength": sampling.strength,
            "detail": sampling.detail,
            "consistency": sampling.consistency,
        }
        return replace(self, **{name: value for name, value in own.items() if getattr(self, name) is None})

    def size(self, video: Tensor) -> tuple[int, int]:
        """Height and width of the video's result; ValueError if nothing would be left of it."""
        if self.height is not None and self.width is not None:
            return self.height, self.width
        height, width = (round(side * self.scale) for side in video.shape[-2:])
        if min(height, width) < 1:
            raise ValueError(f"scale={self.scale}: nothing is left of {tuple(video.shape[-2:])}; try scale=4")
        return height, width

    def canvas(self, video: Tensor) -> tuple[int, int]:
        """Its size in multiples of 16, whole tokens of whole latents."""
        height, width = self.size(video)
        return up(height, PATCH), up(width, PATCH)

    def enlarged(self, video: Tensor) -> Tensor:
        """The video bicubically at its result's size, edges repeated to fill the canvas."""
        (height, width), (rows, columns) = self.size(video), self.canvas(video)
        padding = (0, columns - width, 0, rows - height, 0, 0)
        return F.pad(resize(video, height, width).clamp(-1, 1), padding, mode="replicate")

    def reduced(self, video: Tensor, reduction: int) -> Tensor:
        """The video bicubically at its result's size over `reduction`, edges repeated to fill the canvas's.

        A result's side that is no multiple of it has no whole number of small pixels: the sizes may be fractional,
        and what lies where stays exact.
        """
        have, canvas = video.shape[-2:], self.canvas(video)
        factors = [wanted / reduction / side for wanted, side in zip(self.size(video), have, strict=True)]
        sides = [side // reduction for side in canvas]
        missing = [
            max(0, math.ceil(count / factor) + 1 - side)
            for count, factor, side in zip(sides, factors, have, strict=True)
        ]
        padded = F.pad(video, (0, missing[1], 0, missing[0], 0, 0), mode="replicate")
        return rescale(padded, *factors)[..., : sides[0], : sides[1]].clamp(-1, 1)

    def corrected(self, result: Tensor, video: Tensor) -> Tensor:
        """The corrections asked for, frame by frame, of a result and within [-1, 1]."""
        enlarged = resize(video, *result.shape[-2:])
        result = emphasise_detail(result, enlarged, self.detail)
        result = correct_colour(result, enlarged, self.colour_correction)
        return self.held(result, video).clamp(-1, 1)

    def held(self, result: Tensor, video: Tensor) -> Tensor:
        """A result held to what the video shows."""
        return back_project(result, video, self.consistency)

    def guider(self) -> BaseGuidance:
        """How the predictions of a step are combined; ValueError for a scale that is none."""
        return classifier_free_guidance(self.guidance_scale)

    def prompts(self, batch: int) -> list[str]:
        """One a video; ValueError unless there is one for all or one for each."""
        prompts = [self.prompt] * batch if isinstance(self.prompt, str) else list(self.prompt)
        if len(prompts) != batch:
            raise ValueError(
                f"prompt={prompts}: {len(prompts)} for {batch} videos; allowed one, or one each; try ''"
            )
        return prompts
