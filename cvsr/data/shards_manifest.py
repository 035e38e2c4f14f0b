"""What is in a folder of shards, and the account of it: inputs = outputs + rejects, each by name.

    settings.json      what the folder is made of; written first
    shard-00000.tar    clips in WebDataset's format: files of one key are one clip
    shard-00000.json   which clips these are, where their files lie in the tar, what was rejected and why;
                       written after the tar, so that it says the shard is done
    manifest.json      settings, inputs, outputs, rejects and hashes of all shards; written last

A clip's files: latents.npy (c, t, h, w), low.npy (v, c, t, h, w) of its v variants (h and w reduced where the settings
say so), subject.npy (1, t, h, w) and text.npy (L, d), all float16; caption.txt; degradations.json, the record of each
variant. Where the settings say so there are whole.npy (v, c, t, h', w'), all of a window of each input in small,
window.npy (v, 4), where that is, in latents, and scale.npy (v,), how many times the input was enlarged, float16, too. A
clip with n references has theirs, changed for each variant:
references.npy (v, n, c, t, h, w), float16, augmentations.json, the records, and, where it is known what of the clip ID
images show, places.npy (v, n, 2, t, h, w), float16 (`cvsr.data.references.places_in`).
"""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class Manifest:
    """The account of a folder.

    Attributes:
        settings: as in settings.json, among them "codec" and "text_encoder" (hashes) and "inputs", the key of every
            clip that was asked for.
        outputs: key and shard of those that are there.
        rejects: key and reason of those that are not; a reason reads "kind: numbers".
        hashes: SHA-256 of each shard's tar.
    """

    settings: dict[str, Any]
    outputs: dict[str, str]
    rejects: dict[str, str]
    hashes: dict[str, str]

    def summary(self) -> str:
        """One line: how many came through, and how many did not for which kind of reason."""
        kinds = Counter(reason.split(":")[0] for reason in self.rejects.values())
        why = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        counts = f"{len(self.settings['inputs'])} inputs = {len(self.outputs)} outputs + {len(self.rejects)} rejects"
        return counts + (f" ({why})" if why else "")


def read_manifest(folder: str | Path, codec: str, text_encoder: str) -> Manifest:
    """The account of a finished folder.

    Args:
        folder: made by `cvsr.data.shards.build_shards`.
        codec: hash of the autoencoder that its latents must be of.
        text_encoder: hash of the model that its text embeddings must be of.

    Raises:
        ValueError: the folder is not finished, has lost a shard, or is of other models.
    """
    folder = Path(folder)
    if not (folder / "settings.json").exists():
        raise ValueError(f"folder={folder}: holds no shards; allowed a folder that was built; try its path")
    settings = json.loads((folder / "settings.json").read_text())
    check_settings(folder, settings, {"codec": codec, "text_encoder": text_encoder})
    if not (folder / "manifest.json").exists():
        names = names_of(settings)
        done = sum(is_done(folder, name) for name in names)
        raise ValueError(
            f"folder={folder}: incomplete, {done} of {len(names)} shards; allowed a finished build; try the same build"
            " again, which goes on where it stopped"
        )
    manifest = Manifest(**json.loads((folder / "manifest.json").read_text()))
    check_account(folder, manifest)
    if lost := [name for name in manifest.hashes if not is_done(folder, name)]:
        raise ValueError(
            f"folder={folder}: incomplete, {', '.join(lost)} missing or cut off; allowed whole shards; try the same"
            " build again, which makes what is missing"
        )
    return manifest


def check_settings(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise ValueError, naming what differs, unless `found` holds all of `wanted`."""
    if differing := [name for name, value in wanted.items() if found.get(name) != value]:
        raise ValueError(
            f"folder={folder}: holds shards of other settings ({', '.join(differing)} differ); allowed those they"
            " were built with; try another folder"
        )


def check_account(folder: Path, manifest: Manifest) -> None:
    """Raise ValueError unless every input is either an output or a reject, and nothing else is."""
    inputs, accounted = manifest.settings["inputs"], [*manifest.outputs, *manifest.rejects]
    if sorted(accounted) != sorted(inputs):
        lost = sorted(set(inputs) ^ set(accounted)) or "some twice"
        raise ValueError(
            f"folder={folder}: inputs are not outputs + rejects: {lost}; allowed each input once; try another build"
        )


def names_of(settings: dict[str, Any]) -> list[str]:
    """The names of all shards that the settings lead to."""
    return [f"shard-{n:05d}" for n in range(-(-len(settings["inputs"]) // settings["clips_per_shard"]))]


def is_done(folder: Path, name: str) -> bool:
    """Whether a shard is there, whole."""
    tar = folder / f"{name}.tar"
    has_both = tar.exists() and (folder / f"{name}.json").exists()
    return has_both and tar.stat().st_size == read_index(folder, name)["bytes"]


def read_index(folder: Path, name: str) -> dict[str, Any]:
    """A shard's "sha256", "bytes", "outputs" {key: {"shape", "files": {name: [offset, bytes]}}}, "rejects"."""
    return json.loads((folder / f"{name}.json").read_text())


def gather(folder: Path) -> Manifest:
    """The account of all shards of a folder, when they are there."""
    settings = json.loads((folder / "settings.json").read_text())
    outputs, rejects, hashes = {}, {}, {}
    for name in names_of(settings):
        index = read_index(folder, name)
        outputs |= dict.fromkeys(index["outputs"], name)
        rejects |= index["rejects"]
        hashes[name] = index["sha256"]
    return Manifest(settings, outputs, rejects, hashes)


def unfinished_beside(path: Path) -> Path:
    """A name for what will be `path` when it is done; no two writers share one, even of the same file."""
    return path.with_name(f"{UNFINISHED}{path.stem}-{uuid4().hex}")


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder."""
    for left in folder.glob(f"{UNFINISHED}*"):
        left.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write a file whole or not at all."""
    unfinished = unfinished_beside(path)
    unfinished.write_text(json.dumps(asdict(content) if isinstance(content, Manifest) else content, indent=1))
    os.replace(unfinished, path)
