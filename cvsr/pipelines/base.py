"""What text-to-video and super-resolution have in common: their parts, and the way from noise to latents."""

from collections.abc import Callable, Sequence

import torch
from diffusers import DiffusionPipeline
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from cvsr.diffusion.flow import Preconditioner, clean_from_velocity
from cvsr.diffusion.schedulers import Scheduler, set_steps
from cvsr.models.latent_space import compression, latent_channels
from cvsr.models.swin_mmdit import SwinMMDiT
from cvsr.models.text import TextEncoder, encode_prompts
from cvsr.models.transformer import VideoTransformer
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL

Generators = torch.Generator | list[torch.Generator] | None
Velocity = Callable[[Tensor, Tensor, int], Tensor]  # of latents x at time t (B,), in step number …
StepCallback = Callable[[DiffusionPipeline, int, Tensor, dict[str, Tensor]], dict[str, Tensor]]


class VideoPipeline(DiffusionPipeline):
    """The parts of a latent video pipeline; subclasses say what goes in and what comes out.

    Args:
        autoencoder: between video and latents, 4×8×8 pixels a position: the kit's, or one of diffusers such as Wan's,
            CogVideoX's or HunyuanVideo's.
        tokenizer, text_encoder: from the prompt to the states that the transformer attends to.
        transformer: predicts the clean latents or the velocity; its `preconditioner` knows which.
        scheduler: one of `cvsr.diffusion.schedulers`.
    """

    model_cpu_offload_seq = "text_encoder->transformer->autoencoder"

    def __init__(
        self,
        autoencoder: ModelMixin,
        tokenizer: PreTrainedTokenizerBase,
        text_encoder: TextEncoder,
        transformer: VideoTransformer | SwinMMDiT,
        scheduler: Scheduler,
    ):
        super().__init__()
        self.register_modules(
            autoencoder=autoencoder,
            tokenizer=tokenizer,
            text_encoder=text_encoder,
            transformer=transformer,
            scheduler=scheduler,
        )

    @property
    def preconditioner(self) -> Preconditioner:
        """What turns the transformer's output into a velocity."""
        return self.transformer.preconditioner

    def check_parts(self) -> None:
        """ValueError if the parts were not made for each other."""
        if (found := compression(self.autoencoder)) != (TEMPORAL, SPATIAL):
            raise ValueError(
                f"autoencoder={type(self.autoencoder).__name__}: a latent stands for {found[0]} frames and"
                f" {found[1]} pixels a side; allowed {TEMPORAL} and {SPATIAL}; try Wan 2.1's or the kit's"
            )
        channels = latent_channels(self.autoencoder)
        expected = {
            "out_channels": [channels],
            "in_channels": self.input_channels(channels),
            "text_width": [self.text_encoder.config.d_model],
        }
        for name, values in expected.items():
            if (found := self.transformer.config[name]) not in values:
                allowed = " or ".join(map(str, values))
                raise ValueError(
                    f"transformer.{name}={found}: does not fit the other parts; allowed {allowed}; "
                    "try the parts it was trained with"
                )

    def input_channels(self, channels: int) -> list[int]:
        """How many channels the transformer may be given, if a video's latents have `channels`."""
        return [channels]

    def encode_prompts(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Text states (B, L, d) and mask (B, L); an empty prompt is masked out whole."""
        return encode_prompts(self.tokenizer, self.text_encoder, list(prompts))

    def draw_noise(self, size: Sequence[int], generator: Generators) -> Tensor:
        """Standard normal noise, drawn on the CPU whatever the device: the same seed, the same video."""
        noise = randn_tensor(
            tuple(size), generator=generator, device=torch.device("cpu"), dtype=torch.float32
        )
        return noise.to(self._execution_device)

    def predict(self, x: Tensor, t: Tensor, text: Tensor, mask: Tensor, **levels: Tensor) -> Tensor:
        """The transformer's output, in float32; `levels` are its micro conditions."""
        dtype = self.transformer.dtype
        return self.transformer(x.to(dtype), t, text.to(dtype), mask, levels).sample.float()

    def denoise(self, noise: Tensor, velocity: Velocity, steps: int, after_step: "AfterStep") -> Tensor:
        """Follow the velocity from noise (t = 1) to data (t = 0) in `steps` steps of the scheduler."""
        latents, sigmas = noise, set_steps(self.scheduler, steps)
        for step, (sigma, timestep) in enumerate(zip(sigmas[:-1], self.scheduler.timesteps, strict=True)):
            t = sigma.to(latents).expand(len(latents))  # (B,)
            v = velocity(latents, t, step)
            clean = clean_from_velocity(latents, v, t)
            latents = after_step(timestep, self.scheduler.step(v, timestep, latents).prev_sample, clean)
        return latents


class AfterStep:
    """Counts the steps of a call, on the progress bar and for the caller's callback.

    The callback is diffusers': `callback(pipeline, step, timestep, {"latents": latents, "clean": clean})`, where
    "clean" are the clean latents as the step has predicted them. It returns a dict, with other latents in it if it
    likes. From tile to tile of a large video the steps are counted on.
    """

    def __init__(self, pipeline: DiffusionPipeline, bar, callback: StepCallback | None):
        self.pipeline, self.bar, self.callback, self.step = pipeline, bar, callback, 0

    def __call__(self, timestep: Tensor, latents: Tensor, clean: Tensor) -> Tensor:
        """Count one step; returns the latents to go on with."""
        if self.callback is not None:
            returned = self.callback(self.pipeline, self.step, timestep, {"latents": latents, "clean": clean})
            latents = returned.get("latents", latents)
        self.step += 1
        self.bar.update()
        return latents


def check_at_least(least: int, **arguments: int) -> None:
    """ValueError for the first argument that is no whole number of at least `least`."""
    for name, value in arguments.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name}={value}: allowed whole numbers >= {least}; try {name}={max(least, 4)}")
