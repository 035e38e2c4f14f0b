"""Guidance by text and by references, each with a strength of its own (UniMMVSR, appendix A.3).

    v = v_full + s_txt · (v_full - v_without_text) + s̃_ref · (v_full - v_without_references)     (equation 2)
    s̃_ref = s_ref in the first N_ref steps, 0 after them                                         (equation 3)

References decide what is drawn early in a run; guided by them to its end, the result becomes over-sharp. Scales
here are 0 where nothing is exaggerated: s_txt is the scale of `classifier_free_guidance` less 1. The weights of the
predictions add up to 1, so that the formula holds for whatever a network predicts, noise, data or velocity.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from diffusers.configuration_utils import register_to_config
from diffusers.guiders.guider_utils import BaseGuidance, GuiderOutput
from torch import Tensor

from cvsr.diffusion.guidance import Input, silence_announcement

if TYPE_CHECKING:  # it brings all of diffusers' modular pipelines
    from diffusers.modular_pipelines.modular_pipeline import BlockState

TOLERANCE = 1e-6  # of a step: what rounding makes of a fraction that stands for whole steps


class TextReferenceGuidance(BaseGuidance):
    """Three predictions a step until the cutoff, two after it; none is made that would have weight 0.

    Its inputs (`cvsr.diffusion.guidance.guided_prediction`) are triples: for the full prediction, the one without
    text and the one without references. The paper's settings are the defaults, N_ref = 15 of 50 steps among them.

    Args:
        text_scale: s_txt ≥ 0.
        reference_scale: s_ref ≥ 0; give 0 where there are no references.
        reference_stop: N_ref as a fraction of the run's steps, in [0, 1]: references guide step n, from 0, if
            n < reference_stop · steps.

    Raises:
        ValueError: an argument outside of what is said above.
    """

    _input_predictions = ["pred_cond", "pred_without_text", "pred_without_references"]

    @register_to_config
    def __init__(self, text_scale: float = 3.0, reference_scale: float = 1.0, reference_stop: float = 0.3):
        for name, scale in (("text_scale", text_scale), ("reference_scale", reference_scale)):
            if not 0 <= scale < float("inf"):
                raise ValueError(
                    f"{name}={scale}: out of range; allowed from 0; try 0.0 (no guidance) or 1.0"
                )
        if not 0 <= reference_stop <= 1:
            raise ValueError(
                f"reference_stop={reference_stop}: no fraction of a run; allowed from 0 to 1; try 0.3"
            )
        silence_announcement()
        super().__init__()
        self.text_scale = text_scale
        self.reference_scale = reference_scale
        self.reference_stop = reference_stop

    def scales(self) -> tuple[float, float]:
        """s_txt and s̃_ref of the step that `set_state` has told, (0, 0) while the guider is disabled."""
        if not self._enabled:
            return 0.0, 0.0
        before_cutoff = (
            self._step is None or self._step < self.reference_stop * self._num_inference_steps - TOLERANCE
        )
        return self.text_scale, self.reference_scale if before_cutoff else 0.0

    def prepare_inputs(self, data: Mapping[str, Tensor | tuple[Input, ...]]) -> list["BlockState"]:
        """The inputs of each prediction to be made, the full one first. ValueError for a tuple that is no triple."""
        for name, value in data.items():
            if isinstance(value, tuple) and len(value) != len(self._input_predictions):
                raise ValueError(
                    f"{name}: {len(value)} inputs; allowed 3, for the full prediction, without text and without"
                    " references; try repeating the first where nothing is left out"
                )
        return [self._prepare_batch(data, index, name) for index, name in self._predictions()]

    def prepare_inputs_from_block_state(
        self, data: "BlockState", input_fields: dict[str, str | tuple[str, ...]]
    ) -> list["BlockState"]:
        """The same for diffusers' modular pipelines, whose inputs are names of the state's fields."""
        return [
            self._prepare_batch_from_block_state(input_fields, data, index, name)
            for index, name in self._predictions()
        ]

    def forward(
        self,
        pred_cond: Tensor,
        pred_without_text: Tensor | None = None,
        pred_without_references: Tensor | None = None,
    ) -> GuiderOutput:
        """The guided prediction (B, …) of equation 2 from those that were made, (B, …) each."""
        pred = pred_cond
        for scale, without in zip(self.scales(), (pred_without_text, pred_without_references), strict=True):
            if without is not None:
                pred = pred + scale * (pred_cond - without)
        return GuiderOutput(pred=pred, pred_cond=pred_cond, pred_uncond=pred_without_text)

    @property
    def is_conditional(self) -> bool:
        """Whether the model was last prepared for the full prediction (diffusers' modular pipelines)."""
        return self._count_prepared == 1

    @property
    def num_conditions(self) -> int:
        """Predictions of the current step, from 1 to 3."""
        return len(self._predictions())

    def _predictions(self) -> list[tuple[int, str]]:
        """Place in the inputs' triples and name of each prediction that has a weight."""
        needed = (True, *(scale > 0 for scale in self.scales()))
        return [(index, name) for index, name in enumerate(self._input_predictions) if needed[index]]
