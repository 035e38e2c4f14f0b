"""The kit's own autoencoder, piece by piece: its convolutions remember the last frames that they saw."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from cvsr.models.autoencoder import CausalConv, VideoAutoencoder
from cvsr.models.linear_codec import FRAMES, PATCH
from cvsr.models.streaming_step import Step


class _Remembering(Step):
    """A part of a `VideoAutoencoder` whose causal convolutions use the memory of this stream."""

    def __init__(self, part: nn.Module):
        self.convolutions = [module for module in part.modules() if isinstance(module, CausalConv)]
        self.memory: dict[CausalConv, Tensor] = {}

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """Only while this stream runs: another one of the same model has a memory of its own."""
        for convolution in self.convolutions:
            convolution.memory = self.memory
        try:
            yield
        finally:
            for convolution in self.convolutions:
                convolution.memory = None


class CausalEncoder(_Remembering):
    """Video to moments; `before` and `after` are pixels a latent position of what goes in and comes out."""

    first, group = 1, FRAMES
    before, after = PATCH, 1

    @staticmethod
    def reach(autoencoder: VideoAutoencoder) -> int:
        """How far an encoder sees, in latent positions."""
        return autoencoder.reach[0]

    def __init__(self, autoencoder: VideoAutoencoder):
        super().__init__(autoencoder.encoder)
        self.autoencoder = autoencoder

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A piece of video (B, 3, T, H, W) to its moments (B, 2c, 1, h, w)."""
        with self.remembered():
            return self.autoencoder.moments(piece, begins)


class CausalDecoder(_Remembering):
    """Latents to frames."""

    first, group = 1, 1
    before, after = 1, PATCH

    @staticmethod
    def reach(autoencoder: VideoAutoencoder) -> int:
        """How far a decoder sees, in latent positions."""
        return autoencoder.reach[1]

    def __init__(self, autoencoder: VideoAutoencoder):
        super().__init__(autoencoder.decoder)
        self.autoencoder = autoencoder

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A latent frame (B, c, 1, h, w) to its frames (B, 3, 1 or 4, H, W)."""
        with self.remembered():
            return self.autoencoder.frames(piece, begins)
