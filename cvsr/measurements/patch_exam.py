"""An exam of enlarging held-out scenes patch by patch: what is restored, and how visible the seams are."""

import torch
from torch import Tensor

from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.evaluation.seams import seam_ratio
from cvsr.measurements.autoencoder import fidelity
from cvsr.measurements.clips import VALIDATION, eight_bit
from cvsr.measurements.exam import Figures, Findings, in_steps, mean
from cvsr.measurements.scene_exam import SceneExam, enlarge
from cvsr.pipelines.patchvsr import PatchEnlargement, PatchVSRPipeline
from cvsr.pipelines.store import load
from cvsr.pipelines.tiling import SPATIAL
from cvsr.training.ablations import Comparison

JOININGS = ("joint", "stitched")  # the system's, and the one that shows how far patches differ by themselves


class PatchExam(SceneExam):
    """Fidelity and seams (`cvsr.measurements.patchwise`) for every joining, number of steps and kind of input.

    Scenes are enlarged under their captions. Seams are measured against what the shipped super-resolution model makes
    of a frame in one piece. Arguments are those of `SceneExam`; nothing is asked of motion, so that one frame will do.
    """

    def __init__(
        self,
        comparison: Comparison,
        count: int,
        weights: str | None = None,
        device: torch.device | str = "cpu",
    ):
        super().__init__(comparison, count, weights, device)
        self.captions = [sample_scene(number, VALIDATION).caption for number in range(count)]
        self.base = load("super_resolution", weights).to(device)

    def bicubic(self) -> dict[str, Figures]:
        """What plain enlargement reaches, by kind of input."""
        return {kind: self._judge(resize(video, *self.truth.shape[-2:])) for kind, video in self.small.items()}

    def take(self, pipeline: PatchVSRPipeline, strength: float) -> Findings:
        """What a model reaches, as it predicts it: nothing is corrected after it."""
        found: Findings = {}
        for steps in self.steps:
            whole = enlarge(self.base, self.small, strength, steps, prompt=self.captions)
            for joining in JOININGS:
                asked = {"joining": joining, "prompt": self.captions}
                for kind, video in enlarge(pipeline, self.small, strength, steps, **asked).items():
                    figures = self._judge(video)
                    lines = pipeline.borders(self.small[kind], PatchEnlargement(joining=joining))
                    if any(lines):
                        figures["seam_ratio"] = float(seam_ratio(video, *lines, SPATIAL, whole[kind]).mean())
                    found[f"{joining}, {in_steps(steps)}", kind] = figures
        return found

    def _judge(self, videos: Tensor) -> Figures:
        """Mean fidelity of videos (N, 3, T, H, W)."""
        pairs = zip(eight_bit(videos).split(1), self.truth.split(1), strict=True)
        return mean([fidelity(*pair) for pair in pairs])
