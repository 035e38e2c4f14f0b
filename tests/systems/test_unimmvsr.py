"""UniMMVSR's parts fit each other; references are read, guide when they shall, and are cut with the tiles."""

import pytest
import torch

from cvsr.data.resize import resize
from cvsr.models.autoencoder import encode_to_latents
from cvsr.pipelines.references import AREA, image_to_read
from cvsr.pipelines.tiling import Tiling
from cvsr.pipelines.unimmvsr import ReferenceEnlargement, UniMMVSRPipeline
from cvsr.presets import PRESETS
from cvsr.systems.unimmvsr import DESIGNS, build_unimmvsr

SETTINGS = {"num_inference_steps": 2, "detail": 1.0, "consistency": 0}


@pytest.fixture(scope="module")
def pipeline() -> UniMMVSRPipeline:
    torch.manual_seed(0)
    stage = build_unimmvsr(PRESETS["tiny"], ["a red ball"])
    for weight in stage.transformer.parameters():  # fresh networks return 0
        weight.data.add_(torch.randn_like(weight) * 0.1)
    made = UniMMVSRPipeline(**vars(stage))
    made.set_progress_bar_config(disable=True)
    return made


def video(frames: int = 5, height: int = 8, width: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, frames, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def enlarged(pipeline, small, **settings) -> torch.Tensor:
    return pipeline(small[None], **SETTINGS | settings, generator=torch.Generator().manual_seed(0)).frames[0]


def test_any_number_of_images_and_videos_of_any_size(pipeline):
    small = video()
    plain = enlarged(pipeline, small)
    image, other = video(1, 50, 30, seed=1)[:, 0], video(9, 16, 16, seed=2)
    results = [plain]
    for references in ([image], [other], [image, other, image]):
        results.append(enlarged(pipeline, small, references=references))
        assert results[-1].shape == (3, 5, 32, 48)
        assert all((results[-1] - before).abs().max() > 1e-3 for before in results[:-1])
    torch.testing.assert_close(enlarged(pipeline, small, references=[], reference_guidance=2.0), plain)


def test_what_references_change_clearly_is_not_held_to_the_input(pipeline):
    image = video(1, 16, 16, seed=1)[:, 0]
    small, result = torch.zeros(1, 3, 1, 8, 8), torch.ones(1, 3, 1, 32, 32)

    def held(**settings):
        return ReferenceEnlargement(**settings).completed(pipeline.sampling).corrected(result, small)

    torch.testing.assert_close(held(references=[image]), result)
    for everything in ({}, {"references": [image], "agreement": float("inf")}):
        torch.testing.assert_close(held(**everything), torch.zeros_like(result))
    for freely in ({"consistency": 0}, {"references": [image], "consistency": 0}):
        torch.testing.assert_close(held(**freely), result)


@pytest.mark.parametrize("conditioning", list(DESIGNS))
def test_every_design_of_conditioning_reads_references_and_input(conditioning):
    torch.manual_seed(0)
    stage = build_unimmvsr(PRESETS["tiny"], ["a red ball"], conditioning)
    for weight in stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    made = UniMMVSRPipeline(**vars(stage))
    made.set_progress_bar_config(disable=True)
    made.check_parts()
    small, image, film = video(), video(1, 50, 30, seed=1)[:, 0], video(9, 16, 16, seed=2)
    plain, told = enlarged(made, small), enlarged(made, small, references=[image, film])
    assert plain.shape == told.shape == (3, 5, 32, 48)
    assert (told - plain).abs().max() > 1e-3


def test_unknown_designs_are_named():
    with pytest.raises(ValueError, match=r"conditioning='both': unknown; allowed \['hybrid', 'channel', 'token'\]"):
        build_unimmvsr(PRESETS["tiny"], ["a ball"], "both")
    with pytest.raises(ValueError, match="positions='shared': by channel there are none"):
        build_unimmvsr(PRESETS["tiny"], ["a ball"], "channel", "shared")


def test_two_videos_of_a_batch_are_told_the_same(pipeline):
    both = torch.stack([video(), video(seed=5)])
    image = video(1, 16, 16, seed=1)[:, 0]
    seeds = [torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)]
    together = pipeline(both, references=[image], **SETTINGS, generator=seeds).frames
    alone = enlarged(pipeline, both[1], references=[image])
    torch.testing.assert_close(together[1], alone, rtol=1e-4, atol=1e-4)


def test_guidance_by_references_stops_at_the_cutoff(pipeline, monkeypatch):
    asked = []
    predict = type(pipeline).predict

    def counted(self, x, *arguments, **levels):
        asked.append(len(x))
        return predict(self, x, *arguments, **levels)

    monkeypatch.setattr(type(pipeline), "predict", counted)
    image = video(1, 16, 16, seed=1)[:, 0]
    told = {"references": [image], "num_inference_steps": 10, "guidance_scale": 4.0, "reference_guidance": 1.0}
    guided = enlarged(pipeline, video(), **told)
    assert asked == [3] * 3 + [2] * 7
    asked.clear()
    assert (enlarged(pipeline, video(), **told | {"reference_guidance": 0.0}) - guided).abs().max() > 1e-3
    assert asked == [2] * 10


def test_a_tile_reads_its_own_place_and_time_of_a_reference_video(pipeline, monkeypatch):
    """A codec whose latents are the pixels' positions tells what was read."""
    read = []
    monkeypatch.setattr("cvsr.pipelines.unimmvsr.encode_to_latents", lambda _, v: read.append(v) or v[..., ::8, ::8])
    monkeypatch.setattr("cvsr.pipelines.super_resolution.encode_to_latents", encode_to_latents)
    monkeypatch.setattr(
        UniMMVSRPipeline, "predict", lambda self, x, t, text, mask, references, **_: torch.zeros_like(x[:, :4])
    )
    reference = torch.linspace(-1, 1, 7)[None, :, None, None] * torch.ones(3, 1, 32, 80)  # shows its time
    reference = reference * torch.linspace(0, 1, 80)  # and its place
    tiling = Tiling(pixels=48, overlap=16, frames=5, frame_overlap=1)
    enlarged(pipeline, video(9, 8, 20), references=[reference], tiling=tiling, num_inference_steps=1)
    starts = [(round((clip[0, 0, 0, 0, -1] / 79 * 1e3).item()), clip.shape) for clip in read]
    assert [shape[2:] for _, shape in starts] == [(5, 32, 48)] * 4  # two chunks of two tiles
    first_chunk, second_chunk = read[:2], read[2:]
    for left, right in (first_chunk, second_chunk):
        assert right[0, 0, 0, 0, 0].abs() > left[0, 0, 0, 0, 0].abs()
    padded = reference[:, torch.tensor([4, 5, 6, 6, 6])]  # where the reference has ended it stands still
    torch.testing.assert_close(second_chunk[0][0], padded[..., :48])


@pytest.mark.parametrize(("size", "read"), [((128, 128), (128, 128)), ((1000, 250), (256, 64)), ((1, 1), (128, 128))])
def test_images_keep_their_shape_and_come_to_one_area(size, read):
    image = image_to_read(torch.rand(3, *size) * 2 - 1)
    assert image.shape == (1, 3, 1, *read)
    assert image.abs().max() <= 1
    assert read[0] * read[1] == AREA
    flat = torch.full((3, *size), 0.3)
    torch.testing.assert_close(image_to_read(flat), resize(flat[None, :, None], *read))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"references": [torch.zeros(8, 8)]}, r"references\[0\]=\(8, 8\): neither image nor video"),
        ({"references": [torch.zeros(3, 0, 8)]}, r"references\[0\]=\(3, 0, 8\): no pixels"),
        ({"references": ["face.png"]}, r"references\[0\]=str: neither image nor video"),
        ({"reference_guidance": -1.0}, r"reference_guidance=-1\.0: out of range; allowed from 0; try 1"),
        ({"reference_stop": 2.0}, "reference_stop=2.0: no fraction"),
        ({"agreement": 0.0}, r"agreement=0\.0: out of range; allowed above 0"),
        ({"agreement": float("nan")}, "agreement=nan: out of range"),
    ],
)
def test_mistakes_are_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        ReferenceEnlargement(**wrong)
