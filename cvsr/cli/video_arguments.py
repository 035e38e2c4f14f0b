"""What `python -m cvsr upscale` and `generate` can be asked."""

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

CASCADES = ("one_stage", "restore_first", "patchwise")  # in cvsr/pipelines/cascades
COLOUR_CORRECTIONS = {
    "none": "leave them as they are drawn",
    "wavelet": "take low frequencies from the input, place by place",
    "adain": "take mean and contrast from the input, frame by frame",
}


def add_upscale(commands) -> None:
    """The subcommand that makes a video larger."""
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
        "  python -m cvsr upscale small.mp4 huge.mp4 --height 2160 --memory 4\n"
        "  python -m cvsr upscale old.mp4 huge.mp4 --height 2160 --stages restore_first\n"
        "  python -m cvsr upscale noisy.mp4 clean.mp4 --detail 1 --consistency 0 --strength 0.3 --seed 7",
    )
    command.add_argument("input", metavar="IN", help="a video, an image, or a folder of frames")
    _add_output(command)
    _add_size(command)
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


def add_generate(commands) -> None:
    """The subcommand that makes a video from a prompt."""
    command = add_command(
        commands,
        "generate",
        "make a video from a prompt",
        "Makes a small video from a prompt, then a large one from the small one.",
        'examples:\n  python -m cvsr generate "a blue cube turning over a brick wall" cube.mp4 --seed 3\n'
        '  python -m cvsr generate "" surprise.mp4 --frames 33 --compare\n'
        '  python -m cvsr generate "a red ball" huge.mp4 --height 1080',
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
    _add_size(command)
    command.add_argument("--no-upscale", action="store_true", help="stop at the small video")
    _add_common(command)


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


def _add_size(command: Parser) -> None:
    size = command.add_mutually_exclusive_group()
    size.add_argument(
        "--scale",
        type=real("scale", 4, above=0),
        metavar="TIMES",
        help="times larger, also 2.5 or 0.5; from 8 on in stages of 4 (default 4, or what --stages says)",
    )
    size.add_argument(
        "--height",
        type=whole("height", 2160, least=1),
        metavar="PIXELS",
        help="of the result, in place of --scale; the width stays in proportion",
    )
    command.add_argument(
        "--stages",
        metavar="FILE",
        help=f"enlarge in several stages, as a YAML file says or one of {', '.join(CASCADES)}",
    )


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
        help=f"hold the result to what the small video shows; {when} ({_default('consistency')}; "
        "what references change clearly stays changed)",
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
    command.add_argument(
        "--memory",
        type=real("memory", 8, above=0),
        metavar="GIB",
        help="that the process may take; chunks and tiles shrink until they fit (default: nearly all there is)",
    )
    command.add_argument(
        "--restart",
        action="store_true",
        help="throw away what an unfinished run has left beside OUT; without, the run goes on",
    )
    add_weights_folder(command)
