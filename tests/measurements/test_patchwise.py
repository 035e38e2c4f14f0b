"""Seams, fidelity and cost of patches are measured, on the smallest model: what must hold whatever it has learnt."""

import pytest
import torch

from cvsr.data.resize import resize
from cvsr.diffusion.joint_modulation import JOININGS
from cvsr.evaluation.metrics import psnr
from cvsr.evaluation.seams import seam_ratio
from cvsr.measurements import patch_cost, patchwise
from cvsr.measurements.clips import eight_bit, world_clips
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import PATCHVSR_SAMPLING, PRESETS
from cvsr.systems.base import build_super_resolution
from cvsr.systems.patchvsr import build_patchvsr

PLAIN = {"detail": 1.0, "consistency": 0}


@pytest.fixture(scope="module")
def pipeline() -> PatchVSRPipeline:
    torch.manual_seed(0)
    stage = build_patchvsr(PRESETS["tiny"], ["a red ball"])
    for weight in stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    return PatchVSRPipeline(**vars(stage))


@pytest.fixture(scope="module")
def base() -> SuperResolutionPipeline:
    torch.manual_seed(1)
    return SuperResolutionPipeline(**vars(build_super_resolution(PRESETS["tiny"], ["a red ball"])))


@pytest.fixture(scope="module")
def rows(pipeline, base):
    rows = patchwise.measure(pipeline, base, world_clips(2, frames=5, pixels=64), seed=4, **PLAIN)
    return {row.method: {name: figure.mean for name, figure in row.figures.items()} for row in rows}


def test_every_joining_has_a_row_beside_anchors(rows):
    assert list(rows) == ["bicubic", "codec of bicubic", "base, in one piece", *JOININGS, "joint, magnitude 1"]
    assert "seam_ratio" not in rows["bicubic"]
    psnrs = [rows[name]["psnr"] for name in (*JOININGS, "joint, magnitude 1")]
    assert len(set(psnrs)) == len(psnrs)
    assert all(rows[name]["seconds"] > 0 for name in rows)


def test_figures_are_means_over_clips_enlarged_from_the_seed_at_the_borders_of_each_joining(pipeline, base, rows):
    close, seams = [], []
    for clip in world_clips(2, frames=5, pixels=64):
        truth = clip.load()
        small = eight_bit(resize(truth, 16, 16))
        noise = [torch.Generator().manual_seed(4) for _ in range(2)]
        made = pipeline(small, joining="stitched", generator=noise[0], **PLAIN).frames
        whole = base(small, strength=PATCHVSR_SAMPLING.strength, generator=noise[1], **PLAIN).frames
        close.append(float(psnr(eight_bit(made), truth)))
        seams.append(float(seam_ratio(made, [32], [32], 8, whole)))
    assert rows["stitched"]["psnr"] == pytest.approx(sum(close) / 2, abs=1e-3)
    assert rows["stitched"]["seam_ratio"] == pytest.approx(sum(seams) / 2, rel=1e-3)


def test_cost_grows_with_the_patches_and_the_network_stays_within_its_budget(pipeline):
    budget = 1e-4  # GiB: one patch, or two
    rows = patch_cost.measure(pipeline, [(64, 64), (96, 128), (128, 256)], memory=budget, rounds=2)
    *sizes, fit = [{name: figure.mean for name, figure in row.figures.items()} for row in rows]
    assert [row.method for row in rows] == ["64×64", "128×96", "256×128", patch_cost.FIT]
    assert [each["patches"] for each in sizes] == [9, 35, 105]
    assert sizes[0]["megapixels"] == pytest.approx(0.004096)
    assert sizes[0]["network_mib"] == pytest.approx(sizes[-1]["network_mib"], rel=0.01)
    assert sizes[0]["network_mib"] < 1024 * budget
    assert all(each["seconds"] > 0 for each in sizes)
    assert sizes[0]["peak_mib"] < sizes[1]["peak_mib"] < sizes[2]["peak_mib"]
    assert 0.4 < fit["peak_mib"] < 1.1
    assert fit["network_mib"] == pytest.approx(0, abs=0.01)
    assert 1 < fit["patches"] < 1.3
    assert "megapixels" not in fit
