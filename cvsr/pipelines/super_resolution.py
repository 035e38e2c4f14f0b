"""From a small video to a large one: the second stage of a cascade, or a real clip made larger.

The input is enlarged bicubically and encoded. Its latents, with noise if wanted, lie beside the noise that
becomes the result, channel by channel; what the network predicts is the difference from them.
"""

import itertools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.data.resize import resize
from cvsr.diffusion.flow import interpolate
from cvsr.diffusion.guidance import classifier_free_guidance, guided_prediction
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.models.conditioning import beside
from cvsr.pipelines.base import AfterStep, Generators, StepCallback, VideoPipeline, check_at_least
from cvsr.pipelines.fidelity import back_project, emphasise_detail, transfer_colour
from cvsr.pipelines.output import VideoPipelineOutput, check_output_type, to_output_type
from cvsr.pipelines.tiling import PATCH, SPATIAL, TEMPORAL, Span, Tile, Tiling
from cvsr.presets import SAMPLING

Redraw = Callable[[Tensor, Tile], Tensor]  # a tile's low-resolution latents to its result's


class SuperResolutionPipeline(VideoPipeline):
    """Enlarges videos of every size and length, tile by tile where they are large or long."""

    def input_channels(self, channels: int) -> list[int]:
        """The noisy latents and the input's, with or without a mask (`cvsr.models.conditioning`)."""
        return [2 * channels, 2 * channels + 1]

    @torch.no_grad()
    def __call__(
        self,
        video: Tensor,
        prompt: str | list[str] = "",
        scale: float = 4.0,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = SAMPLING.steps,
        strength: float = SAMPLING.strength,
        guidance_scale: float = 1.0,
        detail: float = SAMPLING.detail,
        consistency: int = SAMPLING.consistency,
        match_colour: bool = False,
        tiling: Tiling = Tiling(),  # noqa: B008 (frozen)
        generator: Generators = None,
        output_type: str = "pt",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
    ) -> VideoPipelineOutput | tuple:
        """Enlarge a video.

        Args:
            video: (B, 3, T, H, W) in [-1, 1], any size and length.
            prompt: what it shows, one for all or a list of B; "" leaves it to the video.
            scale: times larger, any number above 0.
            height: of the result, in place of `scale` and together with `width`.
            width: likewise.
            num_inference_steps: steps from noise to video; few lean to the mean, more to detail.
            strength: noise put on the input's latents, in [0, 1]: the network trusts the input less and draws
                more (noise augmentation, SimpleGVR section 4.3).
            guidance_scale: classifier-free guidance; 1 = none, and half the work.
            detail: how strongly what the model adds to plain enlargement is drawn; 1 = as predicted, more is
                crisper and soon too crisp (`emphasise_detail`); 1 for noisy or compressed inputs.
            consistency: rounds of `back_project` onto the input; 0 for noisy or compressed inputs.
            match_colour: take the low frequencies from the input (`transfer_colour`).
            tiling: how large and long a piece is made at once; memory grows with it.
            generator: of the noise, one for all or one a video; the same seed gives the same video.
            output_type: "pt", "np" or, for a video of one tile, "latent"; see `VideoPipelineOutput`.
            return_dict: False for a plain tuple.
            callback_on_step_end: called after every step, see `AfterStep`.

        Raises:
            ValueError: an argument outside of what is said above.
        """
        _check_inputs(video, num_inference_steps, strength, detail, consistency, output_type)
        prompts = _one_a_video(prompt, len(video))
        size = _target_size(video, scale, height, width)
        canvas = (_up(video.shape[2] - 1, TEMPORAL) + 1, *(_up(side, PATCH) for side in size))
        tiles = tiling.cover(*canvas)
        if output_type == "latent" and len(tiles) > 1:
            raise ValueError(
                f"output_type='latent': {len(tiles)} tiles share no latents; try output_type='pt'"
            )
        guider = classifier_free_guidance(guidance_scale)
        video = video.to(self._execution_device)
        text, mask = self.encode_prompts(prompts)
        no_text = torch.zeros_like(mask)
        latent_size = self._latent_size(len(video), canvas)
        # Drawn once and cut: where tiles overlap they start from the same noise and agree.
        noise = self.draw_noise(latent_size, generator)
        condition_noise = self.draw_noise(latent_size, generator)
        level = noise.new_full((len(video),), strength)

        def redraw(low: Tensor, tile: Tile) -> Tensor:
            condition = interpolate(low, tile.of_latents(condition_noise), level)

            def velocity(x: Tensor, t: Tensor, step: int) -> Tensor:
                shown = beside(x, condition, self.transformer.config.in_channels)
                inputs = {"x": shown, "t": t, "noise_level": level}
                inputs |= {"text": text, "mask": (mask, no_text)}
                output = guided_prediction(guider, self.predict, inputs, step, num_inference_steps)
                return self.preconditioner.velocity(output, x, t, prior=condition)

            return self.denoise(tile.of_latents(noise), velocity, num_inference_steps, after_step)

        with self.progress_bar(total=len(tiles) * num_inference_steps) as bar:
            after_step = AfterStep(self, bar, callback_on_step_end)
            if output_type == "latent":
                (tile,) = tiles
                enlarged = _enlarge(video, tile.frames, size, canvas)
                frames = redraw(encode_to_latents(self.autoencoder, enlarged), tile)
            else:
                result = self._tile_by_tile(video, tiles, size, canvas, redraw)
                frames = to_output_type(_correct(result, video, detail, match_colour, consistency), output_type)
        self.maybe_free_model_hooks()
        return VideoPipelineOutput(frames) if return_dict else (frames,)

    def _tile_by_tile(
        self,
        video: Tensor,
        tiles: list[Tile],
        size: tuple[int, int],
        canvas: tuple[int, int, int],
        redraw: Redraw,
    ) -> Tensor:
        """Enlarge, encode, redraw and decode every tile, and blend them: (B, 3, T, *size)."""
        result = video.new_zeros(len(video), 3, *canvas)
        for _, of_one_time in itertools.groupby(tiles, key=lambda tile: tile.frames.start):
            enlarged = None
            for tile in of_one_time:
                if enlarged is None:  # whole frames, once for all tiles of these frames
                    enlarged = _enlarge(video, tile.frames, size, canvas)
                piece = enlarged[..., tile.rows.slice, tile.columns.slice]
                latents = redraw(encode_to_latents(self.autoencoder, piece), tile)
                tile.of(result).add_(decode_from_latents(self.autoencoder, latents) * tile.weights.to(piece))
        return result[:, :, : video.shape[2], : size[0], : size[1]]

    def _latent_size(self, batch: int, canvas: tuple[int, int, int]) -> tuple[int, ...]:
        frames, height, width = canvas
        channels = self.transformer.config.out_channels
        return batch, channels, 1 + (frames - 1) // TEMPORAL, height // SPATIAL, width // SPATIAL


def _enlarge(video: Tensor, frames: Span, size: tuple[int, int], canvas: tuple[int, int, int]) -> Tensor:
    """Some frames at the target size; edges and the last frame are repeated to fill the canvas."""
    within = torch.arange(frames.start, frames.stop).clamp(max=video.shape[2] - 1)
    enlarged = resize(video[:, :, within], *size).clamp(-1, 1)
    padding = (0, canvas[2] - size[1], 0, canvas[1] - size[0], 0, 0)
    return F.pad(enlarged, padding, mode="replicate")


def _correct(
    result: Tensor, video: Tensor, detail: float, match_colour: bool, consistency: int, frames: int = 16
) -> Tensor:
    """The corrections asked for, in place and some frames at a time: they need several copies."""
    for part, source in zip(result.split(frames, dim=2), video.split(frames, dim=2), strict=True):
        if detail != 1:
            part.copy_(emphasise_detail(part, source, detail))
        if match_colour:
            part.copy_(transfer_colour(part, resize(source, *part.shape[-2:])))
        part.copy_(back_project(part, source, consistency))
    return result


def _target_size(video: Tensor, scale: float, height: int | None, width: int | None) -> tuple[int, int]:
    if (height is None) != (width is None):
        raise ValueError(f"height={height}, width={width}: only one is given; try both, or scale")
    if height is not None and width is not None:
        check_at_least(1, height=height, width=width)
        return height, width
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale={scale}: no enlargement; allowed numbers above 0; try scale=4")
    size = tuple(round(side * scale) for side in video.shape[-2:])
    if min(size) < 1:
        raise ValueError(f"scale={scale}: nothing is left of {tuple(video.shape[-2:])}; try scale=4")
    return size


def _one_a_video(prompt: str | list[str], batch: int) -> list[str]:
    prompts = [prompt] * batch if isinstance(prompt, str) else list(prompt)
    if len(prompts) != batch:
        raise ValueError(
            f"prompt={prompts}: {len(prompts)} for {batch} videos; allowed one, or one each; try ''"
        )
    return prompts


def _check_inputs(
    video: Tensor, steps: int, strength: float, detail: float, consistency: int, output_type: str
) -> None:
    if video.ndim != 5 or video.shape[1] != 3 or not video.numel():
        raise ValueError(f"video={tuple(video.shape)}: no video; allowed (B, 3, T, H, W); try video[None]")
    check_at_least(1, num_inference_steps=steps)
    check_at_least(0, consistency=consistency)
    if not 0 <= strength <= 1:
        raise ValueError(f"strength={strength}: out of range; allowed 0 to 1; try strength=0.3")
    if not (math.isfinite(detail) and detail >= 0):
        raise ValueError(f"detail={detail}: out of range; allowed from 0; try detail=1")
    check_output_type(output_type)


def _up(length: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-length // step) * step
