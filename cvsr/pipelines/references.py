"""ID images and reference videos, brought to the sizes at which a network reads them and encoded.

An ID image shows what something looks like: it is read whole, at one area whatever its size. A reference video lies
beside the result, frame by frame and pixel by pixel: it is brought to the result's size, and a tile of the result reads
its own tile of it.

References are (3, H, W), an image, or (3, T, H, W), a video, both in [-1, 1].
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.data.resize import resize
from cvsr.pipelines.streaming import Chunk
from cvsr.pipelines.tiling import SPATIAL, Tile

Encode = Callable[[Tensor], Tensor]  # a video (B, 3, T, H, W) to its latents (B, c, t, h, w)
AREA = 128**2  # pixels of an ID image: as in training


def check_references(references: Sequence[Tensor]) -> None:
    """ValueError unless all are images or videos of one pixel or more."""
    for index, reference in enumerate(references):
        if not isinstance(reference, Tensor) or reference.ndim not in (3, 4) or len(reference) != 3:
            found = tuple(reference.shape) if isinstance(reference, Tensor) else type(reference).__name__
            raise ValueError(
                f"references[{index}]={found}: neither image nor video; allowed (3, H, W) or (3, T, H, W); try"
                " cvsr.data.video.to_tensor"
            )
        if not reference.numel():
            raise ValueError(
                f"references[{index}]={tuple(reference.shape)}: no pixels; allowed one or more; try another file"
            )


def encode_references(
    references: Sequence[Tensor], encode: Encode, chunk: Chunk, size: tuple[int, int], canvas: tuple[int, int]
) -> Callable[[Tile], list[Tensor]]:
    """The latents (c, t, h, w) of every reference for each tile of a chunk. A video that has ended stands still.

    Args:
        references: images and videos.
        encode: the autoencoder.
        chunk: of the input.
        size: height and width of the result.
        canvas: the same in whole tokens, as tiles cover it.
    """
    frames = torch.arange(chunk.start, chunk.start + chunk.video.shape[2])
    padding = (0, canvas[1] - size[1], 0, canvas[0] - size[0], 0, 0)
    images, videos = {}, {}
    for index, reference in enumerate(references):
        shown = reference.to(chunk.video)
        if shown.ndim == 3:
            images[index] = encode(image_to_read(shown))[0]
        else:
            beside = shown[None, :, frames.clamp(max=shown.shape[1] - 1)]
            videos[index] = F.pad(resize(beside, *size).clamp(-1, 1), padding, mode="replicate")

    def of_tile(tile: Tile) -> list[Tensor]:
        latents = images | {index: encode(tile.of(video))[0] for index, video in videos.items()}
        return [latents[index] for index in range(len(references))]

    return of_tile


def image_to_read(image: Tensor, area: int = AREA) -> Tensor:
    """A video of one frame (1, 3, 1, h, w) of about `area` pixels, its shape kept, in whole latent positions."""
    height, width = image.shape[1:]
    scale = (area / (height * width)) ** 0.5
    sides = [max(1, round(scale * side / SPATIAL)) * SPATIAL for side in (height, width)]
    return resize(image[None, :, None], *sides).clamp(-1, 1)
