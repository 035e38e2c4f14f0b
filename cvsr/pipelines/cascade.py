"""A cascade: a small video from a prompt, then a large one from the small one, or from its latents."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import BaseOutput
from torch import Tensor

from cvsr.pipelines.base import Generators, StepCallback, VideoPipeline
from cvsr.pipelines.latent_super_resolution import LatentSuperResolutionPipeline
from cvsr.pipelines.output import to_output_type
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.seedvr import SeedVRPipeline
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline, check_inputs
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline
from cvsr.presets import SAMPLING

PIPELINES = {
    kind.__name__: kind
    for kind in (
        TextToVideoPipeline,
        SuperResolutionPipeline,
        SeedVRPipeline,
        LatentSuperResolutionPipeline,
        UniMMVSRPipeline,
        PatchVSRPipeline,
    )
}


@dataclass
class CascadeOutput(BaseOutput):
    """The small video and the large one, each as `VideoPipelineOutput.frames`."""

    base: Tensor | np.ndarray
    frames: Tensor | np.ndarray


class CascadePipeline(DiffusionPipeline):
    """Text to video, then super-resolution; each stage is a pipeline of its own and can be exchanged."""

    def __init__(self, text_to_video: TextToVideoPipeline, super_resolution: SuperResolutionPipeline):
        super().__init__()
        self.register_modules(text_to_video=text_to_video, super_resolution=super_resolution)

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | list[str] = "",
        height: int = 64,
        width: int = 64,
        num_frames: int = 17,
        base_inference_steps: int = SAMPLING.base_steps,
        guidance_scale: float = SAMPLING.guidance_scale,
        generator: Generators = None,
        output_type: str = "pt",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
        **enlarging,
    ) -> CascadeOutput | tuple:
        """Generate one video a prompt, small and large.

        Args:
            prompt: what to show, one string or a list of B; both stages read it.
            height: of the small video in pixels, a multiple of 8.
            width: likewise.
            num_frames: any number.
            base_inference_steps: steps of the first stage.
            guidance_scale: of the first stage.
            generator: of the noise of both stages.
            output_type: "pt" or "np", see `VideoPipelineOutput`.
            return_dict: False for a plain tuple (small, large).
            callback_on_step_end: called after every step with the stage's pipeline; each counts from 0.
            enlarging: further settings of the second stage, its own among them, such as `references` or `patch`: see
                the class that it names `settings`. The base model reads the text alone.

        Raises:
            ValueError: an argument outside of what is said above.
        """
        check_inputs(height, width, num_frames, output_type)
        if output_type == "latent":
            raise ValueError(
                "output_type='latent': the stages have two; allowed 'pt', 'np'; try a single stage"
            )
        settings = self.super_resolution.asked(
            prompt=prompt, generator=generator, callback_on_step_end=callback_on_step_end, **enlarging
        )
        batch = 1 if isinstance(prompt, str) else len(prompt)
        self.super_resolution.check(torch.empty(batch, 3, num_frames, height, width, device="meta"), settings)
        latents = self.text_to_video(
            prompt,
            height,
            width,
            num_frames,
            num_inference_steps=base_inference_steps,
            guidance_scale=guidance_scale,
            generator=generator,
            output_type="latent",
            callback_on_step_end=callback_on_step_end,
        ).frames
        small, large = self.super_resolution.from_base(latents, num_frames, settings)
        output = CascadeOutput(to_output_type(small, output_type), to_output_type(large, output_type))
        return output if return_dict else output.to_tuple()

    @classmethod
    def from_pretrained(cls, folder: str | Path, **options) -> "CascadePipeline":
        """Both stages of a saved cascade; diffusers' own loader refuses pipelines as parts."""
        names = ("text_to_video", "super_resolution")
        return cls(**{name: _load_stage(Path(folder) / name, **options) for name in names})

    def to(self, *args, **kwargs) -> "CascadePipeline":
        """Move both stages; arguments as in diffusers."""
        self.text_to_video.to(*args, **kwargs)
        self.super_resolution.to(*args, **kwargs)
        return self

    def set_progress_bar_config(self, **kwargs) -> None:
        """Of both stages; arguments as for tqdm."""
        self.text_to_video.set_progress_bar_config(**kwargs)
        self.super_resolution.set_progress_bar_config(**kwargs)


def _load_stage(folder: Path, **options) -> VideoPipeline:
    """A saved stage, of the class that its index names."""
    kind = json.loads((folder / "model_index.json").read_text())["_class_name"]
    return PIPELINES[kind].from_pretrained(folder, **options)
