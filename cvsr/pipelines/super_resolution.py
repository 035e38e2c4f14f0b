"""From a small video to a large one: the second stage of a cascade, or a real clip made larger.

The input is enlarged bicubically and encoded. Its latents, with noise if wanted, lie beside the noise that
becomes the result, channel by channel; what the network predicts is the difference from them. A long video goes
through in chunks of frames, a large one in tiles, and a whole clip is a stream run to its end.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from cvsr.diffusion.flow import interpolate
from cvsr.diffusion.guidance import guided_prediction
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.models.conditioning import beside
from cvsr.pipelines.base import AfterStep, Generators, StepCallback, VideoPipeline
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.ledger import Keep, Ledger, make_anew
from cvsr.pipelines.output import VideoPipelineOutput, check_output_type, to_output_type
from cvsr.pipelines.resuming import Draw, finished_frames
from cvsr.pipelines.streaming import Chunk, Cutter, FrameNoise, check_video, cut, draw_key
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL, Tile, Tiling
from cvsr.presets import SAMPLING

Show = Callable[[Tile], "Shown"]
Redraw = Callable[["Shown", Tensor], Tensor]  # what is shown, and noise of 2c channels, to the result's latents


class Shown(NamedTuple):
    """What a tile of the result is drawn from."""

    low: Tensor  # latents (B, c, t, h, w) of the input
    references: list[Tensor] | None = None  # latents (c, t', h', w') of each, for networks that read them


class SuperResolutionPipeline(VideoPipeline):
    """Enlarges videos of every size and length, tile by tile where they are large or long."""

    settings: type[Enlargement] = Enlargement  # that it can be asked for
    sampling = SAMPLING  # what they leave open

    def asked(self, **settings) -> Enlargement:
        """The settings given, completed by the system's own; ValueError for one outside of what they allow."""
        return self.settings(**settings).completed(self.sampling)

    def check(self, video: Tensor, settings: Enlargement) -> None:
        """ValueError if a video (B, 3, T, H, W) cannot be enlarged as asked, before long work.

        Only its shape counts: a tensor on the device "meta" stands for one that is yet to be made.
        """
        settings.size(video)
        settings.prompts(len(video))

    def input_channels(self, channels: int) -> list[int]:
        """The noisy latents and the input's."""
        return [2 * channels]

    @torch.no_grad()
    def __call__(  # noqa: D417 (the settings are described in Enlargement)
        self,
        video: Tensor,
        prompt: str | list[str] = "",
        scale: float = 4.0,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int | None = None,
        strength: float | None = None,
        guidance_scale: float = 1.0,
        detail: float | None = None,
        consistency: int | None = None,
        colour_correction: str = "none",
        tiling: Tiling = Tiling(),  # noqa: B008 (frozen)
        generator: Generators = None,
        output_type: str = "pt",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
    ) -> VideoPipelineOutput | tuple:
        """Enlarge a video: `stream` run to its end.

        Args:
            video: (B, 3, T, H, W) in [-1, 1], any size and length.
            output_type: "pt", "np" or, for a video of one tile, "latent"; see `VideoPipelineOutput`.
            return_dict: False for a plain tuple.

        All other arguments are the settings of an `Enlargement`.

        Raises:
            ValueError: an argument outside of what is said here and there.
        """
        settings = Enlargement(
            prompt=prompt,
            scale=scale,
            height=height,
            width=width,
            num_inference_steps=num_inference_steps,
            strength=strength,
            guidance_scale=guidance_scale,
            detail=detail,
            consistency=consistency,
            colour_correction=colour_correction,
            tiling=tiling,
            generator=generator,
            callback_on_step_end=callback_on_step_end,
        )
        return self.run(video, settings, output_type, return_dict)

    def run(
        self, video: Tensor, settings: Enlargement, output_type: str, return_dict: bool
    ) -> VideoPipelineOutput | tuple:
        """`__call__`, with settings that have been checked."""
        check_video(video)
        check_output_type(output_type)
        if output_type == "latent":
            frames = self._latents(video, settings)
        else:
            pieces = self.stream([video], settings, video.shape[2])
            finished = [to_output_type(piece, output_type) for piece in pieces]
            frames = torch.cat(finished, dim=2) if output_type == "pt" else np.concatenate(finished, axis=1)
        return VideoPipelineOutput(frames) if return_dict else (frames,)

    @torch.no_grad()
    def stream(
        self,
        pieces: Iterable[Tensor],
        settings: Enlargement = Enlargement(),  # noqa: B008 (frozen)
        num_frames: int | None = None,
        start: int = 0,
        ledger: Ledger = Ledger(),  # noqa: B008 (keeps nothing)
    ) -> Iterator[Tensor]:
        """Enlarge a video of any length that comes in pieces; frames leave as soon as they are finished.

        Memory depends on the pieces and on `settings.tiling`, not on the length, and how the video is cut into
        pieces does not change the result.

        Args:
            pieces: (B, 3, T, H, W) in [-1, 1], of any lengths T.
            settings: what is asked for.
            num_frames: of the whole video, for the progress bar; it counts up without.
            start: number of the first frame, for one scene of a longer video.
            ledger: keeps what is finished; what it holds already is not made again.

        Yields:
            (B, 3, T, H', W') in [-1, 1]: together as many frames as went in.

        Raises:
            ValueError: a piece that is no video or of another size, settings that do not fit the video.
            MemoryError: the smallest tiles do not fit; larger ones are made smaller as memory runs out.
        """
        settings = settings.completed(self.sampling)
        cutter = Cutter(pieces, start)
        first = cutter.cut(settings.tiling).video
        self.check(first, settings)
        passes = self.passes(settings.tiling.cover(*settings.canvas(first)))
        count = settings.tiling.chunks(num_frames) if num_frames is not None else math.inf
        with self.progress_bar(total=count * passes * settings.num_inference_steps) as bar:
            draw = self.drawing(first, settings, bar)

            def correct(finished: Tensor, chunk: Chunk) -> Tensor:
                for frame, source in zip(finished.split(1, 2), self._here(chunk).video.split(1, 2), strict=False):
                    frame.copy_(settings.corrected(frame, source))  # in place: of all, copies would not fit
                return finished

            yield from finished_frames(cutter, settings.tiling, draw, correct, ledger)
        self.maybe_free_model_hooks()

    def drawing(self, first: Tensor, settings: Enlargement, bar) -> Draw:
        """How chunks are drawn, of a video whose first one is given (B, 3, T, H, W); `bar` is told of every step."""
        height, width = settings.size(first)
        noise = self._noise(first, settings)
        redraw = self._redrawing(settings, len(first), bar)

        def draw(chunk: Chunk, tiling: Tiling, keep: Keep) -> Tensor:
            asked, chunk = replace(settings, tiling=tiling), self._here(chunk)
            tiles = tiling.cover(*asked.canvas(chunk.video))
            if len(tiles) * asked.num_inference_steps == 1:
                keep = make_anew  # the only piece of a chunk is kept as a chunk, at once
            result = self._tile_by_tile(self.show(chunk, asked), noise.of(chunk.moments), tiles, redraw, keep)
            return result[..., :height, :width]

        return draw

    def _here(self, chunk: Chunk) -> Chunk:
        return replace(chunk, video=chunk.video.to(self._execution_device))

    def show(self, chunk: Chunk, settings: Enlargement) -> Show:
        """What the tiles of a chunk are drawn from: the latents of its enlarged frames."""
        enlarged = settings.enlarged(chunk.video)
        return lambda tile: Shown(encode_to_latents(self.autoencoder, tile.of(enlarged)))

    @torch.no_grad()
    def from_base(self, latents: Tensor, num_frames: int, settings: Enlargement) -> tuple[Tensor, Tensor]:
        """A base model's video and the large one, both (B, 3, num_frames, H, W) in [-1, 1].

        Args:
            latents: normalised, (B, c, t, h, w), as the base model leaves them.
            num_frames: at most 4t - 3.
            settings: of the enlargement.
        """
        small = decode_from_latents(self.autoencoder, latents)[:, :, :num_frames].clamp(-1, 1)
        return small, torch.cat(list(self.stream([small], settings, num_frames)), dim=2)

    def _latents(self, video: Tensor, settings: Enlargement) -> Tensor:
        """The result's latents (B, c, t, h, w), of a video that is one tile of one chunk."""
        settings = settings.completed(self.sampling)
        tiling = settings.tiling
        tiles = tiling.chunks(video.shape[2]) * len(tiling.cover(*settings.canvas(video)))
        if tiles > 1:
            raise ValueError(f"output_type='latent': {tiles} tiles share no latents; try output_type='pt'")
        (chunk,) = cut([video], tiling)
        with self.progress_bar(total=settings.num_inference_steps) as bar:
            redraw = self._redrawing(settings, len(video), bar)
            noise = self._noise(chunk.video, settings).of(chunk.moments)
            (tile,) = tiling.cover(*settings.canvas(video))
            latents = redraw(self.show(self._here(chunk), settings)(tile), noise)
        self.maybe_free_model_hooks()
        return latents

    def _noise(self, video: Tensor, settings: Enlargement) -> FrameNoise:
        """Noise for the whole frame, cut into tiles later: where they overlap they start alike and agree.

        Half of its channels become the result, half may go on the input's latents.
        """
        height, width = settings.canvas(video)
        channels = 2 * self.transformer.config.out_channels
        size = (len(video), channels, 1, height // SPATIAL, width // SPATIAL)
        given = settings.generator if isinstance(settings.generator, list) else [settings.generator]
        return FrameNoise([draw_key(each) for each in given], lambda generators: self.draw_noise(size, generators))

    def _redrawing(self, settings: Enlargement, batch: int, bar) -> Redraw:
        """The way from a tile's low-resolution latents to its result's, all steps of it."""
        steps = settings.num_inference_steps
        guider = settings.guider()
        text, mask = self.encode_prompts(settings.prompts(batch))
        level = torch.full((batch,), float(settings.strength), device=self._execution_device)
        after_step = AfterStep(self, bar, settings.callback_on_step_end)

        def redraw(shown: Shown, noise: Tensor) -> Tensor:
            noise, condition_noise = noise.chunk(2, dim=1)
            condition = interpolate(shown.low, condition_noise, level)
            told, predict = self.told(shown, text, mask) | {"noise_level": level}, self.predictor(shown)

            def velocity(x: Tensor, t: Tensor, step: int) -> Tensor:
                inputs = told | {"x": beside(x, condition, self.transformer.config.in_channels), "t": t}
                output = guided_prediction(guider, predict, inputs, step, steps)
                return self.preconditioner.velocity(output, x, t, prior=condition)

            return self.denoise(noise, velocity, steps, after_step)

        return redraw

    def told(self, shown: Shown, text: Tensor, mask: Tensor) -> dict[str, Any]:
        """What `predict` is told of the text (B, L, d) with its mask (B, L): with it, and without."""
        return {"text": text, "mask": (mask, torch.zeros_like(mask))}

    def predictor(self, shown: Shown) -> Callable[..., Tensor]:
        """What is asked for the predictions of what is shown."""
        return self.predict

    def passes(self, tiles: list[Tile]) -> int:
        """How often a chunk of so many tiles goes through all steps."""
        return len(tiles)

    def _tile_by_tile(
        self, show: Show, noise: Tensor, tiles: list[Tile], redraw: Redraw, keep: Keep = make_anew
    ) -> Tensor:
        """Redraw and decode every tile of some frames, and blend them: (B, 3, T, H, W) for noise (B, 2c, t, h, w)."""
        return self.decoded(tiles, noise, lambda tile: redraw(show(tile), tile.of_latents(noise)), keep)

    def decoded(
        self, tiles: list[Tile], noise: Tensor, latents: Callable[[Tile], Tensor], keep: Keep = make_anew
    ) -> Tensor:
        """The video (B, 3, T, H, W), as large as noise (B, 2c, t, h, w), of tiles with latents (B, c, t, h', w').

        `keep` makes the video of each tile, or has it already.
        """
        batch, _, groups, *sides = noise.shape
        height, width = (side * SPATIAL for side in sides)
        result = noise.new_zeros(batch, 3, 1 + (groups - 1) * TEMPORAL, height, width)
        for tile in tiles:
            video = keep(partial(self._decoded_tile, latents, tile)).to(result)
            tile.of(result).add_(video * tile.weights.to(result))
        return result

    def _decoded_tile(self, latents: Callable[[Tile], Tensor], tile: Tile) -> Tensor:
        return decode_from_latents(self.autoencoder, latents(tile))
