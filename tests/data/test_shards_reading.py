"""Crops of shards come by number, batches pad their texts, and a run that stopped goes on exactly."""

import json
from itertools import islice

import numpy as np
import pytest
import torch
import webdataset

from cvsr.data.degradations.pipeline import parse_pipeline
from cvsr.data.shards import build_shards
from cvsr.data.shards_reading import ShardClips, check_shards, collate
from cvsr.data.shards_settings import ShardSettings
from cvsr.data.stream import Bucket, Ticket, stream

MODELS = {"codec": "c0dec", "text_encoder": "7ext"}
BUCKETS = [Bucket(batch=3, frames=2, size=6), Bucket(batch=2, frames=1, size=12)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two videos and an image, larger, whose latents are their pixels: every fourth frame, every eighth pixel."""
    clips, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    for name, shape in {
        "world-0": (9, 64, 80),
        "world-1": (9, 64, 64),
        "photograph-0": (1, 128, 104),
    }.items():
        np.save(clips / f"{name}.npy", rng.integers(0, 256, (*shape, 3), np.uint8))
        (clips / f"{name}.txt").write_text("" if name == "world-1" else name)
    folder = tmp_path_factory.mktemp("shards")
    settings = ShardSettings(parse_pipeline([{"jpeg": {"quality": [5, 50]}}]), variants=3, clips_per_shard=2)
    build_shards(folder, clips, settings, lambda v: v[:, :, ::4, ::8, ::8], "c0dec", embed, "7ext")
    return folder


def embed(caption):
    return torch.arange(2.0 * len(caption)).view(-1, 2)


def whole(folder):
    """Each clip's latents and variants, read without the data set's own means."""
    tars = [str(tar) for tar in sorted(folder.glob("*.tar"))]
    decoded = webdataset.WebDataset(tars, shardshuffle=False).decode()
    return {sample["__key__"]: (sample["latents.npy"], sample["low.npy"]) for sample in decoded}


def test_a_crop_is_cut_at_one_place_from_latents_and_from_one_variant(folder):
    clips, sources, variants = ShardClips(folder, **MODELS, seed=1), whole(folder), set()
    for number in range(30):
        sample = clips[Ticket(number, BUCKETS[0])]
        assert sample["latents"].shape == sample["low"].shape == (3, 2, 6, 6)
        assert sample["latents"].dtype == sample["low"].dtype == torch.float32
        places = [
            (key, variant)
            for key, (latents, low) in sources.items()
            if latents.shape[1] == 3
            for y in range(latents.shape[2] - 5)
            for x in range(latents.shape[3] - 5)
            if np.array_equal(latents[:, :2, y : y + 6, x : x + 6], sample["latents"])
            for variant in range(3)
            if np.array_equal(low[variant, :, :2, y : y + 6, x : x + 6], sample["low"])
        ]
        assert len(places) == 1
        variants.add(places[0])
    assert variants == {(key, variant) for key in ("world-0", "world-1") for variant in range(3)}


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    """A clip whose first channel numbers its latent positions, and whose inputs are a quarter as wide and high."""
    clips, folder = tmp_path_factory.mktemp("clips"), tmp_path_factory.mktemp("shards")
    places = np.kron(np.arange(16 * 16).reshape(16, 16), np.ones((8, 8))).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (5, 128, 128), np.uint8)
    np.save(clips / "a.npy", np.stack([np.broadcast_to(places, noise.shape), noise, noise], axis=-1))
    (clips / "a.txt").write_text("a")
    pipeline = parse_pipeline([{"resize": {"factor": [0.25, 0.25], "reduce": 1, "enlarge": 0}}])
    settings = ShardSettings(pipeline, variants=1, reduction=4)
    build_shards(folder, clips, settings, lambda v: v[:, :, ::4, ::8, ::8], "c0dec", embed, "7ext")
    return folder


def test_smaller_inputs_are_cut_where_their_clip_is(reduced):
    clips, starts = ShardClips(reduced, **MODELS), set()
    (latents, low) = whole(reduced)["a"]
    assert low.shape == (1, 3, 2, 4, 4)
    for number in range(40):
        sample = clips[Ticket(number, Bucket(batch=1, frames=1, size=8))]
        assert sample["latents"].shape == (3, 1, 8, 8)
        place = round((sample["latents"][0, 0, 0, 0].item() + 1) * 127.5)
        y, x = place // 16, place % 16
        np.testing.assert_array_equal(sample["latents"], latents[:, :1, y : y + 8, x : x + 8])
        np.testing.assert_array_equal(
            sample["low"], low[0, :, :1, y // 4 : y // 4 + 2, x // 4 : x // 4 + 2]
        )
        starts.add((y, x))
    assert starts == {(y, x) for y in (0, 4, 8) for x in (0, 4, 8)}


def test_a_crop_that_smaller_inputs_have_no_whole_positions_for_is_refused(reduced):
    with pytest.raises(ValueError, match=r"size=6 is no whole number.*multiples of 4; try size=8"):
        ShardClips(reduced, **MODELS)[Ticket(0, Bucket(batch=1, frames=1, size=6))]


def test_clips_that_do_not_fill_a_bucket_are_left_out(folder):
    clips = ShardClips(folder, **MODELS)
    captions = {
        size: {clips[Ticket(i, Bucket(1, 1, size))]["caption"] for i in range(40)} for size in (8, 12)
    }
    assert captions == {8: {"", "world-0", "photograph-0"}, 12: {"photograph-0"}}
    with pytest.raises(ValueError, match=r"no clip is so long and large.*\[3, 3, 8, 10\]"):
        clips[Ticket(0, Bucket(1, 2, 12))]


def test_shares(folder):
    clips = ShardClips(folder, **MODELS, shares={"photograph": 0.75, "world": 0.25})
    drawn = [clips[Ticket(i, Bucket(1, 1, 8))]["caption"] for i in range(300)]
    assert np.mean([caption == "photograph-0" for caption in drawn]) == pytest.approx(0.75, abs=0.07)
    with pytest.raises(ValueError, match="begins with 'film'"):
        ShardClips(folder, **MODELS, shares={"film": 1.0})


def test_texts_are_padded_and_masked():
    def sample(length):
        return {
            "latents": torch.zeros(1),
            "text": 1 + torch.arange(2.0 * length).view(-1, 2),
            "caption": "c" * length,
            "references": [],
        }

    (batch,) = collate([sample(0), sample(3), sample(1)])
    assert batch["text"].tolist() == [[[0, 0]] * 3, [[1, 2], [3, 4], [5, 6]], [[1, 2], [0, 0], [0, 0]]]
    assert batch["text_mask"].tolist() == [[False] * 3, [True] * 3, [True, False, False]]
    assert batch["caption"] == ["", "ccc", "c"]
    assert collate([sample(0)])[0]["text_mask"].tolist() == [[False]]


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_goes_on_where_it_stopped(folder, workers, mixed):
    clips = ShardClips(folder, **MODELS, seed=3)
    undisturbed = list(islice(stream(clips, BUCKETS, 0, 0, collate, mixed), 5))
    resumed = list(islice(stream(ShardClips(folder, **MODELS, seed=3), BUCKETS, 3, workers, collate, mixed), 2))
    assert undisturbed[0][0].keys() == {"latents", "low", "subject", "text", "text_mask", "caption"}
    shapes = [[tuple(group["low"].shape) for group in batch] for batch in undisturbed[:2]]
    video, images = (3, 3, 2, 6, 6), (2, 3, 1, 12, 12)
    assert shapes == ([[video, images]] * 2 if mixed else [[video], [images]])
    assert undisturbed[0][0]["subject"].shape == (3, 1, 2, 6, 6)
    for batch, again in zip(undisturbed[3:], resumed, strict=True):
        for expected, group in zip(batch, again, strict=True):
            assert group["caption"] == expected["caption"]
            for name in group.keys() - {"caption"}:
                assert torch.equal(group[name], expected[name])


def test_shards_of_other_models_are_refused(folder, tmp_path):
    for name in MODELS:
        with pytest.raises(ValueError, match=rf"other settings \({name} differ\)"):
            ShardClips(folder, **MODELS | {name: "other"})
    with pytest.raises(ValueError, match="holds no shards"):
        ShardClips(tmp_path, **MODELS)


def copy(folder, target):
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())


def test_damage_is_found_from_end_to_end(folder, tmp_path):
    check_shards(folder, **MODELS)
    copy(folder, tmp_path)
    damaged = bytearray((tmp_path / "shard-00001.tar").read_bytes())
    damaged[5000] ^= 1
    (tmp_path / "shard-00001.tar").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"shard-00001\.tar is damaged"):
        check_shards(tmp_path, **MODELS)


def test_an_account_that_does_not_add_up_is_found(folder, tmp_path):
    copy(folder, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    del manifest["outputs"]["world-0"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"inputs are not outputs \+ rejects: \['world-0'\]"):
        ShardClips(tmp_path, **MODELS)
