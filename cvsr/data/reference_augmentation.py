"""Reference augmentation: what a user refers to is never quite what is in the clip (UniMMVSR section 3.4).

ID images are seen from elsewhere, in another light, on another ground, so that a network learns to look for what they
show instead of copying it from where it is; reference videos begin some frames earlier or later than the clip. Settings
(`ReferenceAugmentation`) draw changes (`PictureChange`, `Shift`), which hold all that their result depends on:

    drawn = augmentation.sample(rng, references)
    augmented = apply_changes(drawn, references, frames=17)
    record = [asdict(change) for change in drawn]                  # JSON

Legend: n references, T frames, S = H = W side of an ID image.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from cvsr.data.grounds import GROUNDS
from cvsr.data.noise import Grid
from cvsr.data.references import NOWHERE, References, inside

MOST_SHIFT = 4  # frames that a reference video holds before and after its clip's: those of one latent frame
_CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
_LARGEST = {
    "strength": 1, "crop": 0.9, "rotation": 180, "perspective": 0.25, "mirror": 1, "brightness": 0.9, "contrast": 0.9,
    "temperature": 0.9, "ground": 1, "shift": MOST_SHIFT,
}  # fmt: skip


@dataclass(frozen=True)
class PictureChange:
    """An ID image, seen anew.

    Attributes:
        corners: which points (x, y) of the image, in sides from its upper left corner, become the new one's corners:
            upper left, upper right, lower right, lower left. Beyond its edges the image is mirrored.
        contrast: factor of the distances from the mean of all colours.
        gains: factors of red, green and blue.
        ground: what is behind the object: None (what was there), "plain", or one of `cvsr.data.grounds`.
        ground_seed: of that ground's colour or pattern.
    """

    corners: tuple[tuple[float, float], ...] = _CORNERS
    contrast: float = 1.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ground: str | None = None
    ground_seed: int = 0

    def apply(self, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """uint8 (S, S, 3) to the same; `mask`, bool (S, S), is where its object is."""
        side = len(picture)
        moved = cv2.getPerspectiveTransform(
            np.float32(self.corners) * side - 0.5, np.float32(_CORNERS) * side - 0.5
        )  # a pixel lies at i where it spans [i, i + 1]
        seen = cv2.warpPerspective(
            picture, moved, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        ).astype(np.float32)
        if self.ground is not None:
            soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
            cover = cv2.warpPerspective(soft, moved, (side, side))[..., None]
            behind = self._paint(side)
            seen = behind + cover * (seen - behind)
        mean = seen.mean()
        lit = (mean + self.contrast * (seen - mean)) * np.float32(self.gains)
        return lit.round().clip(0, 255).astype(np.uint8)

    def moved(self, places: np.ndarray) -> np.ndarray:
        """Where in the new image places (…, 2, h, w) of the old one are (`cvsr.data.references.places_in`)."""
        matrix = cv2.getPerspectiveTransform(np.float32(self.corners), np.float32(_CORNERS))
        points = np.stack([places[..., 0, :, :], places[..., 1, :, :], np.ones_like(places[..., 0, :, :])], -3)
        x, y, depth = np.moveaxis(np.einsum("ij,...jhw->...ihw", matrix, points), -3, 0)
        there = (places != NOWHERE).all(-3, keepdims=True)
        return inside(np.where(there, np.stack([x / depth, y / depth], -3), NOWHERE))

    def _paint(self, side: int) -> np.ndarray:
        """The ground, float32 (S, S, 3) from 0 to 255."""
        rng = np.random.default_rng(self.ground_seed)
        if self.ground == "plain":
            return np.full((side, side, 3), rng.uniform(0, 255, 3), np.float32)
        places = (np.arange(side) + 0.5) / side
        painted = GROUNDS[self.ground].paint(Grid(places, places, 1 / side), rng)
        return 255 * painted.clip(0, 1).astype(np.float32)


@dataclass(frozen=True)
class Shift:
    """A reference video that begins `frames` frames later than its clip, earlier if they are negative."""

    frames: int = 0

    def apply(self, video: np.ndarray, frames: int) -> np.ndarray:
        """`frames` frames of uint8 (T, H, W, 3), from around its middle."""
        spare = len(video) - frames
        start = spare // 2 + self.frames
        if not 0 <= start <= spare:
            raise ValueError(
                f"shift={self.frames}: a video of {len(video)} frames has none there for {frames}; allowed"
                f" -{spare // 2} to {spare - spare // 2}; try a longer video"
            )
        return video[start : start + frames]


@dataclass(frozen=True)
class ReferenceAugmentation:
    """How much references are changed; the paper names the changes and no numbers: these are ours.

    Attributes:
        strength: factor of all that follows; 0 leaves references as they are.
        crop: how much smaller or larger the part of the image that is seen may be, in its sides.
        rotation: largest angle, degrees.
        perspective: how far a corner may move, in sides.
        mirror: how often an image is mirrored. Never by default: letters and prints would be other ones.
        brightness, contrast, temperature: largest change of all colours, of their distances from their mean, and of red
            against blue, as shares.
        ground: how often the object is seen on another ground.
        shift: how many frames earlier or later a video may begin, at most.
    """

    strength: float = 1.0
    crop: float = 0.2
    rotation: float = 20.0
    perspective: float = 0.05
    mirror: float = 0.0
    brightness: float = 0.15
    contrast: float = 0.15
    temperature: float = 0.06
    ground: float = 0.5
    shift: int = MOST_SHIFT

    def __post_init__(self):
        for name, most in _LARGEST.items():
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name}={getattr(self, name)}: no such change; allowed 0 to {most}; try 0")

    def sample(self, rng: Generator, references: References) -> list[PictureChange] | list[Shift]:
        """Draw a change for each reference."""
        if references.masks is None:
            most = round(self.strength * self.shift)
            return [Shift(int(rng.integers(-most, most, endpoint=True))) for _ in references.frames]
        return [self._sample_picture(rng) for _ in references.frames]

    def _sample_picture(self, rng: Generator) -> PictureChange:
        def up_to(most: float, size: tuple[int, ...] = ()) -> Any:
            return self.strength * most * rng.uniform(-1, 1, size)

        def happens(share: float) -> bool:
            return bool(rng.random() < self.strength * share)

        side, angle = 1 + up_to(self.crop), np.radians(up_to(self.rotation))
        middle = 0.5 + abs(1 - side) / 2 * rng.uniform(-1, 1, 2)  # so that one square lies in the other
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        corners = middle + side * (np.array(_CORNERS) - 0.5) @ turn + up_to(self.perspective, (4, 2))
        if happens(self.mirror):
            corners = corners[[1, 0, 3, 2]]
        warmth = up_to(self.temperature)
        gains = (1 + up_to(self.brightness)) * np.array([1 + warmth, 1, 1 - warmth])
        contrast = 1 + up_to(self.contrast)
        ground = rng.choice(["plain", *GROUNDS]) if happens(self.ground) else None
        return PictureChange(
            tuple(map(tuple, corners.tolist())),
            float(contrast),
            tuple(gains.tolist()),
            None if ground is None else str(ground),
            int(rng.integers(2**32)),
        )


def apply_changes(
    drawn: list[PictureChange] | list[Shift], references: References, frames: int
) -> list[np.ndarray]:
    """Each reference, uint8 (T, H, W, 3), changed: a video has `frames` frames then, an ID image one."""
    if references.masks is None:
        return [shift.apply(video, frames) for shift, video in zip(drawn, references.frames, strict=True)]
    pictures = zip(drawn, references.frames[:, 0], references.masks[:, 0], strict=True)
    return [change.apply(picture, mask)[None] for change, picture, mask in pictures]
