"""Training UniMMVSR: super-resolution that also reads ID images and reference videos (sections 3.2 to 3.4)."""

import torch
from torch import Tensor

from cvsr.data.captions import sample_captions
from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.reading import watched
from cvsr.pipelines.store import load
from cvsr.presets import PRESETS
from cvsr.systems.base import Stage
from cvsr.systems.unimmvsr import NOISE, build_unimmvsr
from cvsr.training.flow_matching import Batch, Noised, SuperResolutionTraining
from cvsr.training.matching import matching_loss, middle_attentions
from cvsr.training.optimizers import MuonWithAdamW, matrices_of

Weights = dict[str, Tensor]


class ReferenceSuperResolutionTraining(SuperResolutionTraining):
    """Batches have "references": of each sample, a list of latents (c, t, h, w), which may be empty.

    Args:
        start: name of the weights that a fresh run begins with, of a model of the first SR system's size; none: from
            scratch. The paper starts from its text-to-video model.
        noise_range: levels of the noise on the input's latents.
        clean: how often there is none.
        conditioning, positions: the design, as for `build_unimmvsr`.
        muon: whether Muon trains the blocks' matrices (`cvsr.training.optimizers`), for long runs; steps of short ones
            are so small that it takes half of their time.
        subject_weight: how much more an error counts on what references show or what was edited. The other weights
            (`calmness`) forgive what has a texture, and what is to be read of references, the colours of a print, is
            one.
        matching_weight: of the loss that teaches attention where in ID images to look (`cvsr.training.matching`).
        others: as for `SuperResolutionTraining`.
    """

    def __init__(
        self,
        start: str | None = "super_resolution",
        noise_range: NoiseRange = NOISE,
        clean: float = 0.0,
        conditioning: str = "hybrid",
        positions: str = "separated",
        muon: bool = False,
        subject_weight: float = 0.0,
        matching_weight: float = 0.0,
        **others,
    ):
        self.conditioning, self.positions, self.muon = conditioning, positions, muon
        super().__init__(system="unimmvsr", noise_range=noise_range, clean=clean, **others)
        self.start, self.subject_weight, self.matching_weight = start, subject_weight, matching_weight

    def build_stage(self, preset: str) -> Stage:
        return build_unimmvsr(PRESETS[preset], sample_captions(), self.conditioning, self.positions)

    def setup(self, stage: str) -> None:
        """Copy the first weights; a resumed run overwrites them with the checkpoint's."""
        if self.start:
            shipped = load(self.start, self.hparams.weights)
            self.text_encoder.load_state_dict(shipped.text_encoder.state_dict())
            by_token = isinstance(self.transformer, HybridTransformer)
            grow = with_references if by_token else with_spatial_attention
            fresh, known = self.transformer.state_dict(), grow(shipped.transformer.state_dict())
            self.transformer.load_state_dict(fresh | known)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        if not self.muon:
            return super().configure_optimizers()
        matrices = matrices_of(self.transformer.blocks)
        known = {id(matrix) for matrix in matrices}
        others = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        return MuonWithAdamW(matrices, others, self.hparams.learning_rate)

    def position_weights(self, batch: Batch) -> Tensor:
        return super().position_weights(batch) + self.subject_weight * batch["subject"]

    def training_step(self, batch: Batch | list[Batch], batch_idx: int) -> Tensor:
        """As for all models, and where attention should have looked."""
        if not self.matching_weight:
            return super().training_step(batch, batch_idx)
        attentions = middle_attentions(self.transformer)
        with watched(attentions) as seen:
            loss = super().training_step(batch, batch_idx)
        groups = batch if isinstance(batch, list) else [batch]
        found = [
            matching_loss(reading, group["latents"].shape[2:], group["references"], group["places"])
            for group, reading in zip([each for each in groups for _ in attentions], seen, strict=True)
            if "references" in group
        ]
        matching = torch.stack(found).mean() if found else loss.new_zeros(())
        self.log("train/matching", matching, prog_bar=True, batch_size=1)
        return loss + self.matching_weight * matching

    def noise(self, group: Batch, generator: torch.Generator) -> Noised:
        return super().noise(group, generator)._replace(more={"references": group.get("references")})


def with_references(weights: Weights) -> Weights:
    """Weights for a `HybridTransformer` from those of a `VideoTransformer` with "full" attention.

    A reference's tokens are embedded as the input's latents are: they are pictures without noise, too. What a network
    so begun makes of a video without references differs from the old one's only by the order of cross- and 3D
    attention. A `TokenTransformer` takes the same weights, but no start can be the old function: of an input that has
    left the channels, the target's tokens see what attention happens to bring.
    """
    grown = with_spatial_attention(weights)
    _, of_input = weights["patch_embedding.weight"].chunk(2, dim=1)  # noisy latents, the input's
    grown["reference_embedding.weight"] = of_input.clone()
    grown["reference_embedding.bias"] = weights["patch_embedding.bias"].clone()
    return grown


def with_spatial_attention(weights: Weights) -> Weights:
    """Weights for "spatial+full" attention from those for "full".

    The 3D attention is the old one, the spatial attention a copy of it behind closed gates. It is all that a
    `ChannelTransformer` needs, whose channels for references begin at zero.
    """
    grown = {}
    for name, weight in weights.items():
        if name.startswith("to_modulation.") or name.endswith(".modulation_offset"):
            rows = len(weight) // 2  # of the old one: those of its attention and of its feed-forward network
            grown[name] = torch.cat([torch.zeros_like(weight[:rows]), weight])
        elif ".self_attentions.0." in name:
            grown[name] = weight.clone()
            grown[name.replace(".self_attentions.0.", ".self_attentions.1.")] = weight
        else:
            grown[name] = weight
    return grown
