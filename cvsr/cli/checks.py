"""What the doctor looks at, a generator a topic. Libraries are imported where they are examined: they may be missing.

A finding is "ok", a "note" (something optional is missing, or could be better) or a "fault" (something needed is).
"""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cvsr.cli.memory import available_memory
from cvsr.cli.systems import SYSTEMS
from cvsr.weights import REPAIR, SHIPPED, WeightsError, list_weights, weights_folder

OK, NOTE, FAULT = "ok", "note", "fault"
OLDEST_PYTHON = (3, 11)
SHOWN = ("torch", "diffusers", "transformers", "pytorch-lightning", "safetensors", "numpy", "av")
ROOT = SHIPPED.parent.parent
WRITTEN = ("outputs", "runs", "data/cache", "data/results")
LEAST_MEMORY, LEAST_DISK = 2 * 2**30, 2**30  # bytes: upscaling to 256 pixels, and its result with room to spare
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "67108864"}


@dataclass(frozen=True)
class Finding:
    """One thing examined: its topic and name, what was found, how that is, and in one line what would help."""

    topic: str
    name: str
    said: str
    state: str = OK
    remedy: str = ""


def versions(_: str | None) -> Iterator[Finding]:
    """Python, and every package that cvsr names, against the versions that it asks for."""
    from packaging.requirements import Requirement

    modern, running = sys.version_info >= OLDEST_PYTHON, platform.python_version()
    remedy = "" if modern else "install Python 3.11 or newer, then `make setup PYTHON=/path/to/it`"
    yield Finding("versions", "python", f"{running}, {platform.platform()}", OK if modern else FAULT, remedy)
    try:
        asked = [Requirement(text) for text in metadata.requires("cvsr") or []]
    except metadata.PackageNotFoundError:
        yield Finding("versions", "cvsr", "not installed", FAULT, "pip install -e . in the repository")
        return
    needed = [each for each in asked if each.marker is None]
    faulty = {each.name: said for each in needed if (said := _unfit(each))}
    for each in needed:
        if each.name in faulty:
            yield Finding("versions", each.name, faulty[each.name], FAULT, f"pip install '{each}'")
        elif each.name in SHOWN:
            yield Finding("versions", each.name, metadata.version(each.name))
    if not faulty:
        yield Finding("versions", "all others", f"{len(needed)} packages as pyproject.toml asks for")
    for extra in ("metrics", "musiq", "flash"):
        for each in asked:
            if each.marker and each.marker.evaluate({"extra": extra}) and (said := _unfit(each)):
                yield Finding("versions", each.name, f"{said}; optional", NOTE, f"pip install -e '.[{extra}]'")


def _unfit(requirement) -> str:
    """What is wrong with the installed version of a package; empty if nothing is."""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return "not installed"
    fits = requirement.specifier.contains(version, prereleases=True)
    return "" if fits else f"{version}, asked for {requirement.specifier}"


def device(_: str | None) -> Iterator[Finding]:
    """Processor threads and GPUs."""
    import torch

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = torch.get_num_threads()
    crowded = threads > allowed
    remedy = f"export OMP_NUM_THREADS={allowed}" if crowded else ""
    yield Finding("device", "cpu", f"{threads} threads on {allowed} cores", NOTE if crowded else OK, remedy)
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(index)
            size, kind = f"{gpu.total_memory / 2**30:.0f} GiB", f"compute {gpu.major}.{gpu.minor}"
            yield Finding("device", f"gpu {index}", f"{gpu.name}, {size}, {kind}, CUDA {torch.version.cuda}")
    elif not _gpu_is_there():
        yield Finding("device", "gpu", "none; everything runs on the CPU")
    elif torch.version.cuda is None:
        said = f"there is one, but torch {torch.__version__} is built for the CPU"
        yield Finding("device", "gpu", said, NOTE, "pip install --force-reinstall torch, without the CPU's index")
    else:
        said = f"there is one, but torch cannot reach it (built for CUDA {torch.version.cuda})"
        yield Finding("device", "gpu", said, NOTE, "compare with the driver's version in `nvidia-smi`, and update it")


def _gpu_is_there() -> bool:
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None


def attention(_: str | None) -> Iterator[Finding]:
    """The back ends of attention in segments, and PyTorch's kernels beneath the one that is always there."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from cvsr.models.attention import BACKENDS, attend

    place = {"device": "cuda", "dtype": torch.bfloat16} if torch.cuda.is_available() else {}
    tokens = torch.randn(5, 1, 64, generator=torch.Generator().manual_seed(0)).to(**place)
    for name in BACKENDS:
        try:
            attend(tokens, tokens, tokens, (2, 3), name)
            yield Finding("attention", name, f"runs on {tokens.device.type}, {str(tokens.dtype)[6:]}")
        except (ValueError, RuntimeError, ImportError) as error:
            hindrance = " ".join(str(error).split()).removeprefix(f"backend={name!r}: ").split("; try")[0]
            if name == "sdpa":
                yield Finding("attention", name, hindrance, FAULT, "install torch again: `make setup`")
            else:
                yield Finding("attention", name, hindrance, NOTE, "none needed: sdpa is exact everywhere")
    heads, kernels = tokens.transpose(0, 1)[None], []  # (1, 1, 5, 64)
    for kernel in ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH"):
        with suppress(RuntimeError, AttributeError), sdpa_kernel(getattr(SDPBackend, kernel)):
            torch.nn.functional.scaled_dot_product_attention(heads, heads, heads)
            kernels.append(kernel.removesuffix("_ATTENTION").lower())
    yield Finding("attention", "kernels of sdpa", ", ".join(kernels))


def weights(folder: str | None) -> Iterator[Finding]:
    """Every model's files against the hashes on its card, and whether each system has its model."""
    root = weights_folder(folder)
    try:
        found = list_weights(folder)
    except WeightsError as error:
        yield Finding("weights", str(root), str(error).split(": ", 1)[-1], FAULT, REPAIR)
        return
    for entry in found:
        if entry.problems:
            yield Finding("weights", entry.folder.name, "; ".join(entry.problems), FAULT, REPAIR)
        else:
            yield Finding("weights", entry.folder.name, f"{entry.size / 1e6:.1f} MB, files as on the card")
    for system, name in SYSTEMS.items():
        if not (root / name).is_dir():
            remedy = f"train them, or leave out --system {system}"
            yield Finding("weights", name, f"not in {root}", FAULT if system == "base" else NOTE, remedy)


def codecs(_: str | None) -> Iterator[Finding]:
    """What FFmpeg, as it comes with PyAV, can read and write."""
    import av

    from cvsr.data.degradations.compression import CODECS
    from cvsr.data.ffmpeg import AUDIO_CODECS, VIDEO_CODECS

    again = "pip install --force-reinstall --only-binary av av"
    x264 = _has_codec("libx264", "w")
    library = ".".join(map(str, av.library_versions["libavcodec"]))
    yield Finding("codecs", "PyAV", f"{av.__version__}, libavcodec {library}")
    said = "writes H.264" if x264 else "missing: no video can be written"
    yield Finding("codecs", "libx264", said, OK if x264 else FAULT, "" if x264 else again)
    others = [codec.encoder for codec in CODECS.values() if not _has_codec(codec.encoder, "w")]
    said = f"without {', '.join(others)}" if others else "all there"
    yield Finding("codecs", "encoders of damage", said, NOTE if others else OK, again if others else "")
    missing = sorted(name for name in VIDEO_CODECS | AUDIO_CODECS if not _has_codec(name, "r"))
    needed = "h264" in missing
    said = f"without {', '.join(missing)}" if missing else "all that videos and their sound may have"
    yield Finding("codecs", "decoders", said, FAULT if needed else NOTE if missing else OK, again if missing else "")


def _has_codec(name: str, mode: str) -> bool:
    from av.codec import Codec
    from av.error import FFmpegError

    try:
        Codec(name, mode)
    except (FFmpegError, ValueError):
        return False
    return True


def memory(_: str | None) -> Iterator[Finding]:
    """Memory that can be taken within the control group, and how the allocator keeps it."""
    free = available_memory()
    if free is None:
        yield Finding("memory", "free", "unknown on this system", NOTE, "watch it while the first video is made")
    else:
        enough = free >= LEAST_MEMORY
        remedy = "" if enough else "end other programs, or raise the container's limit"
        yield Finding("memory", "free", f"{free / 2**30:.1f} GiB", OK if enough else FAULT, remedy)
    if platform.libc_ver()[0] != "glibc":
        yield Finding("memory", "allocator", "not glibc's; nothing to set")
    elif unset := [name for name in ALLOCATOR if name not in os.environ]:
        said = f"{', '.join(unset)} unset: slow in lessons and scripts of your own (commands set it themselves)"
        values = " ".join(f"{name}={value}" for name, value in ALLOCATOR.items())
        remedy = f"start with make (make lab, make test), or export {values}"
        yield Finding("memory", "allocator", said, NOTE, remedy)
    else:
        yield Finding("memory", "allocator", "glibc keeps freed memory")


def disk(_: str | None) -> Iterator[Finding]:
    """Room on the disk, and whether the folders that results go to take files."""
    free = shutil.disk_usage(ROOT).free
    enough = free >= LEAST_DISK
    remedy = "" if enough else "make room, for example `make clean`, or delete data/cache (it is made again)"
    yield Finding("disk", "free", f"{free / 2**30:.1f} GiB", OK if enough else FAULT, remedy)
    written = {name: ROOT / name for name in WRITTEN}
    written |= {"current folder": Path.cwd(), "temporary files": Path(tempfile.gettempdir())}
    for name, folder in written.items():
        place = next(path for path in (folder, *folder.parents) if path.exists())
        said = _refusal(place)
        remedy = f"chmod u+w {place}, or work in a folder of yours" if said else ""
        yield Finding("disk", name, said or "takes files", FAULT if said else OK, remedy)


def _refusal(folder: Path) -> str:
    """Why no file can be written there; the surest test is to write one."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"cvsr")
    except OSError as error:
        return f"refuses files ({error.strerror})"
    return ""


CHECKS: Mapping[str, Callable[[str | None], Iterator[Finding]]] = {
    "versions": versions,
    "device": device,
    "attention": attention,
    "weights": weights,
    "codecs": codecs,
    "memory": memory,
    "disk": disk,
}
