"""A clip as shards hold it: encoded, degraded in several ways and encoded again, or rejected for a reason."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from cvsr.data.degradations.model_guided import ModelGuided
from cvsr.data.degradations.pipeline import Description, degrade, to_record
from cvsr.data.encoding import check_frames
from cvsr.data.filtering import Score, measure_quality
from cvsr.data.latents import Encode, latent_frames, shares_of, subject_mask
from cvsr.data.patch_windows import draw_window
from cvsr.data.reference_augmentation import apply_changes
from cvsr.data.references import References, read_references
from cvsr.data.resize import resize
from cvsr.data.shards_settings import ShardSettings
from cvsr.data.video import to_frames, to_tensor

Embed = Callable[[str], Tensor]  # caption to its text embedding (L, d), L ≥ 0 tokens


class Drawing(Protocol):
    """A base model that was told what a clip shows, such as `cvsr.pipelines.redrawing.Redrawing`."""

    def __call__(self, frames: np.ndarray, alpha: float, seed: int) -> np.ndarray:
        """uint8 frames (T, H, W, 3), drawn again."""

    def latents(self, frames: np.ndarray, alpha: float, seed: int) -> Tensor:
        """The same as latents (1, c, t, h, w), which are not decoded."""


Guide = Callable[[str], Drawing]  # tells the base model a caption


@dataclass(frozen=True)
class Models:
    """What is asked about every clip: `guide` where a base model degrades, `musiq` where the filter asks for it."""

    encode: Encode
    embed: Embed
    guide: Guide | None = None
    musiq: Score | None = None


class Rejected(ValueError):
    """A clip that does not go into a shard; the message is the reason, "kind: numbers"."""


def encode_clip(
    key: str, clip: Path, settings: ShardSettings, models: Models
) -> dict[str, np.ndarray | str | list]:
    """A clip's files in a shard, see `cvsr.data.shards_manifest`; raises `Rejected` for one that has none."""
    frames, caption, references = _read_clip(clip)
    if problem := settings.quality.problem(measure_quality(frames, models.musiq)):
        raise Rejected(problem)
    video = to_tensor(frames)[None]  # (1, 3, T, H, W)
    latents = _encode(video, models.encode)
    if any(side % settings.reduction for side in latents.shape[2:]):
        height, width = latents.shape[2:]
        raise Rejected(f"indivisible: {height}×{width} latents by the reduction {settings.reduction}")
    latents, inputs, records = _half("latents", latents), [], []
    mistaken = None if references is None else references.mistaken
    shown = frames if mistaken is None else mistaken
    share = 1.0 if mistaken is None else settings.mistaken_redrawn
    drawing = models.guide(caption) if models.guide and share else None
    for variant in range(settings.variants):
        rng = np.random.default_rng((settings.seed, crc32(key.encode()), variant))
        # from a generator of its own: nothing else that is drawn depends on the share
        redrawn = rng.spawn(1)[0].random() < share
        made, record = _make_input(rng, shown, settings, models.encode, drawing if redrawn else None)
        inputs.append({name: _half(name, values) for name, values in made.items()})
        records.append(record)
    mask = subject_mask(clip.with_suffix(".png"), frames.shape[:3])
    sample = {
        "latents.npy": latents,
        **{f"{name}.npy": np.stack([each[name] for each in inputs]) for name in inputs[0]},  # of all variants
        "subject.npy": _half("subject", shares_of(mask, latents.shape[1:])),
        "text.npy": _half("text", models.embed(caption)),
        "caption.txt": caption,
        "degradations.json": records,
    }
    if references is not None:
        sample |= _encode_references(key, references, len(frames), settings, models.encode)
    return sample


def _encode_references(
    key: str, references: References, frames: int, settings: ShardSettings, encode: Encode
) -> dict[str, np.ndarray | list]:
    """The references of each variant, changed and encoded, for a clip of `frames` frames, and how they were changed."""
    encoded, records, places = [], [], []
    for variant in range(settings.variants):
        rng = np.random.default_rng((settings.seed, crc32(key.encode()), variant, 1))  # no degradation's
        drawn = settings.augmentation.sample(rng, references)
        changed = apply_changes(drawn, references, frames)
        encoded.append([_half("references", _encode(to_tensor(each)[None], encode)) for each in changed])
        records.append([asdict(change) for change in drawn])
        if references.places is not None:
            moved = [change.moved(of_one) for change, of_one in zip(drawn, references.places, strict=True)]
            places.append(np.stack(moved)[:, latent_frames(frames)].swapaxes(1, 2))  # (n, 2, t, h, w)
    more = {"places.npy": np.stack(places).astype(np.float16)} if places else {}
    return {"references.npy": np.array(encoded), "augmentations.json": records} | more  # (v, n, c, t, h, w)


def _make_input(
    rng: np.random.Generator, frames: np.ndarray, settings: ShardSettings, encode: Encode, drawing: Drawing | None
) -> tuple[dict[str, Tensor], Description]:
    """The latents "low" (c, t, h, w), of a size over the reduction, of frames that were degraded, and the record.

    Without a drawing, none is drawn again.

    A network that enlarges latents is given the base model's own; one that sees enlarged frames needs them decoded. One
    that draws patches is given "whole" (c, t, h', w'), all of a "window" (4,) in small, and "scale" (): how much it
    grew.
    """
    drawn = settings.degradations.sample(rng, frames.shape[1:3])
    drawn = [each for each in drawn if drawing is not None or not isinstance(each, ModelGuided)]
    size = [side // settings.reduction for side in frames.shape[1:3]]
    if settings.reduction > 1 and drawn and isinstance(drawn[-1], ModelGuided):
        *before, last = drawn
        small = resize(to_tensor(degrade(before, frames))[None], *size).clamp(-1, 1)
        return {"low": drawing.latents(to_frames(small[0]), last.alpha, last.seed)[0]}, to_record(drawn)
    degraded = to_tensor(degrade(drawn, frames, drawing))[None]
    enlarged = resize(degraded, *size).clamp(-1, 1)
    made = {"low": encode(enlarged)[0]}
    if settings.whole is not None:
        position = size[0] // made["low"].shape[-2]  # pixels of one
        window = draw_window(rng, made["low"].shape[-2:], settings.whole // position)
        top, left, bottom, right = position * window
        small = resize(enlarged[..., top:bottom, left:right], settings.whole, settings.whole).clamp(-1, 1)
        made |= {"whole": encode(small)[0], "window": torch.from_numpy(window)}
        made["scale"] = torch.tensor(size[0] / degraded.shape[-2])
    return made, to_record(drawn)


def _encode(video: Tensor, encode: Encode) -> Tensor:
    """The latents (c, t, h, w) of a clip or a reference (1, 3, T, H, W); rejected where it has none."""
    try:
        return encode(video)[0]
    except ValueError as error:  # such as a size that the autoencoder cannot take
        raise Rejected(f"not encoded: {error}") from None


def _read_clip(clip: Path) -> tuple[np.ndarray, str, References | None]:
    """Frames uint8 (T, H, W, 3), caption and references."""
    try:
        frames, references = np.load(clip), read_references(clip)
        check_frames(frames)
    except (ValueError, EOFError) as error:
        raise Rejected(f"unreadable: {error}") from None
    if not clip.with_suffix(".txt").exists():
        raise Rejected("no caption: its .txt is missing")
    return frames, clip.with_suffix(".txt").read_text(), references


def _half(name: str, values: Tensor) -> np.ndarray:
    """As float16, which training reads; rejected where it cannot hold them."""
    half = values.half().cpu().numpy()
    if not np.isfinite(half).all():
        raise Rejected(f"not finite: {name} in half precision")
    return np.ascontiguousarray(half).reshape(half.shape)  # a single number stays one
