"""Subcommands, and the options that several of them have."""

import argparse
from typing import NoReturn

from cvsr.cli.values import UsageError, real, whole
from cvsr.presets import SAMPLING


class Parser(argparse.ArgumentParser):
    """argparse, with its errors raised instead of printed."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"{message}; try `{self.prog} --help`")


def add_command(
    commands, name: str, summary: str, description: str | None = None, epilog: str | None = None
) -> Parser:
    """A subcommand with its help in one line, or in more."""
    return commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_steps(command: Parser, default: int, why: str) -> None:
    """--steps: one number."""
    steps = whole("steps", default, least=1)
    command.add_argument("--steps", type=steps, default=default, help=f"{why} (default {default})")


def add_guidance(command: Parser) -> None:
    """--guidance."""
    command.add_argument(
        "--guidance",
        type=real("guidance", SAMPLING.guidance_scale, least=0),
        default=SAMPLING.guidance_scale,
        help=f"how strictly to follow the prompt; 1 = not enforced (default {SAMPLING.guidance_scale:g})",
    )


def add_seed(command: Parser) -> None:
    """--seed."""
    seed = whole("seed", 0, least=0, most=2**63 - 1)
    command.add_argument("--seed", type=seed, default=0, help="another seed, another result (default 0)")


def add_references(command: Parser, system: str) -> None:
    """--reference and --reference-video, any number of each."""
    command.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="IMAGE",
        help=f"what something in the video looks like; may be given several times ({system})",
    )
    command.add_argument(
        "--reference-video",
        action="append",
        default=[],
        metavar="VIDEO",
        help=f"what the video was before an edit, frame by frame ({system})",
    )


def add_patches(command: Parser, system: str) -> None:
    """--patch and --magnitude."""
    for name, kind, metavar, what in (
        ("patch", whole("patch", 128, least=16), "PIXELS", "height and width of a patch; default: the model's"),
        ("magnitude", real("magnitude", 4, above=0), "FACTOR", "more of it, more detail; default: the scale"),
    ):
        command.add_argument(f"--{name}", type=kind, metavar=metavar, help=f"{what} ({system})")


def add_weights_folder(command: Parser) -> None:
    """--weights."""
    command.add_argument(
        "--weights", metavar="DIR", help="folder of weights (default: CVSR_WEIGHTS or data/weights)"
    )
