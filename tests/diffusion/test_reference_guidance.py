"""Guidance by text and references: the closed form, three predictions before the cutoff, two after, one call."""

import logging

import pytest
import torch
from diffusers.modular_pipelines.modular_pipeline import BlockState

from cvsr.diffusion.guidance import classifier_free_guidance, guided_prediction
from cvsr.diffusion.reference_guidance import TextReferenceGuidance

STEPS, CUTOFF = 50, 15  # section 4.1.1
X = torch.randn(2, 3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
TEXT, NO_TEXT = torch.tensor([[2.0], [3.0]]), torch.zeros(2, 1)
REFERENCES = [[torch.tensor(5.0), torch.tensor(1.0)], []]  # two of the first sample, none of the second
NO_REFERENCES = [[], []]


class Network:
    """Predicts x + text + the sum of the references, and notes the batch of every call."""

    def __init__(self):
        self.batches = []

    def __call__(self, x: torch.Tensor, text: torch.Tensor, references: list) -> torch.Tensor:
        assert len(x) == len(text) == len(references)
        self.batches.append(len(x))
        return self.predict(x, text, references)

    @staticmethod
    def predict(x, text, references):
        added = text[:, 0] + torch.tensor([float(sum(row)) for row in references])
        return x + added[:, None, None, None, None]


def guide(network, guider, step=0, steps=STEPS):
    inputs = {
        "x": X,
        "text": (TEXT, NO_TEXT, TEXT),
        "references": (REFERENCES, REFERENCES, NO_REFERENCES),
    }
    return guided_prediction(guider, network, inputs, step, steps)


@pytest.mark.parametrize("text_scale", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("reference_scale", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("step", [0, CUTOFF - 1, CUTOFF, STEPS - 1])
def test_prediction_is_equation_2_with_the_cutoff_of_equation_3(text_scale, reference_scale, step):
    network = Network()
    full = Network.predict(X, TEXT, REFERENCES)
    without_text = Network.predict(X, NO_TEXT, REFERENCES)
    without_references = Network.predict(X, TEXT, NO_REFERENCES)
    cut = reference_scale if step < CUTOFF else 0.0
    expected = full + text_scale * (full - without_text) + cut * (full - without_references)
    found = guide(network, TextReferenceGuidance(text_scale, reference_scale), step)
    torch.testing.assert_close(found, expected)
    assert network.batches == [2 * (1 + (text_scale > 0) + (cut > 0))]


def test_three_predictions_before_the_cutoff_and_two_after_it_in_one_call_a_step():
    network, guider = Network(), TextReferenceGuidance()
    for step in range(STEPS):
        guide(network, guider, step)
    assert network.batches == [6] * CUTOFF + [4] * (STEPS - CUTOFF)


@pytest.mark.parametrize(
    ("scales", "batches"),
    [((0.0, 1.0), [4] * 3 + [2] * 7), ((3.0, 0.0), [4] * 10), ((0.0, 0.0), [2] * 10)],
)
def test_no_prediction_is_made_that_has_no_weight(scales, batches):
    network, guider = Network(), TextReferenceGuidance(*scales)
    for step in range(10):
        guide(network, guider, step, 10)
    assert network.batches == batches


def test_without_scales_it_is_the_unguided_model():
    (disabled := TextReferenceGuidance()).disable()
    for guider in (TextReferenceGuidance(0.0, 0.0), disabled):
        network = Network()
        assert torch.equal(guide(network, guider), Network.predict(X, TEXT, REFERENCES))
        assert network.batches == [2]


def test_text_alone_is_classifier_free_guidance_of_one_more():
    found = guide(Network(), TextReferenceGuidance(text_scale=3.0, reference_scale=0.0))
    torch.testing.assert_close(found, guide(Network(), classifier_free_guidance(4.0)))


def test_it_is_linear_in_each_scale():
    def at(text_scale, reference_scale):
        return guide(Network(), TextReferenceGuidance(text_scale, reference_scale))

    plain, text, references = at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0)
    expected = plain + 2 * (text - plain) + 0.5 * (references - plain)
    torch.testing.assert_close(at(2.0, 0.5), expected)


@pytest.mark.parametrize("steps", [1, 3, 7, 8, 30, 49, 50, 100])
def test_a_fraction_of_whole_steps_is_met_exactly(steps):
    for cutoff in range(steps + 1):
        guider = TextReferenceGuidance(reference_stop=cutoff / steps)
        guided = []
        for step in range(steps):
            guider.set_state(step=step, num_inference_steps=steps, timestep=None)
            guided.append(guider.num_conditions == 3)
        assert guided == [step < cutoff for step in range(steps)]


def test_the_first_step_is_guided_however_few_there_are():
    guider = TextReferenceGuidance(reference_stop=0.3)
    guider.set_state(step=0, num_inference_steps=1, timestep=None)
    assert guider.num_conditions == 3


def test_its_settings_are_saved_and_loaded(tmp_path):
    guider = TextReferenceGuidance(2.0, 0.5, 0.4)
    guider.save_pretrained(tmp_path)
    loaded = TextReferenceGuidance.from_pretrained(tmp_path)
    assert (loaded.text_scale, loaded.reference_scale, loaded.reference_stop) == (2.0, 0.5, 0.4)
    assert guider.new(text_scale=1.0).text_scale == 1.0
    torch.testing.assert_close(guide(Network(), loaded), guide(Network(), guider))


def test_modular_pipelines_of_diffusers_can_use_it():
    guider = TextReferenceGuidance()
    guider.set_state(step=0, num_inference_steps=STEPS, timestep=None)
    state = BlockState(text=TEXT, nothing=NO_TEXT)
    fields = {"text": ("text", "nothing", "text")}
    branches = guider.prepare_inputs_from_block_state(state, fields)
    assert [branch.text is TEXT for branch in branches] == [True, False, True]
    for branch in branches:
        branch.noise_pred = branch.text
    torch.testing.assert_close(guider(branches).pred, 4 * TEXT)


def test_it_announces_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        TextReferenceGuidance()
    assert not caplog.records


@pytest.mark.parametrize("argument", ["text_scale", "reference_scale"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_impossible_scales_are_refused(argument, value):
    with pytest.raises(ValueError, match=rf"{argument}=.*allowed from 0; try 0\.0"):
        TextReferenceGuidance(**{argument: value})


@pytest.mark.parametrize("value", [-0.1, 15, float("nan")])
def test_a_cutoff_that_is_no_fraction_is_refused(value):
    with pytest.raises(ValueError, match=r"reference_stop=.*allowed from 0 to 1; try 0\.3"):
        TextReferenceGuidance(reference_stop=value)


def test_inputs_for_another_number_of_predictions_are_refused():
    with pytest.raises(ValueError, match="text: 2 inputs; allowed 3"):
        guided_prediction(TextReferenceGuidance(), Network(), {"x": X, "text": (TEXT, NO_TEXT)}, 0, 1)
