"""What a stream asks of one half of an autoencoder, whichever it is."""

from torch import Tensor


class Step:
    """Carries a video through an encoder or a decoder, piece by piece, and remembers what it must between them.

    Attributes:
        first, group: how long the first piece is, and every later one, in frames that go in: of a video to encode,
            of latents to decode.
    """

    first: int
    group: int

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A piece (B, …, T, h, w) of video to moments (B, 2c, …), or of latents to frames; it may begin the video."""
        raise NotImplementedError

    def end(self, piece: Tensor, begins: bool) -> list[Tensor]:
        """The same for what is left when the video ends: frames that fill no piece, or none."""
        return [self(piece, begins)] if piece.shape[2] else []
