"""Exercises of lesson 09: what stages share, how many chunks a video takes, and noise that any run draws alike."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cvsr.notebook.lesson import Hint, answered
from cvsr.pipelines.tiling import Tiling


def open_scales(answer: Callable[[float, Sequence[float | None]], Sequence[float]]) -> None:
    """What is open is left to all stages that leave it open, equally: the root of what remains."""
    for total, known in ((16, [None, None]), (16, [2, None]), (8, [None, 2, None]), (6, [2, 3])):
        result = answered(answer(total, known))
        count = known.count(None)
        left = total / math.prod(scale for scale in known if scale is not None)
        expected = [left ** (1 / count) if scale is None else scale for scale in known]
        if not isinstance(result, list | tuple) or len(result) != len(known):
            raise Hint(f"return a scale for each of {len(known)} stages")
        if all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(result, expected, strict=True)):
            continue
        if any(b is not None and a != b for a, b in zip(result, known, strict=True)):
            raise Hint(f"{known}: a scale that is given stays as it is")
        if math.isclose(sum(result), total):
            raise Hint("scales multiply: twice larger and twice larger again is four times")
        raise Hint(f"{known} for {total}: together they make {math.prod(result):g}")


def chunks_of_scenes(answer: Callable[[Sequence[int], int, int], int]) -> None:
    """Every scene by itself: 1 + ceil((frames - length) / stride), at least 1."""
    videos = ([17], [41], [9, 9, 9], [9, 33, 77])
    for scenes, length, shared in (*((video, 17, 5) for video in videos), ([49, 49], 13, 5)):
        tiling = Tiling(frames=length, frame_overlap=shared)
        expected = sum(map(tiling.chunks, scenes))
        result = answered(answer(scenes, length, shared))
        if result == expected:
            continue
        if result == tiling.chunks(sum(scenes) - len(scenes) + 1) and len(scenes) > 1:
            raise Hint("no chunk goes over a cut: count the chunks of each scene, and add them")
        if result == sum(max(1, math.ceil(frames / length)) for frames in scenes):
            raise Hint(f"neighbours share {shared} frames: a chunk begins {length - shared} after the one before it")
        if min(scenes) < length and result < expected:
            raise Hint("a scene shorter than a chunk takes one chunk, not none")
        raise Hint(f"scenes of {list(scenes)} frames take {expected} chunks of {length} that share {shared}")


def noise_of_a_frame(answer: Callable[[int, int, tuple[int, ...]], Tensor]) -> None:
    """A generator of its own for every (seed, frame)."""
    size = (4, 16, 16)

    def draw(seed: int, frame: int) -> Tensor:
        noise = answered(answer(seed, frame, size))
        if not isinstance(noise, Tensor) or noise.shape != size:
            raise Hint(f"return a tensor of shape {size}")
        return noise

    forward = {frame: draw(1, frame) for frame in range(4)}
    backward = {frame: draw(1, frame) for frame in reversed(range(4))}
    if any(not torch.equal(forward[frame], backward[frame]) for frame in forward):
        raise Hint("frame 2 drawn after frame 3 is another one than before it: give every frame a generator of its own")
    if any(torch.equal(forward[a], forward[b]) for a, b in itertools.combinations(forward, 2)):
        raise Hint("two frames have the same noise: the frame's number has to count, too")
    if torch.equal(forward[0], draw(2, 0)):
        raise Hint("two seeds make the same noise: the seed has to count, too")
    if torch.equal(forward[2], draw(2, 1)) or torch.equal(forward[1], draw(2, 0)):
        raise Hint("frame 1 of seed 1 is frame 0 of seed 2: adding them is not enough; multiply one, or hash both")
    everything = torch.stack(list(forward.values()))
    if abs(everything.mean()) > 0.15 or abs(everything.std() - 1) > 0.1:
        raise Hint("noise is standard normal: torch.randn")
