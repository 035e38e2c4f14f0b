"""What `python -m cvsr evaluate` can be asked."""

from cvsr.cli.options import Parser, add_command, add_guidance, add_seed, add_steps, add_weights_folder
from cvsr.cli.values import real, whole
from cvsr.presets import SAMPLING

COMPARISONS = {
    "timestep_samplers": "train at uniform times, where detail appears, or in the middle",
    "noise_ranges": "train with little, some or much noise on the input",
    "degradations": "fine-tune on first-order damage, or on what a base model does to videos",
    "attention_operators": "attend to all tokens, to windows, or to the blocks that matter",
    "reference_conditioning": "read references as tokens, as channels, or the input, too, as tokens",
    "reference_positions": "give references positions of their own, or the target's",
    "reference_degradations": "train on inputs that lost their identity, or on synthetic damage alone",
    "reference_augmentation": "change references in training, or show them as they are",
    "patch_components": "train PatchVSR without its global branch, its LoRA, its place or its fixed prompt",
    "training_order": "learn the hardest task first, the easiest first, or all at once",
}


def add_evaluate(commands) -> None:
    """The subcommand and what it can measure."""
    command = add_command(
        commands,
        "evaluate",
        "measure a model on held-out data",
        epilog="examples:\n"
        "  python -m cvsr evaluate text_to_video\n"
        "  python -m cvsr evaluate super_resolution --clips my.mp4 --steps 1 4 8 --consistency 0 3\n"
        "  python -m cvsr evaluate detail_curve --model seedvr --json seedvr_curve.json\n"
        "  python -m cvsr evaluate timestep_samplers",
    )
    models = command.add_subparsers(dest="name", required=True, metavar="NAME")
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
    cascade = add_command(models, "cascade", "what each system makes of the base model's videos")
    _add_measured(cascade, 32, "prompts")
    curve = add_command(models, "detail_curve", "at which times of sampling detail comes into being")
    curve.add_argument(
        "--model",
        default="super_resolution",
        metavar="NAME",
        help="weights of a super-resolution model (default super_resolution)",
    )
    _add_measured(curve, 16, "clips of the world")
    add_steps(curve, 50, "of each run")
    for each in (enlarger, seedvr, simplegvr, unimmvsr, patchvsr, base, cascade, curve):
        add_seed(each)
    for name, what in COMPARISONS.items():
        _add_comparison(add_command(models, name, f"trainings compared: {what}"))


def _add_comparison(command: Parser) -> None:
    command.add_argument(
        "--runs",
        default="runs/ablations",
        metavar="DIR",
        help="where runs are kept; finished ones are not trained again (default runs/ablations)",
    )
    _add_measured(command, 32, "clips of the world")


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
