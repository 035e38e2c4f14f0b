"""The finished pieces of a long run, on disk, so that a run that was killed goes on where it was.

    with unfinished_run("large.mp4", identity) as ledger:      # in the folder large.mp4.unfinished
        if (kept := ledger.get("00000012")) is None:
            ledger.put("00000012", frames=made)

A piece is a file, there whole or not at all: written beside its place, flushed to the disk and renamed. It is an npz
archive, whose checksums are verified as it is read. What a run is about (its input, settings and weights) is kept
beside the pieces, and another run finds no place there. The folder goes when the run ends well.
"""

import fcntl
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cvsr.data.files import VideoError, flush_to_disk, write_errors

ABOUT, SUFFIX = "run.json", ".unfinished"
Keep = Callable[[Callable[[], Tensor]], Tensor]  # what a call makes, or made before


def make_anew(make: Callable[[], Tensor]) -> Tensor:
    """The `Keep` that keeps nothing."""
    return make()


class Ledger:
    """Pieces by name, each some arrays by name.

    Args:
        folder: where they are; None for a ledger that keeps nothing.
        prefix: of their names.
        about: what is kept beside the pieces, JSON by name.
    """

    def __init__(self, folder: Path | None = None, prefix: str = "", about: dict[str, Any] | None = None):
        self.folder, self.prefix, self.about = folder, prefix, about or {}

    def within(self, prefix: str) -> "Ledger":
        """The pieces of one part of the run."""
        return Ledger(self.folder, f"{self.prefix}{prefix}-")

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        """A piece, or None if it is not there; ValueError if it is damaged."""
        if self.folder is None or not (path := self._path(name)).exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
            problem = f"damaged ({error}); allowed what a run has left; try --restart"
            raise VideoError(f"unfinished={path}: {problem}") from error

    def put(self, name: str, **arrays: np.ndarray) -> None:
        """Keep a piece; VideoError where the disk is full or refuses, and those before stay."""
        if self.folder is not None:
            _write(self._path(name), lambda file: np.savez(file, **arrays))

    def drop(self, start: str) -> None:
        """Forget the pieces whose names start so."""
        if self.folder is not None:
            for path in self.folder.glob(f"{self.prefix}{start}*.npz"):
                path.unlink()

    def in_order(self, name: str) -> Keep:
        """Keeps tensors that are made one after the other, in an order that never changes, by their number."""
        if self.folder is None:
            return make_anew
        numbers = count()

        def keep(make: Callable[[], Tensor]) -> Tensor:
            piece = f"{name}-{next(numbers):05d}"
            if (kept := self.get(piece)) is not None:
                return torch.from_numpy(kept["tensor"])
            made = make()
            self.put(piece, tensor=made.cpu().numpy())
            return made

        return keep

    def note(self, **about: Any) -> None:
        """Keep some JSON beside the pieces."""
        self.about |= about
        if self.folder is not None:
            content = json.dumps(self.about, indent=1).encode()
            _write(self.folder / ABOUT, lambda file: file.write(content))

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{self.prefix}{name}.npz"


def run_folder(output: str | os.PathLike) -> Path:
    """Where the pieces of a run are kept: beside its output."""
    path = Path(os.path.abspath(output))
    return path.with_name(path.name + SUFFIX)


@contextmanager
def unfinished_run(
    output: str | os.PathLike, identity: dict[str, Any], restart: bool = False
) -> Iterator[Ledger]:
    """The ledger of a run, for the length of a block; see above.

    Args:
        output: what the run makes.
        identity: all that its result depends on, as JSON: a run goes on only if nothing of it has changed.
        restart: throw away what another run has left.

    Raises:
        ValueError: a run with another identity was left there, or is under way.
    """
    folder = run_folder(output)
    if restart and folder.exists():
        with _locked(folder):
            shutil.rmtree(folder)
    with write_errors(output):
        folder.mkdir(exist_ok=True)
    with _locked(folder):
        ledger = Ledger(folder, about=_about(folder, identity))
        try:
            ledger.note(identity=identity)
            yield ledger
        except BaseException:
            if any(folder.glob("*.npz")):
                sys.stderr.write(f"kept what is finished in {folder}: the same command goes on from there\n")
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder)


def _about(folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """What is kept about the run that left a folder; ValueError if that is another."""
    for part in folder.glob("*.part"):
        part.unlink()
    if not (folder / ABOUT).exists():  # killed before it began
        return {}
    about = json.loads((folder / ABOUT).read_text())
    before, now = about["identity"], json.loads(json.dumps(identity))
    if changed := [key for key in [*now, *(before.keys() - now.keys())] if before.get(key) != now.get(key)]:
        what = ", ".join(f"{key} {_short(before.get(key))}, now {_short(now.get(key))}" for key in changed)
        raise ValueError(
            f"unfinished={folder}: left by another run ({what}); allowed the same again;"
            " try --restart to throw it away, or another output"
        )
    return about


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two runs at once would write the same pieces; the system unlocks when a process ends, however it does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"unfinished={folder}: another run is at work there; allowed one at a time; try another output"
            ) from None
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, write: Callable[[Any], object]) -> None:
    part, folder = path.with_name(f"{path.name}.part"), path.parent
    with write_errors(folder.with_name(folder.name.removesuffix(SUFFIX))):
        try:
            with part.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
            flush_to_disk(folder)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
