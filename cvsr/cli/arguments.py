"""What can be asked on the command line, and how it is said when it makes no sense."""

import argparse
from collections.abc import Sequence
from typing import Any

from cvsr.cli.evaluate_arguments import add_evaluate
from cvsr.cli.options import (
    Parser,
    add_command,
    add_guidance,
    add_patches,
    add_references,
    add_seed,
    add_steps,
    add_weights_folder,
)
from cvsr.cli.systems import SYSTEMS
from cvsr.cli.values import one_of, real, whole
from cvsr.presets import PATCHVSR_SAMPLING, SAMPLING, SEEDVR_SAMPLING, SIMPLEGVR_SAMPLING, UNIMMVSR_SAMPLING

COLOUR_CORRECTIONS = {
    "none": "leave them as they are drawn",
    "wavelet": "take low frequencies from the input, place by place",
    "adain": "take mean and contrast from the input, frame by frame",
}
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
}
EXAMPLES = """examples:
  python -m cvsr generate "a red ball with white polka dots drifting left on green grass" ball.mp4 --compare
  python -m cvsr upscale holiday.mp4 holiday_large.mp4
  python -m cvsr upscale old.mkv new.mp4 --scale 2.5 --detail 1 --consistency 0 --strength 0.3
  python -m cvsr weights
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
    _add_upscale(commands)
    _add_generate(commands)
    commands.add_parser("fit", help="train a model from a YAML file (LightningCLI)", add_help=False)
    _add_bench(commands)
    add_evaluate(commands)
    weights = add_command(commands, "weights", "list the weights with their cards and check their files")
    add_weights_folder(weights)
    return vars(parser.parse_args(argv))


def _add_upscale(commands) -> None:
    command = add_command(
        commands,
        "upscale",
        "make a video larger",
        "Makes a video larger and draws the detail it is too small to show; frame rate and sound are kept.",
        "examples:\n"
        "  python -m cvsr upscale small.mp4 large.mp4\n"
        "  python -m cvsr upscale frames/ large.mp4 --scale 2 --compare\n"
        "  python -m cvsr upscale photo.png large.png\n"
        "  python -m cvsr upscale portrait.mp4 large.mp4 --reference face.png --reference hat.png\n"
        "  python -m cvsr upscale small.mp4 huge.mp4 --scale 8 --system patchvsr --memory 2\n"
        "  python -m cvsr upscale noisy.mp4 clean.mp4 --detail 1 --consistency 0 --strength 0.3 --seed 7",
    )
    command.add_argument("input", metavar="IN", help="a video, an image, or a folder of frames")
    _add_output(command)
    command.add_argument(
        "--scale",
        type=real("scale", 4, above=0),
        default=4.0,
        help="times larger, also 2.5 or 0.5 (default 4)",
    )
    command.add_argument("--prompt", default="", help="what the video shows (default: not said)")
    command.add_argument(
        "--frames", type=whole("frames", 17, least=1), help="only the first so many frames (default: all)"
    )
    command.add_argument(
        "--steps",
        type=whole("steps", SAMPLING.steps, least=1),
        help=f"more steps draw more detail ({_default('steps')})",
    )
    _add_strength(command, "the input; more for damaged inputs")
    _add_detail(command)
    _add_consistency(command, "0 for noisy or heavily compressed inputs")
    kinds = "; ".join(f"{name}: {what}" for name, what in COLOUR_CORRECTIONS.items())
    command.add_argument(
        "--colour-correction",
        type=one_of("colour-correction", COLOUR_CORRECTIONS),
        default="none",
        metavar="KIND",
        help=f"colours after decoding, for results with a cast (default none; {kinds})",
    )
    command.add_argument("--salvage", action="store_true", help="of a damaged file, take what can be read")
    _add_common(command)


def _add_generate(commands) -> None:
    command = add_command(
        commands,
        "generate",
        "make a video from a prompt",
        "Makes a small video from a prompt, then a large one from the small one.",
        'examples:\n  python -m cvsr generate "a blue cube turning over a brick wall" cube.mp4 --seed 3\n'
        '  python -m cvsr generate "" surprise.mp4 --frames 33 --compare',
    )
    command.add_argument("prompt", metavar="PROMPT", help='what to show; "" leaves it to the model')
    _add_output(command)
    add_steps(command, SAMPLING.base_steps, "of the small video: more steps are slower and cleaner")
    command.add_argument(
        "--frames", type=whole("frames", 17, least=1), default=17, help="length of the video (default 17)"
    )
    add_guidance(command)
    _add_strength(command, "the small video; more to repair what is broken in it")
    _add_detail(command)
    _add_consistency(command, "0 lets the second stage leave the small video")
    command.add_argument("--no-upscale", action="store_true", help="stop at the small video")
    _add_common(command)


def _add_bench(commands) -> None:
    names = "\n".join(f"  {name:<12} {what}" for name, what in BENCHMARKS.items())
    command = add_command(
        commands, "bench", "measure speed as ratios of two sides in one run", epilog=f"benchmarks:\n{names}"
    )
    command.add_argument(
        "name", metavar="NAME", type=one_of("benchmark", BENCHMARKS), help=", ".join(BENCHMARKS)
    )
    command.add_argument("--json", metavar="FILE", help="write the figures to a file, too")


def _add_output(command: Parser) -> None:
    command.add_argument(
        "output",
        metavar="OUT",
        help=".mp4, .mkv or .mov; .png or .jpg for one frame; a name ending in / for PNG frames",
    )


def _default(name: str) -> str:
    """What a setting of super-resolution is in every system unless it is given."""
    own = {
        "seedvr": SEEDVR_SAMPLING,
        "simplegvr": SIMPLEGVR_SAMPLING,
        "unimmvsr": UNIMMVSR_SAMPLING,
        "patchvsr": PATCHVSR_SAMPLING,
    }
    usual = getattr(SAMPLING, name)
    others = {system: getattr(sampling, name) for system, sampling in own.items()}
    different = [f"{system} {value:g}" for system, value in others.items() if value != usual]
    return ", ".join([f"default {usual:g}", *different])


def _add_strength(command: Parser, what: str) -> None:
    command.add_argument(
        "--strength",
        type=real("strength", 0.3, least=0, most=1),
        help=f"0 to 1: how far the result may leave {what} ({_default('strength')})",
    )


def _add_detail(command: Parser) -> None:
    command.add_argument(
        "--detail",
        type=real("detail", 1.3, least=0),
        help="how strongly what the model adds is drawn: 1 as predicted, more is crisper in busy places; "
        f"1 for noisy or compressed inputs ({_default('detail')})",
    )


def _add_consistency(command: Parser, when: str) -> None:
    command.add_argument(
        "--consistency",
        type=whole("consistency", SAMPLING.consistency, least=0),
        metavar="ROUNDS",
        help=f"hold the result to what the small video shows; {when} ({_default('consistency')})",
    )


def _add_common(command: Parser) -> None:
    add_seed(command)
    command.add_argument(
        "--compare",
        action="store_true",
        help="also write OUT_compare: input, bicubic and result side by side",
    )
    command.add_argument(
        "--system",
        type=one_of("system", SYSTEMS),
        help=f"{', '.join(SYSTEMS)} (default base, or the one that has an option given)",
    )
    add_references(command, "unimmvsr")
    add_patches(command, "patchvsr")
    add_weights_folder(command)
