"""What references add is measured, on the smallest models: what must hold whatever they have learnt."""

from itertools import groupby

import pytest
import torch

from cvsr.data.edits import MISTAKES
from cvsr.data.resize import resize
from cvsr.data.video import to_frames, to_tensor
from cvsr.measurements import references
from cvsr.measurements.clips import eight_bit
from cvsr.measurements.likeness import Likeness
from cvsr.measurements.reference_clips import NONE, identity_clip
from cvsr.pipelines.redrawing import Redrawing
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline

GROUPS = ["identity, redrawn", "identity, reduced", "editing, redrawn", "editing, reduced"]


class Noting(UniMMVSRPipeline):
    """Notes what it was asked."""

    noted = []

    def __call__(self, video, references=(), **settings):
        self.noted.append((video, len(references), settings, settings["generator"].initial_seed()))
        return super().__call__(video, references, **settings)


@pytest.fixture(scope="module")
def models(reference_models):
    stage, base, reader = reference_models
    return Noting(**vars(stage)), base, reader


@pytest.fixture(scope="module")
def rows(models):
    return references.measure(*models, count=2, seed=7, frames=5, pixels=64)


def figures(rows, method, group):
    (row,) = [row for row in rows if (row.method, row.clips) == (method, group)]
    return {name: figure.mean for name, figure in row.figures.items()}


def test_every_choice_of_references_has_rows_beside_anchors(rows):
    groups = [group for group, _ in groupby(row.clips for row in rows)]
    assert groups[:4] == GROUPS
    parts = {f"identity, {kind}, {mistake} mistaken" for kind in references.INPUTS for mistake in MISTAKES}
    assert set(groups[4:]) <= parts
    assert all(f"identity, {kind}, {identity_clip(0, 5, 64).mistake} mistaken" in groups for kind in references.INPUTS)
    for group in groups:
        names = {row.method for row in rows if row.clips == group}
        assert {"truth", "codec of the truth", "bicubic", "no references", f"no references, {references.HELD}"} < names
        shown = "right references" if group.startswith("identity") else "reference video"
        assert {shown, f"{shown} less none", f"{shown} less none, {references.HELD}"} < names
        assert ({references.COLOURED, "true colours less none"} < names) == group.startswith("identity")
        assert set(figures(rows, shown, group)) >= {"psnr_inside", "psnr_outside", "texture_correlation"}
    assert "likeness_to_reference" in figures(rows, "wrong references", GROUPS[0])
    assert "likeness_to_reference" not in figures(rows, "bicubic", GROUPS[2])


def test_clips_of_which_the_same_was_mistaken_make_up_all(rows):
    def counts(group):
        return sum(row.count for row in rows if row.method == NONE and row.clips.startswith(group))

    for kind in references.INPUTS:
        assert counts(f"identity, {kind}, ") == next(
            row.count for row in rows if (row.method, row.clips) == (NONE, f"identity, {kind}")
        )


def test_the_truth_is_itself(rows):
    truth = figures(rows, "truth", GROUPS[0])
    assert truth["texture_correlation"] == pytest.approx(1)
    assert truth["coarse_texture_correlation"] == pytest.approx(1)
    assert truth["likeness_to_truth"] == pytest.approx(1)
    assert truth.keys().isdisjoint({"psnr_inside", "psnr_outside"})  # infinite
    assert figures(rows, "bicubic", GROUPS[1])["psnr_inside"] > figures(rows, "bicubic", GROUPS[0])["psnr_inside"]


@pytest.mark.parametrize("name", ["right references", "wrong references", "one reference more"])
def test_differences_are_paired_by_clip(rows, name):
    with_them, without = figures(rows, name, GROUPS[0]), figures(rows, "no references", GROUPS[0])
    for figure, difference in figures(rows, f"{name} less none", GROUPS[0]).items():
        assert difference == pytest.approx(with_them[figure] - without[figure], abs=1e-5)
    assert figures(rows, f"{name} less none", GROUPS[0])["psnr_inside"] != 0


def test_all_is_made_of_the_same_inputs_from_the_same_noise(rows, models):
    pipeline, base, _ = models
    assert {seed for *_, seed in pipeline.noted} == {7, 8}
    clip = identity_clip(0, 5, 64)
    reduced = eight_bit(resize(clip.source, 16, 16))
    redrawn = to_tensor(Redrawing(base, clip.caption)(to_frames(reduced[0]), references.ALPHA, 7))[None]
    asked = iter(pipeline.noted)
    for small in (redrawn, reduced):
        for shown, (video, count, settings, seed) in zip(clip.shown.values(), asked, strict=False):
            assert torch.equal(video, small)
            assert (count, settings["prompt"], settings["consistency"]) == (len(shown), clip.caption, 0)
            assert seed == 7


def test_true_colours_are_the_objects_means_and_nothing_else():
    clip = identity_clip(1, 5, 64)
    grey = torch.zeros_like(clip.truth)
    coloured = references.in_true_colours(grey, clip)
    for subject in clip.subjects:
        seen = torch.from_numpy(subject.seen)
        mean = clip.truth[0][:, seen].mean(1, keepdim=True)
        assert torch.allclose(coloured[0][:, seen], mean.expand(-1, int(seen.sum())), atol=1e-6)
    elsewhere = ~clip.mask[0]
    assert torch.equal(coloured[0][:, elsewhere], grey[0][:, elsewhere])
    assert not grey.any()
    assert torch.allclose(references.in_true_colours(clip.truth, clip), clip.truth, atol=1e-6)


def test_figures_are_of_what_would_be_written_to_a_file(models):
    clip = identity_clip(0, 5, 64)
    likeness = Likeness(models[2], clip.truth, clip.subjects)
    video = (clip.truth + 0.1 * torch.randn_like(clip.truth)) * 1.5
    assert references.judge(video, clip, likeness) == references.judge(eight_bit(video), clip, likeness)


def test_clips_that_show_nothing_of_their_references_are_left_out(models, monkeypatch):
    def unseen(seed, frames, pixels):
        clip = identity_clip(seed, frames, pixels)
        clip.mask[:] = seed == 1  # all of the frames, or nothing
        return clip

    monkeypatch.setattr(references, "CLIPS", {"identity": unseen})
    assert references.measure(*models, count=2, frames=1, pixels=64) == []
