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
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from webdataset import TarWriter

from cvsr.data.filtering import Score
from cvsr.data.latents import Encode
from cvsr.data.references import references_file
from cvsr.data.shards_encoding import Embed, Guide, Models, Rejected, encode_clip
from cvsr.data.shards_manifest import (
    Manifest,
    check_account,
    check_settings,
    gather,
    is_done,
    names_of,
    remove_unfinished,
    unfinished_beside,
    write_json,
)
from cvsr.data.shards_settings import ShardSettings


def build_shards(
    folder: str | Path,
    clips: str | Path,
    settings: ShardSettings,
    encode: Encode,
    codec: str,
    embed: Embed,
    text_encoder: str,
    guide: Guide | None = None,
    musiq: Score | None = None,
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
        guide: the base model of model-guided degradation, as a callable, where one of the degradations is that. What it
            draws stays latents (SimpleGVR section 4.2.2), unless the inputs are enlarged, `reduction` 1.
        musiq: what scores clips where the filter asks for it, such as `cvsr.evaluation.judges.Judge("musiq").score`.

    Returns:
        The account of the folder: inputs = outputs + rejects.

    Raises:
        ValueError: the folder holds shards of other settings, clips or models; two clips have one key; there is
            no clip, or none that was not rejected; model-guided degradation without a guide, or a filter by MUSIQ
            without what scores.
    """
    folder, models = Path(folder), Models(encode, embed, guide, musiq)
    check_models(settings, models)
    for name, files in begin_shards(folder, clips, settings, codec, text_encoder).items():
        build_shard(folder, name, files, settings, models)
    return finish_shards(folder)


def check_models(settings: ShardSettings, models: Models) -> None:
    """ValueError if the settings ask for a model that is not there."""
    if models.guide is None and settings.is_guided:
        raise ValueError(
            "guide=None: the degradations need a base model; allowed a callable; try others, without model_guided"
        )
    if models.musiq is None and settings.quality.musiq is not None:
        raise ValueError(
            f"musiq=None: the filter asks for {settings.quality.musiq:g} and more; allowed a callable; try"
            " cvsr.evaluation.judges.Judge('musiq').score"
        )


def begin_shards(
    folder: Path, clips: str | Path, settings: ShardSettings, codec: str, text_encoder: str
) -> dict[str, dict[str, Path]]:
    """The shards that are not there yet, by name, with key and file of their clips; arguments as for `build_shards`."""
    files = _inputs(Path(clips))
    folder.mkdir(parents=True, exist_ok=True)
    plan = _plan(settings, files, codec, text_encoder)
    if (folder / "settings.json").exists():
        check_settings(folder, json.loads((folder / "settings.json").read_text()), plan)
    else:
        write_json(folder / "settings.json", plan)
    keys, size = list(files), settings.clips_per_shard
    return {
        name: {key: files[key] for key in keys[number * size : (number + 1) * size]}
        for number, name in enumerate(names_of(plan))
        if not is_done(folder, name)
    }


def finish_shards(folder: Path) -> Manifest:
    """The account of a folder whose shards are all there, which is written into it."""
    manifest = gather(folder)
    check_account(folder, manifest)
    if not manifest.outputs:
        raise ValueError(f"folder={folder}: {manifest.summary()}; allowed at least one output; try other clips")
    write_json(folder / "manifest.json", manifest)
    remove_unfinished(folder)
    return manifest


def _inputs(clips: Path) -> dict[str, Path]:
    """Key and file of every clip; a dot would end the key in WebDataset."""
    files = sorted(clips.glob("*.npy"))
    keyed = {file.stem.replace(".", "_"): file for file in files}
    if not files or len(keyed) < len(files):
        problem = "two clips have one name but for dots and underlines" if files else "no clips (.npy)"
        raise ValueError(f"clips={clips}: {problem}; allowed what build_pixels makes; try another folder")
    return keyed


def _plan(settings: ShardSettings, files: dict[str, Path], codec: str, text_encoder: str) -> dict[str, Any]:
    """All that the bytes of the shards depend on but the clips' own bytes, as JSON reads it back."""
    described = settings.describe(references=any(references_file(clip).exists() for clip in files.values()))
    rest = {"codec": codec, "text_encoder": text_encoder, "inputs": list(files)}
    return json.loads(json.dumps(described | rest))


@torch.no_grad()
def build_shard(
    folder: Path, name: str, files: dict[str, Path], settings: ShardSettings, models: Models
) -> None:
    """Make one shard and its index; a function of the clips, the settings and the models alone."""
    tar = folder / f"{name}.tar"
    unfinished = unfinished_beside(tar)
    shapes, rejects = {}, {}
    # One time for all files and long names allowed: the bytes depend on nothing but the content.
    with open(unfinished, "wb") as file, TarWriter(file, mtime=0.0, format="PAX_FORMAT") as writer:
        for key, clip in tqdm(files.items(), desc=f"{name} in {folder.name}"):
            try:
                sample = encode_clip(key, clip, settings, models)
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
