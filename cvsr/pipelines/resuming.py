"""Chunk after chunk, drawn, blended and kept: what was finished before is not drawn again, what does not fit is drawn
in smaller pieces.

After a chunk the ledger holds its finished frames, in 8 bits, and what the next one is to be blended with. So a run
that goes on computes what a run without a break would have computed from there, bit for bit. Of the chunk at work it
holds the tiles.
"""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from cvsr.data.video import to_frames, to_tensor
from cvsr.pipelines.ledger import Keep, Ledger
from cvsr.pipelines.streaming import Blend, Chunk, Cutter
from cvsr.pipelines.tiling import Tiling

Draw = Callable[[Chunk, Tiling, Keep], Tensor]  # the result (B, 3, T, H, W) of a chunk, which keeps what it is made of
Correct = Callable[[Tensor, Chunk], Tensor]  # of a chunk's finished frames
PIECE = 4  # frames that leave at once


def finished_frames(
    cutter: Cutter, tiling: Tiling, draw: Draw, correct: Correct, ledger: Ledger
) -> Iterator[Tensor]:
    """The finished frames (B, 3, T, H, W) of every chunk, in [-1, 1]; rounded to 8 bits where a ledger keeps them."""
    blend = Blend()
    while not cutter.finished:
        name = _name(cutter.start)
        if (kept := ledger.get(name)) is not None:
            tiling = Tiling(*map(int, kept["tiling"]))  # a run that had to shrink goes on as it was
            cutter.advance(cutter.cut(tiling))
            blend = Blend()
            yield from _from_levels(kept["frames"])
            continue
        if cutter.shared and blend.sum is None:
            blend = _kept_blend(ledger, name)
        chunk, result, tiling = _drawn(cutter, tiling, draw, ledger)
        blend.hold_colours(result, chunk)
        frames = correct(blend.add(result, chunk), chunk)
        cutter.advance(chunk)
        if ledger.folder is None:
            yield frames
        else:
            levels = _to_levels(frames)
            del chunk, result, frames  # a large result leaves no room for what follows
            _keep(ledger, name, levels, tiling, blend, cutter)
            yield from _from_levels(levels)


def _drawn(cutter: Cutter, tiling: Tiling, draw: Draw, ledger: Ledger) -> tuple[Chunk, Tensor, Tiling]:
    """The next chunk and its result; where memory runs out, a smaller one, and so from then on."""
    while True:
        chunk = cutter.cut(tiling)
        keep = ledger.in_order(drawing_name(cutter.start, tiling))
        try:
            return chunk, draw(chunk, tiling, keep), tiling
        except (RuntimeError, MemoryError) as error:
            smaller = tiling.smaller()
            if not is_out_of_memory(error):
                raise
            if smaller is None:
                raise MemoryError(
                    f"memory: ran out with {tiling.frames} frames of {tiling.pixels} pixels at once, the least;"
                    " allowed what is free; try a smaller result"
                ) from error
        warnings.warn(
            f"out of memory with {tiling.frames} frames in tiles of {tiling.pixels} pixels; going on with"
            f" {smaller.frames} in tiles of {smaller.pixels}",
            stacklevel=2,
        )
        tiling = smaller
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def drawing_name(start: int, tiling: Tiling) -> str:
    """What the pieces are kept under that a chunk is drawn from, while it is at work."""
    return f"{_name(start)}-{tiling.frames}x{tiling.pixels}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says so: of Python, CUDA (torch.OutOfMemoryError) or PyTorch's allocator for the CPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(words in str(error) for words in ("can't allocate memory", "not enough memory", "out of memory"))


def _keep(
    ledger: Ledger, name: str, levels: np.ndarray, tiling: Tiling, blend: Blend, cutter: Cutter
) -> None:
    """First what the next chunk needs, then the chunk, then nothing of what led to it: a kill may come anywhere."""
    if not cutter.finished:
        state = {"sum": blend.sum, "weights": blend.weights, "cast": blend.cast}
        ledger.put(f"{_name(cutter.start)}-blend", **{key: value.cpu().numpy() for key, value in state.items()})
    sizes = (tiling.pixels, tiling.overlap, tiling.frames, tiling.frame_overlap)
    ledger.put(name, frames=levels, tiling=np.array(sizes))
    ledger.drop(f"{name}-")


def _kept_blend(ledger: Ledger, name: str) -> Blend:
    if (kept := ledger.get(f"{name}-blend")) is None:
        raise ValueError(f"unfinished={ledger.folder}: incomplete; allowed what a run has left; try --restart")
    return Blend(**{key: torch.from_numpy(value) for key, value in kept.items()})


def _name(start: int) -> str:
    return f"{start:08d}"


def _to_levels(video: Tensor) -> np.ndarray:
    levels = np.empty((len(video), *video.shape[2:], 3), np.uint8)  # (B, T, H, W, 3)
    for index, each in enumerate(video):
        levels[index] = to_frames(each)
    return levels


def _from_levels(levels: np.ndarray) -> Iterator[Tensor]:
    """A few frames at a time: as numbers they take four times as much."""
    for at in range(0, levels.shape[1], PIECE):
        yield torch.stack([to_tensor(frames) for frames in levels[:, at : at + PIECE]])
