"""A clip as shards hold it: encoded, degraded in several ways and encoded again, or rejected for a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from torch import Tensor

from cvsr.data.degradations.model_guided import ModelGuided
from cvsr.data.degradations.pipeline import Degradation, degrade, to_record
from cvsr.data.encoding import check_frames
from cvsr.data.filtering import Score, measure_quality
from cvsr.data.latents import Encode, shares_of, subject_mask
from cvsr.data.resize import resize
from cvsr.data.shards_settings import ShardSettings
from cvsr.data.video import to_frames, to_tensor

Embed = Callable[[str], Tensor]  # caption to its text embedding (L, d), L ≥ 0 tokens
# caption, uint8 frames (T, H, W, 3), alpha and seed to the latents (1, c, t, h, w) of the frames drawn again
Guide = Callable[[str, np.ndarray, float, int], Tensor]


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
    frames, caption = _read_clip(clip)
    if problem := settings.quality.problem(measure_quality(frames, models.musiq)):
        raise Rejected(problem)
    video = to_tensor(frames)[None]  # (1, 3, T, H, W)
    try:
        latents = models.encode(video)[0]
    except ValueError as error:  # such as a size that the autoencoder cannot take
        raise Rejected(f"not encoded: {error}") from None
    if any(side % settings.reduction for side in latents.shape[2:]):
        height, width = latents.shape[2:]
        raise Rejected(f"indivisible: {height}×{width} latents by the reduction {settings.reduction}")
    latents, low, records = _half("latents", latents), [], []
    size = [side // settings.reduction for side in frames.shape[1:3]]
    for variant in range(settings.variants):
        rng = np.random.default_rng((settings.seed, crc32(key.encode()), variant))
        drawn = settings.degradations.sample(rng, frames.shape[1:3])
        low.append(_half("low", _degraded(drawn, frames, caption, size, models)[0]))
        records.append(to_record(drawn))
    mask = subject_mask(clip.with_suffix(".png"), frames.shape[:3])
    return {
        "latents.npy": latents,
        "low.npy": np.stack(low),  # (v, c, t, h / reduction, w / reduction)
        "subject.npy": _half("subject", shares_of(mask, latents.shape[1:])),
        "text.npy": _half("text", models.embed(caption)),
        "caption.txt": caption,
        "degradations.json": records,
    }


def _degraded(
    drawn: list[Degradation], frames: np.ndarray, caption: str, size: list[int], models: Models
) -> Tensor:
    """The latents (1, c, t, h, w), at height and width `size` in pixels, of frames that were degraded."""
    guided = drawn[-1] if drawn and isinstance(drawn[-1], ModelGuided) else None
    degraded = degrade(drawn[:-1] if guided else drawn, frames)
    degraded = resize(to_tensor(degraded)[None], *size).clamp(-1, 1)  # (1, 3, T, H', W')
    if guided is None:
        return models.encode(degraded)
    assert models.guide is not None
    return models.guide(caption, to_frames(degraded[0]), guided.alpha, guided.seed)


def _read_clip(clip: Path) -> tuple[np.ndarray, str]:
    """Frames uint8 (T, H, W, 3) and caption."""
    try:
        frames = np.load(clip)
        check_frames(frames)
    except (ValueError, EOFError) as error:
        raise Rejected(f"unreadable: {error}") from None
    if not clip.with_suffix(".txt").exists():
        raise Rejected("no caption: its .txt is missing")
    return frames, clip.with_suffix(".txt").read_text()


def _half(name: str, values: Tensor) -> np.ndarray:
    """As float16, which training reads; rejected where it cannot hold them."""
    half = values.half().cpu().numpy()
    if not np.isfinite(half).all():
        raise Rejected(f"not finite: {name} in half precision")
    return np.ascontiguousarray(half)
