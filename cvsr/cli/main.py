"""Entry of the command line: dispatch, and what a command ends with.

Exit codes: 0 done, 1 something that was checked is not as it should be, 2 a mistake of the caller (one line on stderr,
no traceback), 130 and 143 interrupted by Ctrl-C or `kill`, nothing half-written left behind.
"""

import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cvsr.cli.arguments import parse
from cvsr.cli.evaluate_arguments import VIDEOS
from cvsr.cli.values import UsageError

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


class Terminated(BaseException):
    """SIGTERM: unlike the signal itself, an exception lets every block clean up after itself."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` is the process's own by default."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["fit"]:  # LightningCLI parses its own arguments
        from cvsr.training.cli import main as fit

        return fit(argv[1:]) or 0
    try:
        with _terminable(), _plain_warnings():
            return _run(**parse(argv))
    except (UsageError, ValueError, OSError, MemoryError) as error:
        return _end(2, f"error: {_one_line(error)}")
    except KeyboardInterrupt:
        return _end(INTERRUPTED, "interrupted")
    except Terminated:
        return _end(TERMINATED, "terminated")


def _run(command: str, **arguments) -> int:
    """Imports come with the command that needs them, so that --help and mistakes answer at once."""
    if command == "upscale":
        from cvsr.cli.upscale import upscale as run
    elif command == "generate":
        from cvsr.cli.generate import generate as run
    elif command == "bench":
        from cvsr.cli.bench import bench as run
    elif command == "evaluate" and arguments["name"] == VIDEOS:
        from cvsr.cli.evaluate_videos import evaluate_videos as run

        del arguments["name"]
    elif command == "evaluate":
        from cvsr.cli.evaluate import evaluate as run
    elif command == "ablate":
        from cvsr.cli.ablate import ablate as run
    elif command == "doctor":
        from cvsr.cli.doctor import doctor as run
    else:
        assert command == "weights", command
        from cvsr.cli.weights import weights as run
    return run(**arguments)


def _end(code: int, message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return code


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _terminable() -> Iterator[None]:
    def terminate(*_):
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Our own warnings in one line each, those of libraries not at all."""

    def show(message, *_, **__):
        sys.stderr.write(f"warning: {message}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", module=r"cvsr\.")
        warnings.showwarning = show
        yield
