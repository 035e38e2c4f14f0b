"""The shipped weights: where they are, what their cards say, whether the files are what the cards say.

A weights folder holds one folder a model in diffusers' format, each with a `card.json`:

    data/weights/autoencoder/        a model
    data/weights/text_to_video/      a pipeline: model_index.json and a folder a part
    data/weights/super_resolution/   a pipeline; parts shared with others stand in its card only

safetensors keep no checksum of their own (a flipped bit loads in silence), so a card carries the SHA-256 of
every file, and loading (cvsr/pipelines/store.py) checks it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

CARD = "card.json"
SHIPPED = Path(__file__).resolve().parent.parent / "data" / "weights"
REPAIR = "try `git checkout` or `git lfs pull` of the folder, or train the weights again"


class WeightsError(ValueError):
    """Weights that are missing, damaged or of another shape."""


@dataclass(frozen=True)
class Card:
    """How a model came to be: all that is needed to train it again and to know what to expect of it."""

    config: str  # the preset or the YAML file
    command: str  # trains it again
    commit: str
    seed: int
    data: str  # what it was trained on
    steps: int
    device: str
    minutes: float  # wall time
    held_out: Mapping[str, float]  # figure -> value, on data it was not trained on
    shared: Mapping[str, str] = field(default_factory=dict)  # part -> its folder, relative to the card's
    files: Mapping[str, str] = field(default_factory=dict)  # file -> SHA-256; filled in by `write_card`


@dataclass(frozen=True)
class Weights:
    """One folder of weights; `problems` is empty if every file is what the card says."""

    folder: Path
    card: Card | None
    problems: list[str]
    size: int  # bytes


def weights_folder(folder: str | Path | None = None) -> Path:
    """The folder given, else the environment's CVSR_WEIGHTS, else the repository's data/weights."""
    return Path(folder or os.environ.get("CVSR_WEIGHTS") or SHIPPED)


def list_weights(folder: str | Path | None = None) -> list[Weights]:
    """Every model under the weights folder, verified; WeightsError if there is none."""
    root = weights_folder(folder)
    if not (folders := _subfolders(root)):
        raise WeightsError(
            f"weights={root}: no weights here; allowed a folder like the repository's data/weights; "
            "try leaving out --weights and CVSR_WEIGHTS"
        )
    return [_describe(path) for path in folders]


def require(name: str, folder: str | Path | None = None) -> Path:
    """The folder of a model, after verifying it and those it shares parts with; WeightsError otherwise."""
    root = weights_folder(folder)
    path = root / name
    if not path.is_dir():
        known = ", ".join(other.name for other in _subfolders(root)) or "none"
        raise WeightsError(
            f"weights={path}: no such folder; allowed a folder with a {CARD}, there is {known}; "
            "try `python -m cvsr weights`"
        )
    for used in [path, *_lenders(path)]:
        if problems := verify(used):
            raise WeightsError(f"weights={used}: {problems[0]}; allowed the files of its {CARD}; {REPAIR}")
    return path


def fingerprint(name: str, folder: str | Path | None = None) -> str:
    """The SHA-256 of the cards of a model and of those it shares parts with: it changes with any of their files."""
    path = weights_folder(folder) / name
    cards = (json.dumps(dict(read_card(used).files), sort_keys=True) for used in [path, *_lenders(path)])
    return hashlib.sha256("".join(cards).encode()).hexdigest()


def verify(folder: str | Path) -> list[str]:
    """What is wrong with a folder of weights, a line each; empty if every file is what the card says.

    Of shared parts it asks only that they are there: they are verified in the folder that holds them.
    """
    folder = Path(folder)
    try:
        card = read_card(folder)
    except WeightsError as error:
        return [str(error)]
    faults = ((name, _fault(folder / name, sha256)) for name, sha256 in card.files.items())
    damaged = [f"{name} {fault}" for name, fault in faults if fault]
    unknown = [f"{name} is not in the card" for name in _files(folder) if name not in card.files]
    lost = [
        f"{path} ({part}) is missing" for part, path in card.shared.items() if not (folder / path).is_dir()
    ]
    return damaged + unknown + lost


def read_card(folder: str | Path) -> Card:
    """The card of a folder; WeightsError if there is none or it is no card."""
    path = Path(folder) / CARD
    try:
        return Card(**json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise WeightsError(f"{CARD} is missing") from error
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{CARD} {_disguise(path) or 'is not a card'}") from error


def write_card(folder: str | Path, card: Card) -> Card:
    """Write the card of a folder of finished weights, with the hash of every file now in it."""
    folder = Path(folder)
    card = replace(card, files={name: _sha256(folder / name) for name in _files(folder)})
    (folder / CARD).write_text(json.dumps(asdict(card), indent=2) + "\n")
    return card


def _describe(folder: Path) -> Weights:
    problems = verify(folder)
    try:
        card = read_card(folder)
    except WeightsError:
        card = None
    return Weights(folder, card, problems, sum((folder / name).stat().st_size for name in _files(folder)))


def _lenders(folder: Path) -> list[Path]:
    """The folders with a card of their own that hold the shared parts of this one."""
    try:
        parts = [(folder / path).resolve() for path in read_card(folder).shared.values()]
    except WeightsError:
        return []  # `verify` reports it
    return list(dict.fromkeys(part if (part / CARD).is_file() else part.parent for part in parts))


def _fault(path: Path, sha256: str) -> str | None:
    if not path.is_file():
        return "is missing"
    return (
        None if _sha256(path) == sha256 else _disguise(path) or "is damaged (its SHA-256 is not the card's)"
    )


def _disguise(path: Path) -> str | None:
    """What often lies under the name of a weights file instead of it."""
    head = path.read_bytes()[:512].lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file itself"
    if head.startswith((b"<!doctype html", b"<html")):
        return "is a web page, not the file itself"
    return "is empty" if path.stat().st_size == 0 else None


def _files(folder: Path) -> list[str]:
    """All files but the card, as POSIX paths; hidden ones (.DS_Store, .gitattributes) do not count."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if path.name != CARD and not path.name.startswith("."))


def _subfolders(root: Path) -> list[Path]:
    """Hidden ones are unfinished exports."""
    found = root.iterdir() if root.is_dir() else []
    return sorted(path for path in found if path.is_dir() and not path.name.startswith("."))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
