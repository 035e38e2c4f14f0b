"""Training PatchVSR: random patches of larger clips, with the whole clip in small (sections 3.2 and 4.1)."""

from typing import Any

import torch
from torch import Tensor

from cvsr.data.captions import sample_captions
from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.pipelines.store import load
from cvsr.presets import PRESETS
from cvsr.systems.base import Stage
from cvsr.systems.patchvsr import NOISE, SCALES, build_patchvsr
from cvsr.training.flow_matching import Batch, Noised, SuperResolutionTraining


class PatchSuperResolutionTraining(SuperResolutionTraining):
    """Batches have "whole" (B, c, t, h', w'), "place" (B, 4) and "scale" (B,), see `cvsr.data.shards_reading`.

    The base and its text encoder stay as they are; what is trained is LoRA, both branches and what joins them.

    Args:
        start: name of the weights that become the base, of a model of the first SR system's size; none: a warm start
            brings all weights. The paper starts from its text-to-video model.
        text_from: name of the weights whose text encoder is taken as it is: the base's.
        text_dropout: how often a caption is left out, section 4.1.
        noise_range: levels of the noise on the latents of a patch's input.
        clean: how often there is none.
        network: changes to it, by the names of `PatchTransformer`'s arguments, as for the ablations of table 2.
        others: as for `SuperResolutionTraining`.
    """

    def __init__(
        self,
        start: str | None = "super_resolution",
        text_from: str | None = "super_resolution",
        text_dropout: float = 0.1,
        noise_range: NoiseRange = NOISE,
        clean: float = 0.0,
        network: dict[str, Any] | None = None,
        **others,
    ):
        self.start, self.network = start, network or {}
        super().__init__(
            system="patchvsr",
            text_from=text_from,
            text_dropout=text_dropout,
            noise_range=noise_range,
            clean=clean,
            **others,
        )

    def build_stage(self, preset: str) -> Stage:
        return build_patchvsr(PRESETS[preset], sample_captions(), **self.network)

    def setup(self, stage: str) -> None:
        """Take over the base; a resumed run overwrites everything with the checkpoint's."""
        if self.start:
            self.transformer.begin_as(load(self.start, self.hparams.weights).transformer)

    def noise(self, group: Batch, generator: torch.Generator) -> Noised:
        if "whole" not in group:
            raise ValueError(
                "data.whole=None: patches without what they are part of; allowed whole clips' size in pixels; try 128"
            )
        more = {name: group[name] for name in ("whole", "place")}
        return super().noise(group, generator)._replace(more=more)

    def condition(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        condition, levels = super().condition(batch, generator)
        return condition, levels | {"scale": batch["scale"].clamp(*SCALES) / SCALES[1]}
