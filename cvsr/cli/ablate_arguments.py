"""What `python -m cvsr ablate` can be asked."""

from cvsr.cli.options import add_command, add_weights_folder
from cvsr.cli.values import one_of, real, whole

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
    "task_transfer": "train one model for all tasks, or one for ID images alone",
    "window_sizes": "attend in small windows or in large ones, of one frame or of all",
    "training_order": "learn the hardest task first, the easiest first, or all at once",
}


def add_ablate(commands) -> None:
    """The subcommand; every comparison is a file of cvsr/training/comparisons."""
    listed = "\n".join(f"  {name:<24} {what}" for name, what in COMPARISONS.items())
    command = add_command(
        commands,
        "ablate",
        "train with one thing changed, and compare",
        "Trains every variant of a comparison for several seeds, measures them on the same held-out clips, and sets\n"
        "the differences beside those of the paper. What was stopped goes on when it is started again.",
        f"comparisons:\n{listed}\n\n"
        "examples:\n"
        "  python -m cvsr ablate timestep_samplers\n"
        "  python -m cvsr ablate attention_operators --budget 90 --json mine.json",
    )
    known = one_of("comparison", COMPARISONS)
    command.add_argument("name", metavar="NAME", type=known, help="one of those below")
    command.add_argument(
        "--budget",
        type=real("budget", 60, above=0),
        metavar="MINUTES",
        help="of training, all runs together, shared as equal steps of each (default: the steps of the recipe)",
    )
    count = whole("count", 32, least=1)
    command.add_argument("--count", type=count, default=32, help="held-out scenes to measure on (default 32)")
    command.add_argument(
        "--runs",
        default="runs/ablations",
        metavar="DIR",
        help="where runs are kept; finished ones are not trained again (default runs/ablations)",
    )
    command.add_argument("--json", metavar="FILE", help="where the result goes (default data/results/NAME.json)")
    add_weights_folder(command)
