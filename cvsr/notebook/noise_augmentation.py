"""What noise on the input does to a result, strength by strength: for lesson 04."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from torch import Tensor

from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.measurements.exam import Figures
from cvsr.measurements.inputs import CLEAN, PLANTED
from cvsr.measurements.scene_exam import enlarge
from cvsr.notebook.figures import PALETTE
from cvsr.pipelines.super_resolution import SuperResolutionPipeline

STYLES = {CLEAN: ("blue", "o-"), PLANTED: ("vermilion", "s--")}


def sweep(
    pipeline: SuperResolutionPipeline, small: dict[str, Tensor], strengths: Sequence[float], steps: int
) -> dict[float, dict[str, Tensor]]:
    """Every kind of input enlarged at every strength, all from the same noise."""
    return {strength: enlarge(pipeline, small, strength, steps) for strength in strengths}


def draw_trade_off(
    figures: Mapping[float, Mapping[str, Figures]], bicubic: Mapping[str, Figures], trained: NoiseRange
) -> Figure:
    """Fidelity, detail, and what is left of structure and errors, over the strength.

    Args:
        figures: strength → kind of input → figures of `judge_all`.
        bicubic: the same of bicubic enlargement, drawn as dotted levels.
        trained: levels that the model has seen, shaded.
    """
    figure = Figure(figsize=(10.5, 3))
    panels = figure.subplots(1, 3)
    strengths = list(figures)
    titles = {"psnr": "PSNR, dB", "high_frequency_ratio": "fine detail, of the truth's"}
    for axes, (name, title) in zip(panels, titles.items(), strict=False):
        for kind, (colour, style) in STYLES.items():
            values = [figures[strength][kind][name] for strength in strengths]
            axes.plot(strengths, values, style, color=PALETTE[colour], label=kind)
            axes.axhline(bicubic[kind][name], color=PALETTE[colour], linestyle=":", linewidth=1)
        axes.set_title(f"{title} (dotted: bicubic)", fontsize=9)
    left = {CLEAN: ("structure_kept", "structure kept"), PLANTED: ("error_left", "planted error left")}
    for kind, (name, label) in left.items():
        colour, style = STYLES[kind]
        values = [figures[strength][kind][name] for strength in strengths]
        panels[2].plot(strengths, values, style, color=PALETTE[colour], label=label)
    panels[2].set_title("what is left of the input", fontsize=9)
    for axes in panels:
        axes.axvspan(trained.low, trained.high, color="#eeeeee", zorder=0)
        axes.set(xlabel="strength (grey: seen in training)")
        axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure
