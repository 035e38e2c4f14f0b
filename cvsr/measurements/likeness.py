"""How much objects look like themselves, by the embeddings of a recogniser that was trained on the world."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.data.pixel_sources import PixelSources
from cvsr.data.references import cut_out
from cvsr.data.video import to_frames, to_tensor
from cvsr.models.attribute_reader import FRAMES, AttributeReader

SIDE = PixelSources.reference_size  # of the pictures that are compared: of ID images, as in training
LEAST = 1e-3  # the share of a frame that an object fills where it is recognised: 8×8 of 256×256 pixels


@dataclass(frozen=True)
class Subject:
    """An object of a clip, and what it is known by.

    Attributes:
        seen: bool (T, H, W), where it is in the clip.
        picture: uint8 (SIDE, SIDE, 3), an ID image of it.
        shown: bool (SIDE, SIDE), where it is there.
    """

    seen: np.ndarray
    picture: np.ndarray
    shown: np.ndarray


class Likeness:
    """Compares the objects of clips with those of the true clip and with their ID images.

    Args:
        reader: whose embeddings are compared, by their cosine.
        truth: (1, 3, T, H, W) in [-1, 1].
        subjects: the objects; those too small to be recognised are left out.
    """

    def __init__(self, reader: AttributeReader, truth: Tensor, subjects: Sequence[Subject]):
        self.reader = reader
        self.subjects = [subject for subject in subjects if len(_moments(subject.seen))]
        self.true = self._embed_objects(truth)
        pictures = [self._embed([subject.picture], [subject.shown]) for subject in self.subjects]
        self.pictured = torch.stack(pictures) if pictures else None

    def figures(self, video: Tensor) -> dict[str, float]:
        """The mean likeness of the objects in a video of the truth's shape; none where no object is recognised."""
        if not self.subjects:
            return {}
        found = self._embed_objects(video)
        compared = {"likeness_to_truth": self.true, "likeness_to_reference": self.pictured}
        return {name: float(F.cosine_similarity(found, known).mean()) for name, known in compared.items()}

    def _embed_objects(self, video: Tensor) -> Tensor | None:
        """Mean embeddings (n, c) of the objects over some frames."""
        frames, embeddings = to_frames(video[0]), []
        for subject in self.subjects:
            cuts = [cut_out(frames[index], subject.seen[index], SIDE) for index in _moments(subject.seen)]
            embeddings.append(self._embed(*zip(*cuts, strict=True)))
        return torch.stack(embeddings) if embeddings else None

    @torch.no_grad()
    def _embed(self, pictures: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> Tensor:
        """The mean embedding (c,) of an object over its pictures."""
        shown = to_tensor(np.stack(pictures)).transpose(0, 1).to(self.reader.device)  # (B, 3, SIDE, SIDE)
        return self.reader.embed(shown, torch.from_numpy(np.stack(masks)).to(shown.device)).mean(0)


def _moments(seen: np.ndarray) -> np.ndarray:
    """Numbers of a few frames in which the object (T, H, W) is large enough, evenly spread."""
    large = np.flatnonzero(seen.mean(axis=(1, 2)) >= LEAST)
    return large[np.linspace(0, len(large) - 1, min(FRAMES, len(large))).round().astype(int)]
