"""What `python -m cvsr evaluate` can be asked."""

from collections.abc import Sequence
from pathlib import Path

from cvsr.cli.ablate_arguments import COMPARISONS
from cvsr.cli.options import (
    Parser,
    add_command,
    add_guidance,
    add_seed,
    add_steps,
    add_weights_folder,
)
from cvsr.cli.systems import SYSTEMS
from cvsr.cli.values import UsageError, names, real, whole
from cvsr.presets import SAMPLING

VIDEOS = "videos"
JUDGING = """examples:
  python -m cvsr evaluate result.mp4
  python -m cvsr evaluate mine/ theirs/ --against truth/ --metrics psnr,ssim,warping_error --csv table.csv
  python -m cvsr evaluate portrait.mp4 --input small.mp4 --reference face.png --markdown table.md
  python -m cvsr evaluate --system bicubic,base,seedvr --against clip.mp4 --frames 17 --figure table.png
The name of a file (with a suffix or a /) or an option in the place of NAME is enough to ask for this.
Folders are compared by the clips of the same names in them."""


def name_videos(argv: Sequence[str]) -> list[str]:
    """`evaluate result.mp4` and `evaluate --system …` as what they are short for, `evaluate videos …`."""
    if list(argv[:1]) == ["evaluate"] and len(argv) > 1 and argv[1] not in ("-h", "--help"):
        first = argv[1]
        if first in COMPARISONS:
            raise UsageError(
                f"NAME={first}: compares trainings; allowed models and videos; try `python -m cvsr ablate {first}`"
            )
        if first.startswith("--") or "/" in first or Path(first).suffix:
            return ["evaluate", VIDEOS, *argv[1:]]
    return list(argv)


def add_evaluate(commands) -> None:
    """The subcommand and what it can measure."""
    command = add_command(
        commands,
        "evaluate",
        "measure a model on held-out data, or judge videos",
        epilog="examples:\n"
        "  python -m cvsr evaluate mine.mp4 theirs.mp4 --against truth.mp4 --markdown table.md --figure table.png\n"
        "  python -m cvsr evaluate --system bicubic,seedvr --world 8\n"
        "  python -m cvsr evaluate text_to_video\n"
        "  python -m cvsr evaluate super_resolution --clips my.mp4 --steps 1 4 8 --consistency 0 3\n"
        "  python -m cvsr evaluate detail_curve --model seedvr --json seedvr_curve.json",
    )
    models = command.add_subparsers(dest="name", required=True, metavar="NAME")
    _add_videos(add_command(models, VIDEOS, "judge videos of any origin; the word may be left out", epilog=JUDGING))
    codec = add_command(models, "autoencoder", "how well a video is kept")
    enlarger = add_command(models, "super_resolution", "how well a video reduced to a quarter is restored")
    seedvr = add_command(models, "seedvr", "the same of SeedVR")
    simplegvr = add_command(models, "simplegvr", "the same of SimpleGVR")
    for each in (codec, enlarger, seedvr, simplegvr):
        each.add_argument("--clips", nargs="+", default=[], metavar="FILE", help="real videos, too")
        _add_measured(each, 32, "clips of the world")
    for each in (enlarger, seedvr, simplegvr):
        _add_enlarging(each)
    patchvsr = add_command(models, "patchvsr", "what PatchVSR restores, its patches joined in three ways")
    patchvsr.add_argument("--clips", nargs="+", default=[], metavar="FILE", help="real videos, too")
    _add_measured(patchvsr, 16, "clips of the world")
    cost = add_command(models, "patch_cost", "how PatchVSR's time and memory grow with the pixels of a frame")
    largest = whole("largest", 3840, least=512)
    cost.add_argument("--largest", type=largest, default=3840, metavar="WIDTH", help="of a frame (default 3840)")
    _add_measured(cost, 1, "runs of each size, of which the least counts")
    base = add_command(models, "text_to_video", "how often a video shows what its prompt names")
    _add_measured(base, 64, "prompts")
    add_steps(base, SAMPLING.base_steps, "of each video")
    add_guidance(base)
    unimmvsr = add_command(models, "unimmvsr", "what references add to UniMMVSR's videos")
    _add_measured(unimmvsr, 32, "scenes, a clip of each task")
    guidance = add_command(models, "reference_guidance", "how UniMMVSR's steps and guidance by references change that")
    _add_measured(guidance, 24, "scenes")
    cascade = add_command(models, "cascade", "what each system makes of the base model's videos")
    _add_measured(cascade, 32, "prompts")
    samplers = add_command(models, "samplers", "how many network calls samplers of higher order save")
    _add_measured(samplers, 8, "prompts")
    curve = add_command(models, "detail_curve", "at which times of sampling detail comes into being")
    curve.add_argument(
        "--model",
        default="super_resolution",
        metavar="NAME",
        help="weights of a super-resolution model (default super_resolution)",
    )
    _add_measured(curve, 16, "clips of the world")
    add_steps(curve, 50, "of each run")
    for each in (enlarger, seedvr, simplegvr, unimmvsr, guidance, patchvsr, base, cascade, samplers, curve):
        add_seed(each)


def _add_videos(command: Parser) -> None:
    """What is judged, by what, and where the tables go."""
    command.add_argument("results", nargs="*", metavar="RESULT", help="videos, or folders of clips")
    methods = ["bicubic", *SYSTEMS]
    systems, what = names("system", methods), f"what they make of the inputs: {', '.join(methods)}"
    command.add_argument("--system", type=systems, default=[], metavar="A,B", help=what)
    command.add_argument("--against", metavar="TRUTH", help="what results should be; a quarter as large, the inputs")
    command.add_argument("--input", metavar="SMALL", help="what results were made of, or are to be made of")
    count = whole("world", 8, least=1)
    command.add_argument("--world", type=count, metavar="N", help="for --system: the world's first N held-out scenes")
    command.add_argument(
        "--reference", action="append", default=[], metavar="IMAGE", help="of something they show; may be repeated"
    )
    command.add_argument("--reference-video", metavar="VIDEO", help="what they are to follow frame by frame")
    command.add_argument("--prompt", help="what they show")
    tile = whole("tile", 256, least=2)
    command.add_argument("--tile", type=tile, metavar="PIXELS", help="between the borders of patches")
    command.add_argument("--metrics", type=names("metrics"), metavar="A,B", help="default: all that can be measured")
    command.add_argument("--frames", type=whole("frames", 17, least=1), help="only the first so many (default: all)")
    add_seed(command)
    for kind, what in (
        ("markdown", "the table"),
        ("csv", "every figure with its interval"),
        ("figure", "the table as a picture: .png, .svg or .pdf"),
        ("json", "the result with its provenance"),
    ):
        command.add_argument(f"--{kind}", metavar="FILE", help=what)
    add_weights_folder(command)


def _add_enlarging(command: Parser) -> None:
    """Settings of super-resolution, one or several of each to compare."""
    for name, kind, metavar, what in (
        ("steps", whole("steps", SAMPLING.steps, least=1), "N", "one or several to compare (default: as upscale)"),
        ("consistency", whole("consistency", SAMPLING.consistency, least=0), "ROUNDS", "likewise"),
        ("detail", real("detail", 1.3, least=0), "FACTOR", "likewise"),
    ):
        command.add_argument(f"--{name}", type=kind, nargs="+", metavar=metavar, help=what)


def _add_measured(command: Parser, count: int, what: str) -> None:
    number = whole("count", count, least=1)
    command.add_argument("--count", type=number, default=count, help=f"held-out {what} (default {count})")
    command.add_argument(
        "--json", metavar="FILE", help="where the result goes (default data/results/NAME.json)"
    )
    add_weights_folder(command)
