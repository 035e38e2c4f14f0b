"""What the variants of a comparison reach on validation clips, with the spread over training seeds."""

from collections.abc import Mapping
from pathlib import Path

import torch
from tqdm import tqdm

from cvsr.measurements.exam import Exam, Findings
from cvsr.measurements.patch_exam import PatchExam
from cvsr.measurements.reference_exam import ReferenceExam
from cvsr.measurements.results import Row
from cvsr.measurements.scene_exam import SceneExam
from cvsr.measurements.tally import Tally
from cvsr.training.ablations import Comparison, train

EXAMS: dict[str, type[Exam]] = {"scenes": SceneExam, "references": ReferenceExam, "patches": PatchExam}


def measure(
    comparison: Comparison,
    runs: str | Path,
    count: int = 32,
    weights: str | None = None,
    device: torch.device | str = "cpu",
) -> list[Row]:
    """Train what is not trained yet, then a row for every variant, way of sampling and kind of clips.

    The intervals are over training seeds. Rows "a minus b" hold the differences between runs of one seed, which had
    the same batches and noise: their intervals are narrower, and say whether a variant is better than the first.

    Args:
        comparison: what is compared.
        runs: folder of the runs, finished ones included.
        count: scenes that the exam is made of.
        weights: the folder that holds the other models; the repository's by default.
        device: that the models are measured on; training takes what there is.

    Raises:
        ValueError: an exam that is none of `EXAMS`, or inputs that it does not have.
    """
    if comparison.exam not in EXAMS:
        raise ValueError(f"exam={comparison.exam!r}: unknown; allowed {list(EXAMS)}; try 'scenes'")
    exam = EXAMS[comparison.exam](comparison, count, weights, device)
    tally = Tally()
    for kind, reached in exam.bicubic().items():
        tally.add("bicubic", kind, reached)
    for seed in comparison.seeds:  # seed by seed: what is there after half of the time can be compared
        found: dict[str, Findings] = {}
        for name, variant in tqdm(comparison.variants.items(), desc=f"{comparison.name}, seed {seed}", unit="run"):
            pipeline = train(comparison, name, seed, runs, weights).to(device)
            pipeline.set_progress_bar_config(disable=True)
            found[name] = exam.take(pipeline, variant.strength)
            for (way, kind), reached in found[name].items():
                tally.add(f"{name}, {way}", kind, reached)
        _add_differences(tally, found)
    return tally.rows()


def _add_differences(tally: Tally, found: Mapping[str, Findings]) -> None:
    """Of the variants to the first, in the runs of one seed."""
    first, *others = found
    for (way, kind), known in found[first].items():
        for name in others:
            gained = {figure: value - known[figure] for figure, value in found[name][way, kind].items()}
            tally.add(f"{name} minus {first}, {way}", kind, gained)
