"""Crops of shards come by number, batches pad their texts, and a run that stopped goes on exactly."""

import json
from itertools import islice

import numpy as np
import pytest
import torch
import webdataset
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.degradations.pipeline import parse_pipeline
from cvsr.data.images import write_image
from cvsr.data.reference_augmentation import ReferenceAugmentation
from cvsr.data.references import References, write_references
from cvsr.data.shards import build_shards
from cvsr.data.shards_reading import ShardClips, _draw_crop, _draw_place, check_shards, collate
from cvsr.data.shards_settings import ShardSettings
from cvsr.data.stream import Bucket, Ticket, random_of, stream

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


def test_clips_without_references_are_drawn_as_ever(folder):
    """Runs that began before there were references go on with the same samples."""
    clips, keys, sources = ShardClips(folder, **MODELS, seed=1), ["world-0", "world-1"], whole(folder)
    for number in range(20):
        rng, sample = random_of(1, number), clips[Ticket(number, BUCKETS[0])]
        latents, low = sources[keys[[rng.choice(1, p=[1.0]), rng.integers(2)][1]]]
        y, x = (int(rng.integers(side - 6 + 1)) for side in latents.shape[2:])
        np.testing.assert_array_equal(sample["latents"], latents[:, :2, y : y + 6, x : x + 6])
        np.testing.assert_array_equal(sample["low"], low[rng.integers(3), :, :2, y : y + 6, x : x + 6])
        assert sample["references"] == []


PLACES = np.empty((3, 9, 2, 16, 16), np.float32)  # x tells picture and column, y frame and row
PLACES[:, :, 0] = (np.arange(16) + 16 * np.arange(3).reshape(-1, 1, 1, 1)) / 48
PLACES[:, :, 1] = (np.arange(16)[:, None] + 16 * np.arange(9).reshape(-1, 1, 1)) / 144


@pytest.fixture(scope="module")
def referring(tmp_path_factory):
    """Three tasks: a clip whose upper left corner is its subject, with three pictures, each of one grey; a clip that is
    its own reference video, four frames earlier and later; and one with neither.
    """
    clips, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    videos = {
        name: rng.integers(0, 256, (17, 128, 128, 3), np.uint8) for name in ("edit-0", "identity-0", "world-0")
    }
    for name, video in videos.items():
        np.save(clips / f"{name}.npy", video[4:13])
        (clips / f"{name}.txt").write_text(name)
    pictures = np.full((3, 1, 24, 24, 3), np.array([50, 100, 150]).reshape(3, 1, 1, 1, 1), np.uint8)
    write_references(clips / "identity-0.npy", References(pictures, pictures[..., 0] > 0, places=PLACES))
    write_references(clips / "edit-0.npy", References(videos["edit-0"][None]))
    corner = np.zeros((9, 128, 128), np.uint8)
    corner[:, :32, :32] = 255
    write_image(clips / "identity-0.png", corner.reshape(-1, 128), "", ".png")
    folder = tmp_path_factory.mktemp("shards")
    settings = ShardSettings(parse_pipeline([]), variants=2, augmentation=ReferenceAugmentation(strength=0))
    build_shards(folder, clips, settings, lambda v: v[:, :, ::4, ::8, ::8], "c0dec", embed, "7ext")
    return folder


def drawn(folder, name, count=60, frames=2, **settings):
    clips = ShardClips(folder, **MODELS, shares={name: 1.0}, **settings)
    return [clips[Ticket(number, Bucket(1, frames, 8))] for number in range(count)]


def test_some_pictures_come_whole_in_any_order(referring):
    rows = []
    for sample in drawn(referring, "identity", dropout=0.0):
        assert all(picture.shape == (3, 1, 3, 3) for picture in sample["references"])
        greys = [picture.unique().item() for picture in sample["references"]]
        rows.append(tuple(round((grey + 1) * 127.5) for grey in greys))
    assert {len(row) for row in rows} == {1, 2, 3}
    assert all(len(set(row)) == len(row) for row in rows)
    assert {row[0] for row in rows if len(row) == 3} == {50, 100, 150}


def test_places_are_those_of_the_pictures_and_cut_where_the_clip_is(referring):
    every = torch.from_numpy(PLACES[:, [0, 3, 7]]).transpose(1, 2)  # of the middle ones of latent frames
    for sample in drawn(referring, "identity", 20, frames=3, dropout=0.0):
        numbers = [round((picture.unique().item() + 1) * 127.5) // 50 - 1 for picture in sample["references"]]
        assert len(sample["places"]) == len(numbers)
        x, y = sample["places"][0][:, 0, 0, 0].tolist()
        left, top = round(48 * x) - 16 * numbers[0], round(144 * y)
        for number, places in zip(numbers, sample["places"], strict=True):
            expected = every[number, :, :, top : top + 8, left : left + 8]
            torch.testing.assert_close(places, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_reference_video_is_cut_where_its_clip_is(referring, frames):
    for sample in drawn(referring, "edit", 10, frames, dropout=0.0):
        (video,) = sample["references"]
        assert video.shape == (3, frames, 8, 8)
        assert torch.equal(video, sample["latents"])


@pytest.mark.parametrize("dropout", [0.0, 0.25, 1.0])
def test_references_are_left_out_at_random(referring, dropout):
    samples = drawn(referring, "identity", 200, dropout=dropout)
    assert np.mean([not sample["references"] for sample in samples]) == pytest.approx(dropout, abs=0.07)
    again = drawn(referring, "identity", 200, dropout=dropout)
    assert [len(sample["references"]) for sample in samples] == [len(sample["references"]) for sample in again]
    with pytest.raises(ValueError, match=r"dropout=1\.5: no probabilities"):
        drawn(referring, "identity", dropout=1.5)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Two clips of one task, whose pictures are of another grey each, and one of another task, which has none."""
    clips, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    for name, grey in {"identity-0": 50, "identity-1": 100, "world-0": None}.items():
        np.save(clips / f"{name}.npy", rng.integers(0, 256, (9, 64, 64, 3), np.uint8))
        (clips / f"{name}.txt").write_text(name)
        if grey:
            picture = np.full((1, 1, 24, 24, 3), grey, np.uint8)
            places = np.full((1, 9, 2, 8, 8), 0.5, np.float32)
            write_references(clips / f"{name}.npy", References(picture, picture[..., 0] > 0, places=places))
    folder = tmp_path_factory.mktemp("shards")
    settings = ShardSettings(parse_pipeline([]), variants=1, augmentation=ReferenceAugmentation(strength=0))
    build_shards(folder, clips, settings, lambda v: v[:, :, ::4, ::8, ::8], "c0dec", embed, "7ext")
    return folder


@pytest.mark.parametrize("wrong", [0.0, 0.3, 1.0])
def test_some_clips_are_shown_the_references_of_another(strangers, wrong):
    own = {"identity-0": 50, "identity-1": 100}
    samples = drawn(strangers, "identity", 200, dropout=0.0, wrong=wrong)
    greys = [round((sample["references"][0].unique().item() + 1) * 127.5) for sample in samples]
    others = [grey != own[sample["caption"]] for grey, sample in zip(greys, samples, strict=True)]
    assert np.mean(others) == pytest.approx(wrong, abs=0.08)
    assert others == [not sample["places"] for sample in samples]  # nothing of the clip is in another's
    for sample, right in zip(samples, drawn(strangers, "identity", 200, dropout=0.0), strict=True):
        if not wrong:
            assert torch.equal(sample["references"][0], right["references"][0])
    with pytest.raises(ValueError, match=r"wrong=-0\.1: no probabilities"):
        drawn(strangers, "identity", wrong=-0.1)


def test_a_clip_keeps_its_references_where_the_other_has_none(strangers):
    clips = ShardClips(strangers, **MODELS, dropout=0.0, wrong=1.0)  # one source: identities and the world
    samples = [clips[Ticket(number, Bucket(1, 2, 8))] for number in range(60)]
    shown = {
        (sample["caption"], round((picture.unique().item() + 1) * 127.5))
        for sample in samples
        for picture in sample["references"]
    }
    assert shown == {(f"identity-{own}", grey) for own in (0, 1) for grey in (50, 100)}
    assert not any(sample["references"] for sample in samples if sample["caption"] == "world-0")


def test_most_crops_show_what_the_references_do(referring):
    shown = [sample["subject"].any() for sample in drawn(referring, "identity", 300, seed=2)]
    assert np.mean(shown) == pytest.approx(0.8 + 0.2 * (4 / 9) ** 2, abs=0.06)  # the rest are drawn evenly


@given(
    reduction=st.sampled_from([1, 2, 4]),
    height=st.integers(2, 6),
    width=st.integers(2, 6),
    size=st.integers(1, 2),
    seed=st.integers(0, 2**32),
)
def test_a_crop_on_the_subject_holds_some_of_it(reduction, height, width, size, seed):
    rng, bucket = np.random.default_rng(seed), Bucket(1, 2, size * reduction)
    shape = (3, 2, height * reduction, width * reduction)
    subject = np.zeros((1, *shape[1:]), np.float16)
    subject[0, 1, rng.integers(shape[2]), rng.integers(shape[3])] = 0.5
    place = _draw_place(rng, subject)
    assert subject[0, 1, *place] == 0.5
    crop, small_crop = _draw_crop(rng, shape, bucket, reduction, place)
    assert subject[crop].shape == (1, 2, bucket.size, bucket.size)
    assert subject[crop].any()
    assert [s.start * reduction for s in small_crop[2:]] == [s.start for s in crop[2:]]
    assert _draw_place(rng, np.zeros_like(subject)) is None


def test_batches_hold_samples_with_and_without_references(referring):
    samples = [*drawn(referring, "edit", 2, dropout=0.0), *drawn(referring, "world", 1)]
    (group,) = collate(samples)
    assert group["latents"].shape == (3, 3, 2, 8, 8)
    assert [len(row) for row in group["references"]] == [1, 1, 0]
    assert torch.equal(group["references"][1][0], group["latents"][1])
    assert "references" not in collate(samples[2:])[0]


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


def test_a_patch_knows_its_place_and_the_whole_that_it_is_part_of(tmp_path):
    """Latents that tell where they are."""
    clips, folder = tmp_path / "clips", tmp_path / "shards"
    clips.mkdir()
    np.save(clips / "a.npy", np.random.default_rng(0).integers(0, 256, (5, 64, 96, 3), np.uint8))
    (clips / "a.txt").write_text("a")
    half = {"resize": {"factor": [0.5, 0.5], "reduce": 1, "enlarge": 0}}
    settings = ShardSettings(parse_pipeline([half, {"jpeg": {"quality": [5, 90]}}]), variants=3, whole=32)

    def encode(video):
        rows, columns = (torch.arange(side // 8.0) for side in video.shape[-2:])
        place = torch.stack([rows[:, None].expand(-1, len(columns)), columns.expand(len(rows), -1)])
        pixels = video[:, :1, ::4, ::8, ::8]
        return torch.cat([place[None, :, None].expand(-1, -1, pixels.shape[2], -1, -1), pixels], dim=1)

    build_shards(folder, clips, settings, encode, "c0dec", embed, "7ext")
    wholes = next(iter(webdataset.WebDataset([str(folder / "shard-00000.tar")], shardshuffle=False).decode()))
    data, variants = ShardClips(folder, **MODELS), set()
    for number in range(20):
        sample = data[Ticket(number, Bucket(batch=1, frames=1, size=4))]
        top, left = sample["latents"][:2, 0, 0, 0].tolist()
        (variant,) = (v for v in range(3) if np.array_equal(wholes["whole.npy"][v][:, :1], sample["whole"]))
        y0, x0, y1, x1 = wholes["window.npy"][variant].astype(int)
        height, width = y1 - y0, x1 - x0
        edges = [(top - y0) / height, (left - x0) / width, (top + 4 - y0) / height, (left + 4 - x0) / width]
        torch.testing.assert_close(sample["place"], torch.tensor(edges, dtype=torch.float32))
        assert 0 <= sample["place"].min() <= sample["place"].max() <= 1
        assert sample["scale"] == 2
        assert sample["whole"].shape == (3, 1, 4, 4)
        variants.add(variant)
    assert variants == {0, 1, 2}
    (group,) = collate([data[Ticket(number, Bucket(1, 1, 4))] for number in range(3)])
    assert (group["place"].shape, group["scale"].shape, group["whole"].shape) == ((3, 4), (3,), (3, 3, 1, 4, 4))


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
    of_photographs = Bucket(1, 1, 8, sources=("photograph",))
    assert {clips[Ticket(i, of_photographs)]["caption"] for i in range(20)} == {"photograph-0"}


def test_a_bucket_of_some_sources_is_not_stopped_by_others_that_do_not_fill_it(folder):
    clips = ShardClips(folder, **MODELS, shares={"photograph": 0.5, "world": 0.5})
    with pytest.raises(ValueError, match="begins with 'photograph'"):
        clips[Ticket(0, Bucket(1, 2, 8))]
    of_the_world = clips[Ticket(0, Bucket(1, 2, 8, sources=("world",)))]
    assert of_the_world["latents"].shape[1:] == (2, 8, 8)


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
