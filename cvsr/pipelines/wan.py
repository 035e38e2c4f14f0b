"""Pretrained Wan 2.1 as the stages of a cascade: diffusers' own pipeline first, the kit's with Wan's parts second."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from diffusers import WanPipeline

from cvsr.models.autoencoder import decode_from_latents
from cvsr.models.wan_transformer import WanVideoTransformer
from cvsr.pipelines.base import Generators, StepCallback
from cvsr.pipelines.cascade import CascadePipeline
from cvsr.pipelines.output import VideoPipelineOutput, to_output_type
from cvsr.pipelines.store import load_part
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import check_inputs
from cvsr.pipelines.tiling import PATCH, TEMPORAL, up
from cvsr.presets import WAN_SAMPLING
from cvsr.systems.base import Stage

FOLDERS = {"autoencoder": "vae"}  # where WanPipeline keeps the parts that it names in another way


class WanTextToVideoPipeline(WanPipeline):
    """`WanPipeline` called as `TextToVideoPipeline` is; its latents are normalised as the kit's are.

    `from_pretrained` reads a folder of Wan 2.1; `enable_model_cpu_offload` and everything else is diffusers' own.
    """

    @torch.no_grad()
    def __call__(  # noqa: D417 (the others are described in TextToVideoPipeline)
        self,
        prompt: str | list[str] = "",
        height: int = 480,
        width: int = 832,
        num_frames: int = 81,
        num_inference_steps: int = WAN_SAMPLING.base_steps,
        guidance_scale: float = WAN_SAMPLING.guidance_scale,
        generator: Generators = None,
        output_type: str = "pt",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
        negative_prompt: str | list[str] | None = None,
    ) -> VideoPipelineOutput | tuple:
        """Generate one video a prompt.

        Args:
            height: in pixels, a multiple of 16.
            width: likewise.
            callback_on_step_end: is given the latents only, not what they would be at the end.
            negative_prompt: what guidance leads away from, "" by default.
            prompt, num_frames, num_inference_steps, guidance_scale, generator, output_type, return_dict: as for
                `TextToVideoPipeline`.

        Raises:
            ValueError: an argument outside of what is said here and there.
        """
        check_inputs(height, width, num_frames, output_type)
        for name, side in (("height", height), ("width", width)):
            if side % PATCH:
                raise ValueError(f"{name}={side}: allowed multiples of {PATCH}; try {name}={up(side, PATCH)}")
        latents = (
            super()
            .__call__(
                prompt=prompt,
                negative_prompt=negative_prompt,
                height=height,
                width=width,
                num_frames=up(num_frames - 1, TEMPORAL) + 1,
                num_inference_steps=num_inference_steps,
                guidance_scale=guidance_scale,
                generator=generator,
                output_type="latent",
                callback_on_step_end=callback_on_step_end,
            )
            .frames.float()
        )
        frames = latents
        if output_type != "latent":
            video = decode_from_latents(self.vae, latents)[:, :, :num_frames]
            frames = to_output_type(video, output_type)
            self.maybe_free_model_hooks()
        return VideoPipelineOutput(frames) if return_dict else (frames,)


class WanSuperResolutionPipeline(SuperResolutionPipeline):
    """The common pipeline with Wan's parts, and steps and noise for a network of its size."""

    sampling = WAN_SAMPLING


def load_wan(folder: str | Path, dtype: torch.dtype = torch.float32) -> Stage:
    """The parts of a folder that `WanPipeline` was saved to, as those of `TextToVideoPipeline`.

    Args:
        folder: local; safetensors only.
        dtype: of the text encoder and the transformer; the autoencoder stays in single precision.

    Raises:
        ValueError: no such folder, or one of another kind of pipeline.
        WeightsError: parts that do not fit their configs.
    """
    parts = _load_parts(folder, dtype)
    return Stage(**parts | {"transformer": WanVideoTransformer.from_wan(parts["transformer"])})


def load_wan_cascade(
    folder: str | Path, transformer: WanVideoTransformer, dtype: torch.dtype = torch.bfloat16
) -> CascadePipeline:
    """Text to video by Wan, then super-resolution by a network that was trained from it; both share their other parts.

    Args:
        folder: of Wan 2.1, as for `load_wan`.
        transformer: of the second stage.
        dtype: of the first stage's transformer and the text encoder.

    Raises:
        ValueError: as `load_wan`, or a transformer that does not fit the other parts.
    """
    parts = _load_parts(folder, dtype)
    enlarger = WanSuperResolutionPipeline(**parts | {"transformer": transformer})
    enlarger.check_parts()
    base = WanTextToVideoPipeline(**{FOLDERS.get(name, name): part for name, part in parts.items()})
    return CascadePipeline(base, enlarger)


def _load_parts(folder: str | Path, dtype: torch.dtype) -> dict[str, Any]:
    """The parts of a `Stage` by their names; the transformer is diffusers' own."""
    folder = Path(folder)
    if not (folder / "model_index.json").is_file():
        raise ValueError(
            f"folder={folder}: no model_index.json; allowed a local folder of Wan 2.1 in diffusers' format; try that of"
            " Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
        )
    precision = {"text_encoder": dtype, "transformer": dtype}
    return {
        part.name: load_part(folder / FOLDERS.get(part.name, part.name), precision.get(part.name, torch.float32))
        for part in fields(Stage)
    }
