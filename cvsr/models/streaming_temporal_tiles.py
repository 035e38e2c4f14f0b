"""Video autoencoders that see a whole clip at once, in diffusers' own temporal tiles, as frames come.

HunyuanVideo's norms act on all frames and its attention on all earlier ones, LTX's decoder may see the next ones: none
of their streams equals the whole clip. diffusers cuts it into tiles that overlap in time and fade into each other; a
stream needs no more than the tile before, and gives what diffusers' `use_framewise_encoding` and
`use_framewise_decoding` give.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from diffusers import AutoencoderKLHunyuanVideo, AutoencoderKLLTX2Video, AutoencoderKLLTXVideo
from torch import Tensor

from cvsr.models.streaming_step import Step

Tiled = AutoencoderKLHunyuanVideo | AutoencoderKLLTXVideo | AutoencoderKLLTX2Video


class _TemporalTiles(Step):
    """Tiles of `first` frames, one every `group` frames; each but the first begins with a frame that is known.

    Attributes:
        stride, shared: new frames of what comes out, a tile, and those over which it fades into the next.
        new: the frames of a tile's result but for the one that the tile before has, too.
    """

    stride: int
    shared: int
    new = slice(1, None)

    def __init__(self, autoencoder: Tiled):
        self.autoencoder = autoencoder
        self.ahead: Tensor | None = None  # frames from the next tile's start on
        self.before: Tensor | None = None  # the last tile's result

    def through(self, frames: Tensor) -> Tensor:
        """One tile, alone."""
        raise NotImplementedError

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """What a tile that is complete adds to the result."""
        self.ahead = piece if begins else torch.cat([self.ahead, piece], dim=2)
        return self._next_tile(begins)

    def end(self, piece: Tensor, begins: bool) -> list[Tensor]:
        """The last tiles, which are shorter; a video shorter than one is a tile of its own."""
        if begins:
            return [self.through(piece)]
        self.ahead = torch.cat([self.ahead, piece], dim=2)
        results = []
        while self.ahead.shape[2] > 1:  # one frame alone is the last of the tile before
            results.append(self._next_tile(begins=False))
        return results

    def _next_tile(self, begins: bool) -> Tensor:
        with self._alone():
            result = self.through(self.ahead[:, :, : self.first])
        if not begins:
            result = self.autoencoder.blend_t(self.before, result[:, :, self.new], self.shared)
        self.ahead, self.before = self.ahead[:, :, self.group :], result
        return result[:, :, : self.stride + begins]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A tile is one frame longer than what diffusers would cut again."""
        model = self.autoencoder
        framewise = model.use_framewise_encoding, model.use_framewise_decoding
        model.use_framewise_encoding = model.use_framewise_decoding = False
        try:
            yield
        finally:
            model.use_framewise_encoding, model.use_framewise_decoding = framewise


class TiledEncoder(_TemporalTiles):
    """Video to moments."""

    def __init__(self, autoencoder: Tiled):
        super().__init__(autoencoder)
        ratio = autoencoder.temporal_compression_ratio
        tile, self.group = autoencoder.tile_sample_min_num_frames, autoencoder.tile_sample_stride_num_frames
        self.first, self.stride = tile + 1, self.group // ratio
        self.shared = tile // ratio - self.stride

    def through(self, frames: Tensor) -> Tensor:
        """Frames (B, 3, T, H, W) to moments (B, 2c, t, h, w)."""
        return self.autoencoder.encode(frames).latent_dist.parameters


class TiledDecoder(_TemporalTiles):
    """Latents to frames."""

    def __init__(self, autoencoder: Tiled):
        super().__init__(autoencoder)
        ratio = autoencoder.temporal_compression_ratio
        tile, self.stride = autoencoder.tile_sample_min_num_frames, autoencoder.tile_sample_stride_num_frames
        self.first, self.group = tile // ratio + 1, self.stride // ratio
        self.shared = tile - self.stride

    def through(self, frames: Tensor) -> Tensor:
        """Latents (B, c, t, h, w) to frames (B, 3, T, H, W)."""
        return self.autoencoder.decode(frames).sample


class LTXDecoder(TiledDecoder):
    """LTX's decoder sees what comes next, not what was: a tile's last frame is the poorer one, and left out.

    Raises:
        ValueError: a decoder that removes noise, which a time must be given to.
    """

    new = slice(None, -1)

    def __init__(self, autoencoder: AutoencoderKLLTXVideo | AutoencoderKLLTX2Video):
        super().__init__(autoencoder)
        if autoencoder.config.timestep_conditioning:
            raise ValueError(
                "autoencoder.timestep_conditioning=True: its decoder removes noise at a given time; allowed False;"
                " try the LTX autoencoder without"
            )
