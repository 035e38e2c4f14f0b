"""Files that a caller names: inputs that are ordinary files, outputs that appear whole or not at all."""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av

VIDEO_SUFFIXES = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}  # suffix: FFmpeg's muxer
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
_FULL[errno.EFBIG] = "the file has reached the largest size allowed here"
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class VideoError(ValueError):
    """A video cannot be read or written. The message is one line: the name, the problem and the remedy."""


def input_path(path: str | os.PathLike) -> Path:
    """Absolute path of a file with content, or of a folder.

    Raises `VideoError` for addresses (FFmpeg would fetch `http://…` and open `concat:a|b`), missing and
    empty files, and for anything that is neither file nor folder (a device or pipe never ends).
    """
    name = os.fspath(path)
    if not isinstance(name, str) or not name or "\0" in name:
        raise VideoError(f"path={name!r}: not the name of a file; give the name of a video, image or folder")
    found = Path(os.path.abspath(name))  # absolute: FFmpeg never takes it for an address
    try:
        mode = found.stat().st_mode
    except OSError as error:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", name):
            problem = "an address, not a file; download it first and name the local file"
        elif isinstance(error, (FileNotFoundError, NotADirectoryError)):
            problem = f"no such file; check the spelling and the folder ({Path.cwd()})"
        else:
            problem = f"cannot be read ({error.strerror}); check its name and permissions"
        raise VideoError(f"path={name}: {problem}") from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise VideoError(f"path={name}: a device or pipe, not a file; write its content to a file first")
    if stat.S_ISREG(mode) and found.stat().st_size == 0:
        raise VideoError(f"path={name}: the file is empty (0 bytes); copy or download it again")
    return found


def content_hash(path: str | os.PathLike) -> str:
    """The SHA-256 of a file, or of all files of a folder and their names."""
    found, total = input_path(path), hashlib.sha256()
    for file in sorted(found.iterdir()) if found.is_dir() else [found]:
        if file.is_file():
            with file.open("rb") as content:
                total.update(file.name.encode() * found.is_dir() + hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()


def output_kind(path: str | os.PathLike) -> str:
    """'video', 'image' or (the name ends in '/') 'folder': what the name of an output asks for."""
    name = os.fspath(path)
    suffix = Path(name).suffix.lower()
    if name.endswith("/"):
        return "folder"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    if suffix in IMAGE_SUFFIXES:
        return "image"
    known = " ".join([*VIDEO_SUFFIXES, *IMAGE_SUFFIXES])
    raise VideoError(f"output={name!r}: unknown kind of file; end it with {known}, or with / for a folder")


def check_output(path: str | os.PathLike, inputs: Iterable[str | os.PathLike] = ()) -> Path:
    """Absolute, link-free path of an output that can be written; call it before the long work.

    Raises `VideoError` where the name asks for an unknown kind of file, the folder it goes to is missing,
    is a file or refuses writing, a folder stands in a file's place (or the reverse), a folder of frames is
    not empty, or the output would overwrite one of `inputs` (found through links, too).
    """
    target = Path(os.path.realpath(path))
    with write_errors(target):
        _check_place(os.fspath(path), target, list(map(os.fspath, inputs)))
        with _unfinished(target, is_folder=False):  # the surest test of a right to write is to write
            pass
    return target


def _check_place(name: str, target: Path, inputs: list[str]) -> None:
    kind = output_kind(name)
    for source in inputs:
        both_exist = target.exists() and os.path.exists(source)
        same = os.path.realpath(source) == str(target) or (both_exist and os.path.samefile(source, target))
        if same or (kind == "image" and os.path.realpath(source) == str(target.parent)):
            raise VideoError(f"output={name}: would overwrite the input {source}; choose another name")
    if not target.parent.exists():
        raise VideoError(f"output={name}: the folder {target.parent} does not exist; make it first")
    if not target.parent.is_dir():
        raise VideoError(f"output={name}: {target.parent} is a file, not a folder; choose another folder")
    if kind == "folder" and target.exists():
        if not target.is_dir():
            raise VideoError(f"output={name}: a file of this name exists; choose another name")
        if any(target.iterdir()):
            raise VideoError(f"output={name}: the folder is not empty; empty it or choose another name")
    if kind != "folder" and target.is_dir():
        raise VideoError(f"output={name}: is a folder; name a file in it, or end it with / for frames")


@contextmanager
def atomic_output(path: str | os.PathLike) -> Iterator[Path]:
    """A hidden temporary file (or folder, for a name that ends in '/') beside `path`.

    Takes the output's place when the block ends well, and vanishes when it does not, whatever was raised
    (KeyboardInterrupt included): nobody ever sees half an output. An older file of the name is replaced.
    """
    target = check_output(path)
    with _unfinished(target, is_folder=output_kind(path) == "folder") as part:
        yield part
        with write_errors(target):
            for file in [part, *part.iterdir()] if part.is_dir() else [part]:
                flush_to_disk(file)
            os.replace(part, target)
            flush_to_disk(target.parent)


@contextmanager
def write_errors(path: str | os.PathLike) -> Iterator[None]:
    """What the operating system or FFmpeg (with the same numbers) refuses, as a one-line `VideoError`."""
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        if error.errno in _FULL:
            problem = f"{_FULL[error.errno]}; free some space or write elsewhere (nothing half-written was left behind)"
        elif error.errno in _FORBIDDEN:
            problem = "not allowed to write there; choose another folder or change its permissions"
        else:
            problem = f"cannot be written ({error.strerror or error}); choose another place"
        raise VideoError(f"output={os.fspath(path)}: {problem}") from error


@contextmanager
def _unfinished(target: Path, is_folder: bool) -> Iterator[Path]:
    part = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with write_errors(target):
            if is_folder:
                part.mkdir()
            else:  # not tempfile's: those are readable by their owner only, and so would be the output
                os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield part
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
