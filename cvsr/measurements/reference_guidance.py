"""How objects become recognisable: by more steps of sampling, and by guidance (UniMMVSR appendix A.3).

One step gives the mean of all that fits, which PSNR likes best and a recogniser hardly knows. More steps decide for
one picture, and guidance exaggerates what references change in it. All is measured near the main objects of scenes of
which a base model mistook the colours or the prints, as `cvsr.measurements.references` makes them.
"""

import itertools
from collections.abc import Sequence

import torch
from tqdm import tqdm

from cvsr.measurements.clips import FRAMES, PIXELS
from cvsr.measurements.likeness import Likeness
from cvsr.measurements.reference_clips import NONE, close_up, identity_clip
from cvsr.measurements.references import Question, enlarged, groups_of, inputs_of, judge, less
from cvsr.measurements.results import Row
from cvsr.measurements.tally import Tally
from cvsr.models.attribute_reader import AttributeReader
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline

QUESTION = "UniMMVSR: how many steps, and how much guidance by references, make an object look like itself?"
STEPS = (1, 4)
STRENGTHS = (0.0, 0.5, 1.0)  # of guidance, s_ref; the paper's is 1
SHOWN = ("right references", "wrong references")
CROP, CROPPED_FRAMES = 128, 9  # what is cut out of a scene: one tile


@torch.no_grad()
def measure(
    pipeline: UniMMVSRPipeline,
    base: TextToVideoPipeline,
    reader: AttributeReader,
    count: int = 24,
    seed: int = 0,
    steps: Sequence[int] = STEPS,
    strengths: Sequence[float] = STRENGTHS,
    frames: int = FRAMES,
    pixels: int = PIXELS,
    crop: int = CROP,
) -> list[Row]:
    """Figures of `references.judge` without references, and how right and wrong ones change them, paired by clip.

    Clips count twice: with all others, and with those of which the same was mistaken. Scene n of the test split starts
    from the noise of `seed` + n. Guidance ends where it does by default.

    Args:
        pipeline: the model to be measured.
        base: draws the inputs again.
        reader: recognises objects.
        count: scenes.
        seed: of the noise.
        steps: of sampling, each with every strength.
        strengths: of guidance.
        frames: of the scenes.
        pixels: their height and width.
        crop: height and width of what is cut out around their main object.
    """
    tally = Tally()
    for each in (pipeline, base):
        each.set_progress_bar_config(disable=True)
    for number in tqdm(range(count), desc="guidance by references", unit="scene"):
        whole = identity_clip(number, frames, pixels)
        for kind, drawn in inputs_of(whole, base, seed + number).items():
            clip, small = close_up(whole, drawn, crop, min(frames, CROPPED_FRAMES))
            if not clip.mask.any() or clip.mask.all():
                continue
            likeness = Likeness(reader, clip.truth, clip.subjects)
            question = Question(clip, small, likeness, seed + number)
            for n in steps:
                plain = enlarged(pipeline, question, NONE, num_inference_steps=n)
                without = judge(plain, clip, likeness)
                figures = {f"{NONE}, steps {n}": without}
                for strength, name in itertools.product(strengths, SHOWN):
                    video = enlarged(pipeline, question, name, num_inference_steps=n, reference_guidance=strength)
                    method = f"{name} less none, steps {n}, s_ref {strength:g}"
                    figures[method] = less(judge(video, clip, likeness), without)
                for method, found in figures.items():
                    for group in groups_of("identity", kind, clip):
                        tally.add(method, group, found)
    return sorted(tally.rows(), key=lambda row: row.clips)
