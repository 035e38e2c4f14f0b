"""What shards are made of, checked before anything is built."""

from dataclasses import asdict, dataclass, field
from typing import Any

from cvsr.data.degradations.pipeline import NAMES, Pipeline
from cvsr.data.filtering import QualityFilter
from cvsr.data.reference_augmentation import ReferenceAugmentation


@dataclass(frozen=True)
class ShardSettings:
    """What shards are made of, apart from the clips and the models.

    Attributes:
        degradations: what makes a low-quality input of a clip. A base model may only come last where the inputs are
            reduced: its latents are kept then.
        variants: how many differently degraded inputs a clip has.
        reduction: inputs are resized to the clip's size over this and encoded: 1 for networks that see the enlarged
            input, as SeedVR, 4 for those that enlarge its latents, as SimpleGVR.
        quality: clips that do not pass it are rejected.
        clips_per_shard: those that are rejected count; a build that is killed loses at most one shard's work.
        seed: of the degradations and of the references' changes.
        augmentation: how the references of a clip are changed, anew for each variant.
        whole: for networks that draw patches and are shown what they are part of, as PatchVSR: height and width in
            pixels to which a random window of every enlarged input is reduced, to be encoded beside it
            (`cvsr.data.patch_windows`); it is also the least that a window has. None: for all others.
        mistaken_redrawn: of clips whose objects a base model mistook, the share of those drawn for model_guided that
            it draws again. By default none: a mistaken clip already stands for what it makes of one, and would lose
            its layout, too.
    """

    degradations: Pipeline
    variants: int = 4
    reduction: int = 1
    quality: QualityFilter = field(default_factory=QualityFilter)
    clips_per_shard: int = 16
    seed: int = 0
    augmentation: ReferenceAugmentation = field(default_factory=ReferenceAugmentation)
    whole: int | None = None
    mistaken_redrawn: float = 0.0

    def __post_init__(self):
        for name in ("variants", "reduction", "clips_per_shard"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: too few; allowed 1 or more; try 4")
        if self.reduction > 1 and "model_guided" in self._names[:-1]:
            raise ValueError(
                f"degradations={self._names}: another one after model_guided, which leaves latents of reduced inputs;"
                " allowed once, as the last; try it at the end, or reduction=1"
            )

        if self.whole is not None and self.reduction > 1:
            raise ValueError(
                f"whole={self.whole}: of inputs that are not enlarged; allowed with reduction=1; try whole=None"
            )
        if not 0 <= self.mistaken_redrawn <= 1:
            raise ValueError(f"mistaken_redrawn={self.mistaken_redrawn}: no share; allowed 0 to 1; try 0.5")

    @property
    def is_guided(self) -> bool:
        """Whether a base model takes part in the degradations."""
        return "model_guided" in self._names

    @property
    def _names(self) -> list[str]:
        return [NAMES[type(step.degradation)] for step in self.degradations.steps]

    def describe(self, references: bool) -> dict[str, Any]:
        """All settings, as plain values; those of references and of whole clips only where there are some."""
        described = {"degradations": self.degradations.describe(), "quality": self.quality.describe()}
        described = asdict(self) | described
        if not references:
            del described["augmentation"]
        if self.whole is None:
            del described["whole"]
        if not (references and self.mistaken_redrawn):
            del described["mistaken_redrawn"]
        return described
