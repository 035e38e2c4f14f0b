"""What the commands that make videos share: the device, the libraries' manners, the closing line."""

import sys

import diffusers
import torch
import transformers


def device() -> torch.device:
    """The GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def quiet_libraries() -> None:
    """No notices and loading bars of libraries between ours."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def report(path: str, count: int, height: int, width: int) -> None:
    """Say what was written: so many frames of a size."""
    sys.stdout.write(f"wrote {path}: {count} frame{'s' * (count > 1)} of {width}x{height}\n")
