"""What training clips are made of: the world, its three tasks, photographs, and cuts out of videos.

Legend: T frames, H rows, W columns.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from cvsr.data.clips import ClipReader, check_clip
from cvsr.data.photographs import render_pan, sample_pan
from cvsr.data.reference_augmentation import MOST_SHIFT
from cvsr.data.references import OVERSIZE, References, cut_out, places_in, square_around
from cvsr.data.scenes import sample_scene
from cvsr.data.stream import random_of
from cvsr.data.tasks import editing, identity_references
from cvsr.data.world import render


@dataclass(frozen=True)
class PixelSources:
    """What a folder of clips is made of; clips have `frames` frames of size × size pixels.

    Attributes:
        world: scenes of the procedural world.
        photographs: camera moves over photographs.
        videos: video files; each gives `cuts` clips at random times, places and scales (reduced, never enlarged).
        split, seed: which scenes; the splits are disjoint.
        identities: scenes with pictures of their objects, of `reference_size` pixels a side.
        edits: scenes in which something was changed, with the video of what they were before.
        stills: one frame of a scene with a picture of its main object: many objects for the price of a few clips.
        repaints: stills of which colours alone are mistaken, never prints.
    """

    world: int = 0
    photographs: int = 0
    videos: tuple[str, ...] = ()
    cuts: int = 0
    frames: int = 17
    size: int = 256
    split: str = "train"
    seed: int = 0
    identities: int = 0
    edits: int = 0
    reference_size: int = 128
    stills: int = 0
    repaints: int = 0

    def describe(self) -> dict[str, Any]:
        """All that the clips depend on, as plain values; what references are like only where there are some."""
        described = asdict(self)
        if not (self.identities or self.edits or self.stills or self.repaints):
            del described["identities"], described["edits"], described["reference_size"]
        for name in ("stills", "repaints"):
            if not described[name]:
                del described[name]
        return described


class Clip(NamedTuple):
    """Frames uint8 (T, H, W, 3), caption, where its subject is, bool (T, H, W), and references, where there are any.

    The subject is the main object, all that references show, or what was edited.
    """

    frames: np.ndarray
    caption: str = ""
    subject: np.ndarray | None = None
    references: References | None = None


def clips_of(sources: PixelSources) -> Iterator[tuple[str, Callable[[], Clip]]]:
    """The name of every clip and the function that makes it."""
    first = sources.seed
    for index in range(sources.world):
        yield f"world-{index:05d}", partial(_scene, first + index, sources)
    for index in range(sources.photographs):
        yield f"photograph-{index:05d}", partial(_pan, first + index, sources)
    for path in sources.videos:
        for index in range(sources.cuts):
            yield f"{Path(path).stem}-{index:05d}", partial(_cut, path, first + index, sources)
    first += sources.world
    with_references = (
        ("identity", sources.identities, _identity),
        ("edit", sources.edits, _edit),
        ("still", sources.stills, _still),
        ("repaint", sources.repaints, partial(_still, mistaken="colours")),
    )
    for name, count, make in with_references:
        for index in range(count):
            yield f"{name}-{index:05d}", partial(make, first + index, sources)
        first += count  # each has scenes of its own


def _scene(seed: int, sources: PixelSources) -> Clip:
    drawn = render(sample_scene(seed, sources.split), sources.frames, sources.size, sources.size)
    return Clip(drawn.frames, drawn.caption, drawn.masks[0])


def _pan(seed: int, sources: PixelSources) -> Clip:
    pan = sample_pan(seed, sources.split)
    return Clip(render_pan(pan, sources.frames, sources.size, sources.size), pan.caption)


def _identity(seed: int, sources: PixelSources, max_references: int = 3, mistaken: str | None = None) -> Clip:
    size, side = (sources.size, sources.size), sources.reference_size
    drawn = identity_references(
        seed, sources.split, sources.frames, *size, max_references, OVERSIZE * side, mistaken
    )
    shown = zip(drawn.references, drawn.reference_masks, strict=True)
    pictures, masks = zip(*(cut_out(picture, mask, side) for picture, mask in shown), strict=True)
    windows = map(square_around, drawn.reference_masks)
    places = np.stack([places_in(*one) for one in zip(windows, drawn.maps, drawn.masks, strict=True)])
    references = References(np.stack(pictures)[:, None], np.stack(masks)[:, None], drawn.mistaken, places)
    return Clip(drawn.video, drawn.caption, drawn.masks.any(0), references)


def _still(seed: int, sources: PixelSources, mistaken: str | None = None) -> Clip:
    return _identity(seed, replace(sources, frames=1), max_references=1, mistaken=mistaken)


def _edit(seed: int, sources: PixelSources) -> Clip:
    """A clip and its source, which begins earlier and ends later: training shifts it in time."""
    frames = sources.frames + 2 * MOST_SHIFT
    drawn = editing(seed, sources.split, frames, sources.size, sources.size)
    shown = slice(MOST_SHIFT, frames - MOST_SHIFT)
    return Clip(drawn.video[shown], drawn.caption, drawn.mask[shown], References(drawn.source[None]))


def _cut(path: str, seed: int, sources: PixelSources) -> Clip:
    """A square from a random place of the video, reduced by area from a random scale."""
    rng, size = random_of(seed, 0), sources.size
    with ClipReader(path) as clip:
        start = int(rng.integers(len(clip) - sources.frames + 1))
        frames = clip.get(range(start, start + sources.frames))
    side = int(
        size * (min(frames.shape[1:3]) / size) ** rng.random()
    )  # log-uniform, so that each scale counts alike
    top, left = (int(rng.integers(n - side + 1)) for n in frames.shape[1:3])
    square = frames[:, top : top + side, left : left + side]
    return Clip(np.stack([cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA) for frame in square]))


def check_video(path: str, sources: PixelSources) -> None:
    """Raise ValueError for a video file that is shorter or smaller than a clip."""
    info = check_clip(path)
    if info.frames < sources.frames or min(info.height, info.width) < sources.size:
        raise ValueError(
            f"videos={path}: {info.frames} frames of {info.width}x{info.height}; allowed at least {sources.frames}"
            f" frames of {sources.size}x{sources.size}; try smaller clips or leave it out"
        )
