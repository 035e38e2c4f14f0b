"""An exam of enlarging with references: the same clips without any, with the right and with others.

The clips are those of `cvsr.measurements.reference_clips`, cut to the surroundings of what matters in them: a model
that has trained for minutes is told from another by few frames of few pixels. What is around them has its part in what
the base model makes of them, and is cut off afterwards.
"""

from collections import defaultdict

import torch
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.measurements.clips import FRAMES, PIXELS, VALIDATION
from cvsr.measurements.exam import Figures, Findings, in_steps, mean
from cvsr.measurements.likeness import Likeness
from cvsr.measurements.reference_clips import CLIPS, NONE, close_up
from cvsr.measurements.references import INPUTS, Question, enlarged, inputs_of, judge, less
from cvsr.pipelines.store import load
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline
from cvsr.training.ablations import Comparison

LEFT_OUT = ("one reference more", "one reference fewer")  # not every scene has one to spare


class ReferenceExam:
    """Figures of `cvsr.measurements.references.judge` by task and input: without references, and what they change.

    Ways "a less none" hold the differences that references a make, in the same clips from the same noise.

    Args:
        comparison: which inputs, numbers of steps, and the size of what is cut out of the clips.
        count: scenes, a clip of each task.
        weights: the folder that holds the base model and the attribute reader; the repository's by default.
        device: of both.

    Raises:
        ValueError: inputs that are none of `INPUTS`.
    """

    def __init__(
        self,
        comparison: Comparison,
        count: int,
        weights: str | None = None,
        device: torch.device | str = "cpu",
    ):
        if unknown := [kind for kind in comparison.inputs if kind not in INPUTS]:
            raise ValueError(f"inputs={list(comparison.inputs)}: {unknown} unknown; allowed {list(INPUTS)}; try both")
        self.steps = comparison.steps
        self.questions: dict[str, list[Question]] = defaultdict(list)
        base, reader = (load(name, weights).to(device) for name in ("text_to_video", "attribute_reader"))
        for number in tqdm(range(count), desc="clips with references", unit="scene"):
            for task, make in CLIPS.items():
                clip = make(number, FRAMES, PIXELS, VALIDATION)
                inputs = inputs_of(clip, base, number)
                for kind in comparison.inputs:
                    near, small = close_up(clip, inputs[kind], comparison.crop, comparison.frames)
                    if near.mask.any() and not near.mask.all():
                        likeness = Likeness(reader, near.truth, near.subjects)
                        self.questions[f"{task}, {kind}"].append(Question(near, small, likeness, number))

    def bicubic(self) -> dict[str, Figures]:
        """What plain enlargement reaches, by task and input."""
        return {
            group: mean([judge(resize(q.small, *q.clip.truth.shape[-2:]), q.clip, q.likeness) for q in questions])
            for group, questions in self.questions.items()
        }

    def take(self, pipeline: UniMMVSRPipeline, strength: float) -> Findings:
        """What a model reaches, as it predicts it: nothing is corrected after it."""
        found: Findings = {}
        raw = {"strength": strength, "detail": 1.0}
        for group, questions in self.questions.items():
            for steps in self.steps:
                reached = {
                    name: mean([_figures(pipeline, q, name, num_inference_steps=steps, **raw) for q in questions])
                    for name in questions[0].clip.shown
                    if name not in LEFT_OUT
                }
                without = reached.pop(NONE)
                found[f"{NONE}, {in_steps(steps)}", group] = without
                for name, figures in reached.items():
                    found[f"{name} less none, {in_steps(steps)}", group] = less(figures, without)
        return found


def _figures(pipeline: UniMMVSRPipeline, question: Question, name: str, **settings) -> Figures:
    """Of one clip, enlarged with the references of one name."""
    return judge(enlarged(pipeline, question, name, **settings), question.clip, question.likeness)
