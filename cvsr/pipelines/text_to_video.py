"""From a prompt to a small video: the first stage of a cascade."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cvsr.diffusion.guidance import classifier_free_guidance, guided_prediction
from cvsr.models.autoencoder import decode_from_latents
from cvsr.pipelines.base import AfterStep, Generators, StepCallback, Velocity, VideoPipeline, check_at_least
from cvsr.pipelines.output import VideoPipelineOutput, check_output_type, to_output_type
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL
from cvsr.presets import SAMPLING


class TextToVideoPipeline(VideoPipeline):
    """Noise to latents under a prompt, latents to video."""

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | list[str] = "",
        height: int = 64,
        width: int = 64,
        num_frames: int = 17,
        num_inference_steps: int = SAMPLING.base_steps,
        guidance_scale: float = SAMPLING.guidance_scale,
        generator: Generators = None,
        output_type: str = "pt",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
    ) -> VideoPipelineOutput | tuple:
        """Generate one video a prompt.

        Args:
            prompt: what to show, one string or a list of B; "" leaves it to the model.
            height: in pixels, a multiple of 8.
            width: likewise.
            num_frames: any number; the model makes 4n + 1 of them, what is over is cut off.
            num_inference_steps: steps from noise to video; more are slower and cleaner.
            guidance_scale: how much to exaggerate what the prompt changes (classifier-free guidance);
                1 = not at all, and half the work.
            generator: of the noise, one for all or one a video; the same seed gives the same video.
            output_type: "pt", "np" or "latent", see `VideoPipelineOutput`.
            return_dict: False for a plain tuple.
            callback_on_step_end: called after every step, see `AfterStep`.

        Raises:
            ValueError: an argument outside of what is said above.
        """
        check_inputs(height, width, num_frames, output_type)
        prompts = [prompt] if isinstance(prompt, str) else prompt
        velocity = self.guided_velocity(prompts, guidance_scale, num_inference_steps)
        noise = self.draw_noise(self._latent_size(len(prompts), num_frames, height, width), generator)
        with self.progress_bar(total=num_inference_steps) as bar:
            after_step = AfterStep(self, bar, callback_on_step_end)
            latents = self.denoise(noise, velocity, num_inference_steps, after_step)
        if output_type == "latent":
            frames = latents
        else:
            video = decode_from_latents(self.autoencoder, latents)[:, :, :num_frames]
            frames = to_output_type(video, output_type)
        self.maybe_free_model_hooks()
        return VideoPipelineOutput(frames) if return_dict else (frames,)

    def guided_velocity(self, prompts: Sequence[str], guidance_scale: float, steps: int) -> Velocity:
        """The velocity of B latents under B prompts in a run of `steps` steps; the arguments are `__call__`'s."""
        guider = classifier_free_guidance(guidance_scale)
        text, mask = self.encode_prompts(prompts)
        no_text = torch.zeros_like(mask)

        def velocity(x: Tensor, t: Tensor, step: int) -> Tensor:
            inputs = {"x": x, "t": t, "text": text, "mask": (mask, no_text)}
            output = guided_prediction(guider, self.predict, inputs, step, steps)
            return self.preconditioner.velocity(output, x, t)

        return velocity

    def _latent_size(self, batch: int, frames: int, height: int, width: int) -> tuple[int, ...]:
        channels = self.transformer.config.out_channels
        return batch, channels, 1 + math.ceil((frames - 1) / TEMPORAL), height // SPATIAL, width // SPATIAL


def check_inputs(height: int, width: int, num_frames: int, output_type: str) -> None:
    """ValueError for a size, a length or a kind of output that there is none of."""
    check_output_type(output_type)
    check_at_least(1, num_frames=num_frames)
    for name, side in (("height", height), ("width", width)):
        check_at_least(SPATIAL, **{name: side})
        if side % SPATIAL:
            raise ValueError(
                f"{name}={side}: allowed multiples of {SPATIAL}; try {name}={side // SPATIAL * SPATIAL}"
            )
