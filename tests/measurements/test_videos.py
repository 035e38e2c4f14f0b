"""Results judged side by side: means and intervals over clips, what was left out, and bicubic bit for bit."""

from pathlib import Path

import pytest
import torch

from cvsr.data.video import read_video, to_tensor
from cvsr.measurements import videos
from cvsr.measurements.video_metrics import make_metrics
from cvsr.measurements.videos import Clip, bicubic, measure, reduced, world

DEMO = Path(__file__).resolve().parents[2] / "data" / "clips" / "demo.mp4"
NAMES = ("psnr", "ssim", "detail", "sharpness", "warping_error", "strongest_seam", "colour_shift")


def constant(level, frames=2, size=16):
    return torch.full((1, 3, frames, size, size), level)


def levels(*truths):
    """Clips of one level each, by their numbers."""
    known = [lambda level=level: {"truth": constant(level)} for level in truths]
    return [Clip(str(number), "flat", know) for number, know in enumerate(known)]


def test_a_method_has_means_and_intervals_over_clips():
    methods = {"near": lambda name, known: known["truth"] + 0.1, "far": lambda name, known: known["truth"] + 0.2}
    rows, left_out = measure(methods, levels(0.0, 0.1, 0.2), make_metrics(["psnr", "colour_shift", "flicker"])[0])
    near, far = ((row.method, row.clips, row.count, row.figures["psnr"]) for row in rows)
    assert near[:3] == ("near", "flat", 3)
    assert near[3].mean == pytest.approx(26.02, abs=0.01)  # 20 log10(2 / 0.1)
    assert far[3].mean == pytest.approx(20, abs=0.01)
    assert near[3].low <= near[3].mean <= near[3].high
    assert left_out == {"colour_shift": "needs --input"}


def test_figures_that_are_no_numbers_are_left_out_and_named():
    rows, left_out = measure({"copy": lambda name, known: known["truth"]}, levels(0.0), make_metrics(["psnr"])[0])
    assert left_out == {"psnr": "is inf for copy 0"}
    assert rows == [] or rows[0].figures == {}


def test_results_of_another_size_or_length_are_refused():
    for wrong in (constant(0.0, size=12), constant(0.0, frames=3)):
        with pytest.raises(ValueError, match=r"^against=2 frames of 16x16: it, 0 has \d of 1\dx1\d; allowed") as e:
            measure({"it": lambda name, known, wrong=wrong: wrong}, levels(0.0), {})
        assert "\n" not in str(e.value)


def test_scenes_of_the_world_know_their_captions_and_inputs(monkeypatch):
    first, second = world(2, frames=2, pixels=32)
    known = first.know()
    assert known["truth"].shape == (1, 3, 2, 32, 32)
    assert torch.equal(known["small"], reduced(known["truth"]))
    assert known["prompt"]
    assert not torch.equal(second.know()["truth"], known["truth"])
    assert bicubic("", known).shape == known["truth"].shape
    assert bicubic("", {"small": known["small"]}).shape == known["truth"].shape


def demo():
    truth = to_tensor(read_video(DEMO, max_frames=4).frames)[None, :, :, 40:168, 60:252]
    return {"truth": truth, "small": reduced(truth)}


# Equal to the last bit on one thread and two, with AVX2 and without, but for the optical flow: by torch 2.13 and
# OpenCV 5.0 on x86-64.
BICUBIC = {
    "real psnr": 23.36262321472168,
    "real ssim": 0.6782679557800293,
    "real detail": 2.5435333251953125,
    "real sharpness": 21.671189564732146,
    "real strongest_seam": 5.030860424041748,
    "real colour_shift": 0.36971279978752136,
    "world psnr": 20.708412170410156,
    "world ssim": 0.5006163120269775,
    "world detail": 3.710466146469116,
    "world sharpness": 30.408341467380524,
    "world strongest_seam": 2.812073230743408,
    "world colour_shift": 0.5672140121459961,
}
WARPED = {"real warping_error": 7.0785e-07, "world warping_error": 1.43527e-04}


def test_bicubic_is_judged_bit_for_bit_alike_and_as_ever():
    measures = make_metrics(NAMES)[0]
    first, again = (
        measure({"bicubic": bicubic}, [Clip("demo", "real", demo), *world(1, frames=3, pixels=64)], measures)[0]
        for _ in range(2)
    )
    assert first == again
    found = {f"{row.clips} {name}": figure.mean for row in first for name, figure in row.figures.items()}
    assert {name: found.pop(name) for name in WARPED} == pytest.approx(WARPED, rel=1e-3)
    assert found == pytest.approx(BICUBIC, rel=1e-6)


def test_a_system_is_given_prompt_size_and_references(monkeypatch):
    asked = {}

    class Pipeline:
        def __call__(self, small, **settings):
            asked.update(settings, small=small)
            return type("Output", (), {"frames": torch.zeros(1, 3, 2, settings["height"], settings["width"])})

    monkeypatch.setattr(videos, "UniMMVSRPipeline", Pipeline)
    known = {"small": constant(0.0), "prompt": "a ball", "references": (torch.zeros(3, 4, 4),), "reference_video": None}
    assert videos.enlarge_by(Pipeline(), seed=3)("", known).shape == (1, 3, 2, 64, 64)
    assert asked["prompt"] == "a ball"
    assert (asked["height"], asked["width"], len(asked["references"])) == (64, 64, 1)
    assert asked["generator"].initial_seed() == 3
