"""Building shards of latents and text embeddings: everything a super-resolution model trains on, computed once.

SeedVR (section 3.3) encodes both sides of its training pairs and the prompts beforehand, and trains four times
faster; several degradations a clip keep the variety. The files are WebDataset's, so that any of its readers
takes them; see `cvsr.data.shards_manifest` for what is in a folder and `cvsr.data.shards_reading` for training.

Every shard is a function of the settings and of its clips alone (if the models repeat themselves), and appears
whole: a build that was killed goes on with the next shard and ends with the same bytes as one that was not.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from webdataset import TarWriter

from cvsr.data.degradations.model_guided import ModelGuided, RandomModelGuided
from cvsr.data.degradations.pipeline import Degradation, Pipeline, degrade, to_record
from cvsr.data.encoding import check_frames
from cvsr.data.filtering import QualityFilter, measure_quality
from cvsr.data.latents import Encode, shares_of, subject_mask
from cvsr.data.resize import resize
from cvsr.data.shards_manifest import (
    Manifest,
    check_account,
    check_settings,
    gather,
    is_done,
    names_of,
    write_json,
)
from cvsr.data.video import to_frames, to_tensor

Embed = Callable[[str], Tensor]  # caption to its text embedding (L, d), L ≥ 0 tokens
# caption, uint8 frames (T, H, W, 3), alpha and seed to the latents (1, c, t, h, w) of the frames drawn again
Guide = Callable[[str, np.ndarray, float, int], Tensor]


@dataclass(frozen=True)
class ShardSettings:
    """What shards are made of, apart from the clips and the models.

    Attributes:
        degradations: what makes a low-quality input of a clip.
        variants: how many differently degraded inputs a clip has.
        reduction: inputs are resized to the clip's size over this and encoded: 1 for networks that see the enlarged
            input, as SeedVR, 4 for those that enlarge its latents, as SimpleGVR.
        quality: clips that do not pass it are rejected.
        clips_per_shard: those that are rejected count; a build that is killed loses at most one shard's work.
        seed: of the degradations.
    """

    degradations: Pipeline
    variants: int = 4
    reduction: int = 1
    quality: QualityFilter = field(default_factory=QualityFilter)
    clips_per_shard: int = 16
    seed: int = 0

    def __post_init__(self):
        for name in ("variants", "reduction", "clips_per_shard"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: too few; allowed 1 or more; try 4")

    @property
    def is_guided(self) -> bool:
        """Whether a base model takes part in the degradations."""
        return any(isinstance(step.degradation, RandomModelGuided) for step in self.degradations.steps)


@torch.no_grad()
def build_shards(
    folder: str | Path,
    clips: str | Path,
    settings: ShardSettings,
    encode: Encode,
    codec: str,
    embed: Embed,
    text_encoder: str,
    guide: Guide | None = None,
) -> Manifest:
    """Make the shards that are not there yet.

    Args:
        folder: where the shards go.
        clips: made by `cvsr.data.pixels.build_pixels`.
        settings: of degradations, filter and shards.
        encode: the autoencoder, as a callable.
        codec: what tells it from others, such as a hash.
        embed: the text encoder, as a callable.
        text_encoder: what tells it from others, such as a hash.
        guide: the base model of model-guided degradation, as a callable, where the last step of the degradations is
            that. What it draws stays latents (SimpleGVR section 4.2.2).

    Returns:
        The account of the folder: inputs = outputs + rejects.

    Raises:
        ValueError: the folder holds shards of other settings, clips or models; two clips have one key; there is
            no clip, or none that was not rejected; model-guided degradation without a guide.
    """
    if guide is None and settings.is_guided:
        raise ValueError(
            "guide=None: the degradations end with a base model's; allowed a callable; try others, without model_guided"
        )
    folder, files = Path(folder), _inputs(Path(clips))
    folder.mkdir(parents=True, exist_ok=True)
    plan = _plan(settings, list(files), codec, text_encoder)
    if (folder / "settings.json").exists():
        check_settings(folder, json.loads((folder / "settings.json").read_text()), plan)
    else:
        write_json(folder / "settings.json", plan)
    keys, size = list(files), settings.clips_per_shard
    for number, name in enumerate(names_of(plan)):
        if not is_done(folder, name):
            part = {key: files[key] for key in keys[number * size : (number + 1) * size]}
            _build_shard(folder, name, part, settings, encode, embed, guide)
    manifest = gather(folder)
    check_account(folder, manifest)
    if not manifest.outputs:
        raise ValueError(f"clips={clips}: {manifest.summary()}; allowed at least one output; try other clips")
    write_json(folder / "manifest.json", manifest)
    return manifest


class Rejected(ValueError):
    """A clip that does not go into a shard; the message is the reason, "kind: numbers"."""


def _inputs(clips: Path) -> dict[str, Path]:
    """Key and file of every clip; a dot would end the key in WebDataset."""
    files = sorted(clips.glob("*.npy"))
    keyed = {file.stem.replace(".", "_"): file for file in files}
    if not files or len(keyed) < len(files):
        problem = "two clips have one name but for dots and underlines" if files else "no clips (.npy)"
        raise ValueError(f"clips={clips}: {problem}; allowed what build_pixels makes; try another folder")
    return keyed


def _plan(settings: ShardSettings, inputs: list[str], codec: str, text_encoder: str) -> dict[str, Any]:
    """All that the bytes of the shards depend on but the clips' own bytes, as JSON reads it back."""
    plain = asdict(settings) | {"degradations": settings.degradations.describe()}
    return json.loads(json.dumps(plain | {"codec": codec, "text_encoder": text_encoder, "inputs": inputs}))


def _build_shard(
    folder: Path,
    name: str,
    files: dict[str, Path],
    settings: ShardSettings,
    encode: Encode,
    embed: Embed,
    guide: Guide | None,
) -> None:
    unfinished, tar = folder / "unfinished", folder / f"{name}.tar"
    shapes, rejects = {}, {}
    # One time for all files and long names allowed: the bytes depend on nothing but the content.
    with open(unfinished, "wb") as file, TarWriter(file, mtime=0.0, format="PAX_FORMAT") as writer:
        for key, clip in tqdm(files.items(), desc=f"{name} in {folder.name}"):
            try:
                sample = _encode_clip(key, clip, settings, encode, embed, guide)
            except Rejected as reason:
                rejects[key] = str(reason)
                continue
            writer.write({"__key__": key, **sample})
            shapes[key] = sample["latents.npy"].shape
    places: dict[str, dict[str, list[int]]] = {key: {} for key in shapes}
    with tarfile.open(unfinished) as members:
        for member in members:
            key, kind = member.name.split(".", 1)
            places[key][kind] = [member.offset_data, member.size]
    with open(unfinished, "rb") as file:
        index = {
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            "bytes": unfinished.stat().st_size,
        }
    index["outputs"] = {key: {"shape": shapes[key], "files": places[key]} for key in shapes}
    os.replace(unfinished, tar)
    write_json(folder / f"{name}.json", index | {"rejects": rejects})


def _encode_clip(
    key: str, clip: Path, settings: ShardSettings, encode: Encode, embed: Embed, guide: Guide | None
) -> dict[str, np.ndarray | str | list]:
    """A clip's files in a shard."""
    frames, caption = _read_clip(clip)
    if problem := settings.quality.problem(measure_quality(frames)):
        raise Rejected(problem)
    video = to_tensor(frames)[None]  # (1, 3, T, H, W)
    try:
        latents = encode(video)[0]
    except ValueError as error:  # such as a size that the autoencoder cannot take
        raise Rejected(f"not encoded: {error}") from None
    latents, low, records = _half("latents", latents), [], []
    size = [side // settings.reduction for side in frames.shape[1:3]]
    for variant in range(settings.variants):
        rng = np.random.default_rng((settings.seed, crc32(key.encode()), variant))
        drawn = settings.degradations.sample(rng, frames.shape[1:3])
        low.append(_half("low", _degraded(drawn, frames, caption, size, encode, guide)[0]))
        records.append(to_record(drawn))
    mask = subject_mask(clip.with_suffix(".png"), frames.shape[:3])
    return {
        "latents.npy": latents,
        "low.npy": np.stack(low),  # (v, c, t, h / reduction, w / reduction)
        "subject.npy": _half("subject", shares_of(mask, latents.shape[1:])),
        "text.npy": _half("text", embed(caption)),
        "caption.txt": caption,
        "degradations.json": records,
    }


def _degraded(
    drawn: list[Degradation], frames: np.ndarray, caption: str, size: list[int], encode: Encode, guide: Guide | None
) -> Tensor:
    """The latents (1, c, t, h, w), at height and width `size` in pixels, of frames that were degraded."""
    guided = drawn[-1] if drawn and isinstance(drawn[-1], ModelGuided) else None
    degraded = degrade(drawn[:-1] if guided else drawn, frames)
    degraded = resize(to_tensor(degraded)[None], *size).clamp(-1, 1)  # (1, 3, T, H', W')
    if guided is None:
        return encode(degraded)
    assert guide is not None
    return guide(caption, to_frames(degraded[0]), guided.alpha, guided.seed)


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
