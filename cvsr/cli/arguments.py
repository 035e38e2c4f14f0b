"""What can be asked on the command line, and how it is said when it makes no sense."""

import argparse
from collections.abc import Sequence
from typing import Any

from cvsr.cli.ablate_arguments import add_ablate
from cvsr.cli.evaluate_arguments import add_evaluate, name_videos
from cvsr.cli.options import (
    Parser,
    add_command,
    add_weights_folder,
)
from cvsr.cli.values import one_of
from cvsr.cli.video_arguments import add_generate, add_upscale

BENCHMARKS = {
    "decode": "the autoencoder's decoder against a matrix product",
    "transformer": "a transformer block against a matrix product",
    "guidance": "both predictions of guidance in one batch against two calls",
    "attention": "attention in windows against a loop over them, padding and full attention",
    "sparse": "sparse local attention against full attention, 77 frames in temporal units against 17",
    "handover": "latents to the second stage directly, against decoding, resizing and encoding them",
    "latents": "a training step on stored latents against encoding on the way",
    "streaming": "decoding piece by piece against diffusers' ways, and its memory by the clip's length",
    "references": "references as tokens, the input by channel, against tokens for both",
    "patches": "a frame joined from overlapping patches, against patches side by side",
    "cascade": "one frame enlarged to 3840×2160 against one to 1920×1080, some minutes",
}
EXAMPLES = """examples:
  python -m cvsr generate "a red ball with white polka dots drifting left on green grass" ball.mp4 --compare
  python -m cvsr upscale holiday.mp4 holiday_large.mp4
  python -m cvsr upscale old.mkv new.mp4 --scale 2.5 --detail 1 --consistency 0 --strength 0.3
  python -m cvsr weights
  python -m cvsr doctor
`python -m cvsr COMMAND --help` explains a command."""


def parse(argv: Sequence[str]) -> dict[str, Any]:
    """The command and its arguments; raises UsageError, or SystemExit after printing help."""
    parser = Parser(
        prog="python -m cvsr",
        description="Cascaded video super-resolution: a small video from a prompt, a large from a small one.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_upscale(commands)
    add_generate(commands)
    commands.add_parser("fit", help="train a model from a YAML file (LightningCLI)", add_help=False)
    _add_bench(commands)
    add_evaluate(commands)
    add_ablate(commands)
    weights = add_command(commands, "weights", "list the weights with their cards and check their files")
    add_weights_folder(weights)
    doctor = add_command(commands, "doctor", "check this installation, with a remedy for each fault")
    doctor.add_argument("--json", metavar="FILE", help="write the findings to a file, too")
    add_weights_folder(doctor)
    return vars(parser.parse_args(name_videos(argv)))


def _add_bench(commands) -> None:
    names = "\n".join(f"  {name:<12} {what}" for name, what in BENCHMARKS.items())
    command = add_command(
        commands, "bench", "measure speed as ratios of two sides in one run", epilog=f"benchmarks:\n{names}"
    )
    command.add_argument(
        "name", metavar="NAME", type=one_of("benchmark", BENCHMARKS), help=", ".join(BENCHMARKS)
    )
    command.add_argument("--json", metavar="FILE", help="write the figures to a file, too")
