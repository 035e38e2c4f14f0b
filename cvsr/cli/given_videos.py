"""The videos that `evaluate` is given: results, what they are judged by, and which belong to which clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from cvsr.cli.memory import check_memory
from cvsr.cli.references import reference_settings
from cvsr.data.files import input_path
from cvsr.data.video import read_video, to_tensor
from cvsr.measurements import videos
from cvsr.measurements.super_resolution import reduced
from cvsr.measurements.videos import Clip, Known, Method

GIVEN = "clips"  # name of the group of clips from files
SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif"}  # of what makes a folder one of clips
BYTES_PER_PIXEL = 300  # of a clip while it is judged: spectra and gradients in float64, of two videos


@dataclass(frozen=True)
class Reader:
    """Reads videos (1, 3, T, H, W) in [-1, 1], no more than `frames` of each."""

    frames: int | None

    def __call__(self, path: Path) -> Tensor:
        """ValueError for what cannot be read or is too large to be judged here."""
        found = read_video(path, max_frames=self.frames).frames
        count, height, width = found.shape[:3]
        what = f"path={path}: {count} frames of {width}x{height}"
        check_memory(BYTES_PER_PIXEL * count * height * width, what, "--frames, or smaller ones")
        return to_tensor(found)[None]


def given_fields(world: int | None, system: list[str], known: Mapping[str, Any]) -> set[str]:
    """Names of what results will be judged by, as `Evidence` has them."""
    there = {
        "truth": known["against"] or world,
        "small": known["input"] or world or system,
        "references": known["reference"],
        "reference_video": known["reference_video"],
        "tile": known["tile"],
        "prompt": known["prompt"] or world,
    }
    return {name for name, value in there.items() if value}


def gather(
    results: list[str], world: int | None, system: list[str], read: Reader, known: dict[str, Any]
) -> tuple[list[Clip], dict[str, Method]]:
    """The clips and, of the results given as files, the methods; ValueError if they do not fit each other."""
    against, small = (known[name] for name in ("against", "input"))
    if not results and not system:
        raise ValueError("results: nothing to judge; allowed videos, folders of them, --system; try `evaluate --help`")
    if world and (results or against or small):
        raise ValueError("world: has clips of its own; allowed with --system alone; try leaving one of them out")
    if world:
        return videos.world(world), {}
    if system and not (against or small):
        raise ValueError(
            "system: nothing to enlarge; allowed with --input, --against or --world; try --input small.mp4"
        )
    found = {_method_name(path, results): _clips(path) for path in results}
    if len(found.keys() | set(system)) < len(results) + len(system):
        raise ValueError("results: two of one name; allowed names that tell them apart; try renaming one of them")
    names = list(next(iter(found.values()))) if found else list(_clips(small or against))
    sets = found | {f"--{name}": _clips(known[name]) for name in ("against", "input") if known[name]}
    for name, files in sets.items():
        if files.keys() != set(names):
            odd = sorted(files.keys() ^ set(names))
            raise ValueError(f"{name}: {', '.join(map(repr, odd))} not in all; allowed the same names in every folder")
    clips = [Clip(name, GIVEN, lambda name=name: _know(name, sets, read, system, known)) for name in names]
    return clips, {name: lambda clip, _, files=files: read(files[clip]) for name, files in found.items()}


def _know(name: str, sets: Mapping[str, Mapping[str, Path]], read: Reader, system: list[str], known: dict) -> Known:
    """What is known of one clip."""
    truth, small = (read(sets[option][name]) if option in sets else None for option in ("--against", "--input"))
    if small is None and system:
        small = reduced(truth)
    pictures = reference_settings(known["reference"], [], 0).get("references", ())
    follows = read(Path(known["reference_video"])) if known["reference_video"] else None
    shared = {"references": tuple(pictures), "reference_video": follows}
    return {"truth": truth, "small": small, **shared, "tile": known["tile"], "prompt": known["prompt"]}


def _clips(path: str) -> dict[str, Path]:
    """Clips by name: the video files of a folder; else the one that the path names, as ""."""
    folder = input_path(path)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {file.stem: file for file in files if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")}
    return found or {"": folder}


def _method_name(path: str, others: list[str]) -> str:
    """The stem of its path, or the whole path where another has the same."""
    stems = [Path(other).stem for other in others]
    return path if stems.count(Path(path).stem) > 1 else Path(path).stem
