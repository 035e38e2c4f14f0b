"""The table of metrics: whole, honest about what it needs, and equal to the functions behind it."""

import pytest
import torch

from cvsr.data.filtering import measure_quality
from cvsr.data.video import read_video, to_frames
from cvsr.evaluation import metrics
from cvsr.evaluation.colours import colour_shift
from cvsr.evaluation.judges import JudgeMissing
from cvsr.evaluation.seams import seam_ratio
from cvsr.measurements import video_metrics
from cvsr.measurements.evidence import OPTIONS, Evidence
from cvsr.measurements.video_metrics import METRICS, make_metrics
from cvsr.models.attribute_reader import AttributeReader

WITHOUT_WEIGHTS = {
    "psnr", "ssim", "ms_ssim", "detail_ratio", "detail", "sharpness", "niqe", "warping_error", "flicker",
    "strongest_seam", "seam_ratio", "colour_shift", "reference_likeness", "reference_texture",
}  # fmt: skip


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def evidence():
    video = noise(1, 3, 3, 64, 96)
    truth = (video + 0.1 * noise(1, 3, 3, 64, 96, seed=1)).clamp(-1, 1)
    small = torch.nn.functional.avg_pool3d(video, (1, 4, 4))
    return Evidence(video, truth, small, (noise(3, 40, 40),), truth, tile=32, prompt="noise")


@pytest.fixture
def reader(monkeypatch):
    torch.manual_seed(0)
    made = AttributeReader(["ball"], ["red"]).eval()
    monkeypatch.setattr(video_metrics, "load", lambda name, weights: made)
    return made


def test_the_table_names_what_it_needs_and_which_way_is_better():
    for name, metric in METRICS.items():
        assert metric.title, name
        assert metric.better in ("more", "less", "")
        assert set(metric.needs) <= set(OPTIONS)
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)


def test_what_needs_no_other_package_is_always_there(reader):
    made, missing = make_metrics()
    assert made.keys() >= WITHOUT_WEIGHTS
    assert made.keys() | missing.keys() == set(METRICS)
    for name, why in missing.items():
        assert name not in WITHOUT_WEIGHTS
        assert "\n" not in why
        with pytest.raises(JudgeMissing):  # asked for by name, it is an error
            make_metrics([name])


def test_figures_are_those_of_the_functions(evidence, reader):
    e, names = evidence, WITHOUT_WEIGHTS - {"niqe", "ms_ssim"}
    found = {name: float(measure(e)) for name, measure in make_metrics(names)[0].items()}
    assert found["psnr"] == metrics.psnr(e.video, e.truth).item()
    assert found["detail_ratio"] == metrics.high_frequency_ratio(e.video, e.truth).item()
    assert found["warping_error"] == metrics.warping_error(e.video, e.truth).item()
    assert found["sharpness"] == measure_quality(to_frames(e.video[0])).sharpness
    assert found["seam_ratio"] == seam_ratio(e.video, [32], [32, 64], reference=e.truth).item()
    assert found["colour_shift"] == colour_shift(e.video, e.small).item()
    assert found["reference_texture"] > 0.9


def test_likeness_is_one_for_the_picture_itself(reader):
    still = noise(1, 3, 1, 48, 48).expand(-1, -1, 3, -1, -1)
    measure = make_metrics(["reference_likeness"])[0]["reference_likeness"]
    assert float(measure(Evidence(still, references=(still[0, :, 0],)))) == pytest.approx(1, abs=1e-5)
    other = noise(3, 48, 48, seed=5) * 0.2 + 0.8
    assert float(measure(Evidence(still, references=(other,)))) < 1


def test_without_a_truth_the_motion_is_the_inputs_or_its_own(evidence):
    measure = make_metrics(["warping_error"])[0]["warping_error"]
    calm = torch.nn.functional.avg_pool3d(evidence.video, (1, 9, 9), 1, (0, 4, 4))[:, :, :1]  # with motion to follow
    moving = torch.cat([calm, calm.roll(2, dims=-1), calm.roll(4, dims=-1)], dim=2)
    small = torch.nn.functional.avg_pool3d(moving, (1, 4, 4))
    own = metrics.warping_error(moving, moving).item()
    assert float(measure(Evidence(moving))) == own
    assert float(measure(Evidence(moving, small=small))) not in (own, float("nan"))


def test_what_is_lacking_is_said_by_its_option(evidence):
    assert METRICS["psnr"].lacks(Evidence(evidence.video)) == "needs --against"
    assert METRICS["clip_i"].lacks(Evidence(evidence.video)) == "needs --reference"
    assert METRICS["flicker"].lacks(Evidence(evidence.video[:, :, :1], evidence.truth)) == "needs 2 frames"
    assert METRICS["psnr"].lacks(evidence) == METRICS["seam_ratio"].lacks(evidence) == ""
    assert METRICS["ms_ssim"].lacks(evidence) == "needs 176 pixels a side"
    with pytest.raises(ValueError, match="metrics=nothing: unknown; allowed psnr, ssim"):
        make_metrics(["psnr", "nothing"])


def test_what_cannot_be_measured_is_not_made(monkeypatch):
    monkeypatch.setattr(video_metrics, "load", lambda *_: pytest.fail("weights were read"))
    made, left_out = make_metrics(given={"truth"})
    assert {"psnr", "detail"} <= made.keys()
    assert left_out["reference_likeness"] == left_out["dino_i"] == "needs --reference"
    with pytest.raises(ValueError, match="metrics=colour_shift: needs --input"):
        make_metrics(["psnr", "colour_shift"], given={"truth"})


@pytest.mark.parametrize("size", [(1, 8, 8), (2, 12, 40), (3, 64, 64)])
def test_a_video_of_any_size_is_judged_by_what_fits_it(size, reader):
    video = noise(1, 3, *size)
    small = Evidence(video, video * 0.9, video[..., ::4, ::4], (video[0, :, 0],), video * 0.8)
    for name, measure in make_metrics(given={"truth", "small", "references", "reference_video"})[0].items():
        if not METRICS[name].lacks(small):
            float(measure(small))


def test_programs_are_given_the_frames_as_a_file(evidence):
    with evidence.file() as path:
        frames = read_video(path).frames
    assert frames.shape == (3, 64, 96, 3)
    assert not path.exists()
