"""Shards hold what they should, name what they reject, and come out the same however often the build was killed."""

import json
import multiprocessing
import os
import shutil
from dataclasses import replace
from itertools import count

import cv2
import numpy as np
import pytest
import torch
import webdataset

from cvsr.data.degradations.pipeline import degrade, from_record, parse_pipeline
from cvsr.data.filtering import QualityFilter
from cvsr.data.reference_augmentation import PictureChange, ReferenceAugmentation, Shift, apply_changes
from cvsr.data.references import References, read_references, write_references
from cvsr.data.resize import resize
from cvsr.data.shards import build_shards
from cvsr.data.shards_manifest import read_manifest
from cvsr.data.shards_settings import ShardSettings
from cvsr.data.video import to_tensor

PIPELINE = parse_pipeline([{"blur": {}}, {"resize": {"factor": [0.25, 0.25], "reduce": 1, "enlarge": 0}}])
SETTINGS = ShardSettings(PIPELINE, variants=3, clips_per_shard=2, seed=5)
MODELS = {"codec": "c0dec", "text_encoder": "7ext"}
REJECTS = {
    "e_dark": "dark: brightness 2.0 under 20",
    "f_blurred": "blurred: sharpness 0.0 under 30",
    "g_cut_off": "unreadable: ",
    "h_untold": "no caption: its .txt is missing",
    "i_odd": "not encoded: height=60",
    "j_grey": "unreadable: frames=uint8",
}


def encode(video):
    """A codec simple enough to foresee: every fourth frame, every eighth pixel."""
    if video.shape[-2] % 8:
        raise ValueError(f"height={video.shape[-2]}: no multiple of 8")
    return video[:, :, ::4, ::8, ::8]


def embed(caption):
    """A row of its position and code for each letter."""
    return torch.tensor([[i, ord(letter)] for i, letter in enumerate(caption)], dtype=torch.float32).view(
        -1, 2
    )


def score(video):
    """Ten for each frame that is looked at."""
    return torch.tensor([10.0 * video.shape[2]])


def build(folder, clips, settings=SETTINGS, musiq=None, **models):
    models = MODELS | models
    return build_shards(
        folder, clips, settings, encode, models["codec"], embed, models["text_encoder"], models.get("guide"), musiq
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Four good clips of different lengths and sizes, and one of every kind that is rejected."""
    folder, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    shapes = {
        "a.mp4": (9, 64, 64),
        "b": (9, 64, 64),
        "c": (5, 64, 96),
        "d": (1, 128, 128),
        "i_odd": (5, 60, 64),
    }
    arrays = {name: rng.integers(0, 256, (*shape, 3), np.uint8) for name, shape in shapes.items()}
    arrays["e_dark"], arrays["f_blurred"] = np.full((2, 5, 64, 64, 3), [[[[[2]]]], [[[[90]]]]], np.uint8)
    arrays["g_cut_off"] = arrays["h_untold"] = arrays["b"]
    arrays["j_grey"] = arrays["b"][..., 0]
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
        (folder / f"{name}.txt").write_text("" if name == "b" else f"clip {name} – ünïcode")
    left = np.arange(64) < 32
    cv2.imwrite(str(folder / "b.png"), np.broadcast_to(255 * left.astype(np.uint8), (9 * 64, 64)))
    os.truncate(folder / "g_cut_off.npy", 1000)
    (folder / "h_untold.txt").unlink()
    return folder


@pytest.fixture(scope="module")
def shards(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    build(folder, clips)
    return folder


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def samples(folder):
    tars = [str(tar) for tar in sorted(folder.glob("*.tar"))]
    decoded = webdataset.WebDataset(tars, shardshuffle=False).decode()
    return {sample["__key__"]: sample for sample in decoded}


def test_the_account(shards):
    manifest = read_manifest(shards, **MODELS)
    assert manifest.outputs == {
        "a_mp4": "shard-00000",
        "b": "shard-00000",
        "c": "shard-00001",
        "d": "shard-00001",
    }
    assert manifest.rejects.keys() == REJECTS.keys()
    assert all(manifest.rejects[key].startswith(reason) for key, reason in REJECTS.items())
    assert sorted(manifest.settings["inputs"]) == sorted([*manifest.outputs, *manifest.rejects])
    assert list(manifest.settings) == [
        *("degradations", "variants", "reduction", "quality", "clips_per_shard", "seed"),  # no references: as ever
        *("codec", "text_encoder", "inputs"),
    ]
    assert manifest.settings["quality"] == {"brightness": [20.0, 235.0], "sharpness": 30.0}
    assert manifest.settings["degradations"] == json.loads(json.dumps(PIPELINE.describe()))
    assert manifest.summary() == (
        "10 inputs = 4 outputs + 6 rejects (blurred 1, dark 1, no caption 1, not encoded 1, unreadable 2)"
    )


def test_other_readers_of_webdataset_find_what_was_made(shards, clips):
    found = samples(shards)
    assert list(found) == ["a_mp4", "b", "c", "d"]
    frames, sample = np.load(clips / "c.npy"), found["c"]
    assert np.array_equal(sample["latents.npy"], encode(to_tensor(frames)[None])[0].half().numpy())
    assert sample["low.npy"].shape == (3, 3, 2, 8, 12)
    assert sample["low.npy"].dtype == np.float16
    assert sample["caption.txt"] == "clip c – ünïcode"
    assert np.array_equal(sample["text.npy"], embed("clip c – ünïcode").half().numpy())
    assert found["b"]["text.npy"].shape == (0, 2)
    assert (found["b"]["subject.npy"] == (np.arange(8) < 4)).all()
    assert not sample["subject.npy"].any()
    assert sample["subject.npy"].shape == (1, 2, 8, 12)


def test_windows_of_inputs_are_kept_in_small_with_how_much_they_grew(clips, tmp_path):
    pipeline = parse_pipeline([{"resize": {"factor": [0.25, 1.0], "reduce": 1, "enlarge": 0}}])
    build(tmp_path, clips, ShardSettings(pipeline, variants=2, clips_per_shard=20, whole=32))
    frames, sample = np.load(clips / "c.npy"), samples(tmp_path)["c"]
    assert sample["whole.npy"].shape == (2, 3, 2, 4, 4)
    assert sample["scale.npy"].shape == (2,)
    for index, record in enumerate(sample["degradations.json"]):
        degraded = degrade(from_record(record), frames)
        assert sample["scale.npy"][index] == np.float16(64 / degraded.shape[1])
        enlarged = resize(to_tensor(degraded)[None], 64, 96).clamp(-1, 1)
        assert np.array_equal(sample["low.npy"][index], encode(enlarged)[0].half().numpy())
        top, left, bottom, right = 8 * sample["window.npy"][index].astype(int)
        assert 32 <= bottom - top <= 64
        assert 32 <= right - left <= 96
        small = resize(enlarged[..., top:bottom, left:right], 32, 32).clamp(-1, 1)
        assert np.array_equal(sample["whole.npy"][index], encode(small)[0].half().numpy())


def test_the_records_lead_to_the_inputs(shards, clips):
    frames, sample = np.load(clips / "c.npy"), samples(shards)["c"]
    assert len({json.dumps(record) for record in sample["degradations.json"]}) == 3
    for low, record in zip(sample["low.npy"], sample["degradations.json"], strict=True):
        degraded = degrade(from_record(record), frames)
        assert degraded.shape == (5, 16, 24, 3)
        enlarged = resize(to_tensor(degraded)[None], 64, 96).clamp(-1, 1)
        assert np.array_equal(low, encode(enlarged)[0].half().numpy())


def test_a_second_build_changes_nothing_and_a_lost_shard_comes_back(shards, clips):
    before = content(shards)
    times = {path: path.stat().st_mtime_ns for path in shards.glob("shard-*")}
    build(shards, clips)
    assert {path: path.stat().st_mtime_ns for path in shards.glob("shard-*")} == times
    (shards / "shard-00001.tar").unlink()
    os.truncate(shards / "shard-00000.tar", 600)
    with pytest.raises(ValueError, match="incomplete, shard-00000, shard-00001 missing or cut off"):
        read_manifest(shards, **MODELS)
    build(shards, clips)
    assert content(shards) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"codec": "other"}, "codec"),
        ({"text_encoder": "other"}, "text_encoder"),
        ({"settings": ShardSettings(PIPELINE, variants=2, clips_per_shard=2, seed=5)}, "variants"),
        (
            {"settings": ShardSettings(parse_pipeline([{"jpeg": {}}]), 3, clips_per_shard=2, seed=5)},
            "degradations",
        ),
        ({"settings": replace(SETTINGS, quality=QualityFilter(musiq=40)), "musiq": score}, "quality"),
    ],
)
def test_other_settings_are_refused(shards, clips, change, named):
    before = content(shards)
    with pytest.raises(ValueError, match=rf"other settings \({named} differ\)"):
        build(shards, clips, **change)
    assert content(shards) == before


def test_other_clips_are_refused(shards, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="inputs differ"):
        build(shards, tmp_path)


def test_no_clips_no_names_and_nothing_good(tmp_path):
    with pytest.raises(ValueError, match="no clips"):
        build(tmp_path / "shards", tmp_path)
    for name in ("a.b", "a_b"):
        np.save(tmp_path / f"{name}.npy", np.zeros((1, 64, 64, 3), np.uint8))
        (tmp_path / f"{name}.txt").write_text("")
    with pytest.raises(ValueError, match="two clips have one name"):
        build(tmp_path / "shards", tmp_path)
    (tmp_path / "a_b.npy").unlink()
    with pytest.raises(ValueError, match=r"1 inputs = 0 outputs \+ 1 rejects \(dark 1\)"):
        build(tmp_path / "shards", tmp_path)


def test_clips_that_look_poor_are_rejected_where_the_filter_asks(tmp_path, clips):
    settings = replace(SETTINGS, quality=QualityFilter(musiq=50))
    with pytest.raises(ValueError, match=r"musiq=None: the filter asks for 50 and more.*Judge"):
        build(tmp_path / "shards", clips, settings)
    assert not (tmp_path / "shards").exists()
    manifest = build(tmp_path / "shards", clips, settings, score)
    assert manifest.settings["quality"]["musiq"] == 50
    assert manifest.outputs.keys() == {"a_mp4", "b", "c"}
    assert manifest.rejects["d"] == "poor: MUSIQ 10.0 under 50"
    assert manifest.rejects["e_dark"] == REJECTS["e_dark"]
    assert "poor 1" in manifest.summary()


def test_clips_whose_inputs_would_have_no_whole_positions_are_rejected(tmp_path, clips):
    manifest = build(tmp_path, clips, replace(SETTINGS, reduction=8))
    assert manifest.outputs.keys() == {"a_mp4", "b", "d"}
    assert manifest.rejects["c"] == "indivisible: 8×12 latents by the reduction 8"


def test_latents_that_half_precision_cannot_hold_are_rejected(tmp_path, clips):
    everything = ShardSettings(PIPELINE, variants=1, quality=QualityFilter((0, 255), 0))
    with pytest.raises(ValueError, match="not finite"):
        build_shards(tmp_path, clips, everything, lambda video: encode(video) * 1e6, "c", embed, "t")


BUILD = """
import time

import torch

from cvsr.data.degradations.pipeline import parse_pipeline
from cvsr.data.shards import build_shards
from cvsr.data.shards_settings import ShardSettings

def encode(video):
    time.sleep(0.03)
    if video.shape[-2] % 8:
        raise ValueError(f"height={video.shape[-2]}: no multiple of 8")
    return video[:, :, ::4, ::8, ::8]

def embed(caption):
    return torch.tensor([[i, ord(letter)] for i, letter in enumerate(caption)], dtype=torch.float32).view(-1, 2)

settings = ShardSettings(parse_pipeline(steps), variants=3, clips_per_shard=2, seed=5)
build_shards(folder, clips, settings, encode, "c0dec", embed, "7ext")
"""


def test_a_build_that_is_killed_again_and_again_ends_like_an_undisturbed_one(shards, clips, tmp_path):
    """Each time with signal 9, a little later than the time before, until it comes to its end."""
    server, kills = multiprocessing.get_context("forkserver"), 0
    server.set_forkserver_preload(["__main__", "cvsr.data.shards"])  # imported once for all
    names = {"folder": str(tmp_path), "clips": str(clips), "steps": PIPELINE.describe()}
    for patience in (0.2 * 1.3**n for n in count()):
        process = server.Process(target=exec, args=(BUILD, dict(names)))
        process.start()
        process.join(patience)
        if process.exitcode is not None:
            break
        process.kill()
        process.join()
        kills += (tmp_path / "settings.json").exists()
    assert process.exitcode == 0
    assert kills >= 2
    assert content(tmp_path) == content(shards)


def test_an_unfinished_folder_says_how_far_it_is(shards, tmp_path):
    for name, data in content(shards).items():
        if name not in {"manifest.json", "shard-00003.json"}:
            (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=r"incomplete, 4 of 5 shards.*goes on where it stopped"):
        read_manifest(tmp_path, **MODELS)


@pytest.fixture(scope="module")
def referring(tmp_path_factory):
    """A clip with two pictures, one with a longer video, and one with neither."""
    folder, rng = tmp_path_factory.mktemp("referring"), np.random.default_rng(1)
    for name in ("edit", "identity", "world"):
        np.save(folder / f"{name}.npy", rng.integers(0, 256, (5, 64, 64, 3), np.uint8))
        (folder / f"{name}.txt").write_text(name)
    pictures = rng.integers(0, 256, (2, 1, 32, 32, 3), np.uint8)
    write_references(folder / "identity.npy", References(pictures, pictures[..., 0] > 99))
    write_references(folder / "edit.npy", References(rng.integers(0, 256, (1, 13, 64, 64, 3), np.uint8)))
    return folder


def test_references_are_changed_for_each_variant_as_recorded(referring, tmp_path):
    settings = replace(SETTINGS, clips_per_shard=3, augmentation=ReferenceAugmentation(rotation=10))
    manifest = build(tmp_path, referring, settings)
    assert manifest.settings["augmentation"]["rotation"] == 10
    with pytest.raises(ValueError, match=r"other settings \(augmentation differ\)"):
        build(tmp_path, referring, replace(settings, augmentation=ReferenceAugmentation()))
    found = samples(tmp_path)
    assert found["identity"]["references.npy"].shape == (3, 2, 3, 1, 4, 4)
    assert found["edit"]["references.npy"].shape == (3, 1, 3, 2, 8, 8)
    assert found["world"].keys() & {"references.npy", "augmentations.json"} == set()
    for name, kind in (("identity", PictureChange), ("edit", Shift)):
        references, variants = read_references(referring / f"{name}.npy"), found[name]["augmentations.json"]
        assert len({json.dumps(record) for record in variants}) == 3
        for record, encoded in zip(variants, found[name]["references.npy"], strict=True):
            changed = apply_changes([kind(**change) for change in record], references, 5)
            expected = [encode(to_tensor(each)[None])[0].half().numpy() for each in changed]
            np.testing.assert_array_equal(encoded, expected)


def test_references_may_stay_as_they_are_and_change_nothing_else(referring, tmp_path):
    manifest = build(tmp_path / "as they are", referring, replace(SETTINGS, augmentation=ReferenceAugmentation(0)))
    assert manifest.settings["augmentation"]["strength"] == 0
    build(tmp_path / "changed", referring)
    plain, changed = samples(tmp_path / "as they are"), samples(tmp_path / "changed")
    assert plain["identity"]["degradations.json"] == changed["identity"]["degradations.json"]
    np.testing.assert_array_equal(plain["edit"]["low.npy"], changed["edit"]["low.npy"])
    video = encode(to_tensor(read_references(referring / "edit.npy").frames[0, 4:9])[None])[0].half()
    np.testing.assert_array_equal(plain["edit"]["references.npy"], video[None, None].expand(3, 1, -1, -1, -1, -1))


@pytest.fixture
def mistaking(referring, tmp_path):
    """Those clips, the one with pictures mistaken for what the edit shows."""
    clips = tmp_path / "clips"
    shutil.copytree(referring, clips)
    pictures, other = read_references(clips / "identity.npy").frames, np.load(clips / "edit.npy")
    write_references(clips / "identity.npy", References(pictures, pictures[..., 0] > 99, other))
    return clips


def test_inputs_of_mistaken_clips_are_made_of_what_was_mistaken(mistaking, tmp_path):
    """The target is the clip with its identity, the input is one that has lost it."""
    quarter = {"factor": [0.25, 0.25], "reduce": 1, "enlarge": 0, "interpolations": ["antialiased"]}
    settings = replace(SETTINGS, degradations=parse_pipeline([{"resize": quarter}]), variants=1)
    build(tmp_path / "shards", mistaking, settings)
    found = samples(tmp_path / "shards")
    np.testing.assert_array_equal(found["identity"]["low.npy"], found["edit"]["low.npy"])
    assert (found["identity"]["latents.npy"] != found["edit"]["latents.npy"]).any()
    told, guided = [], parse_pipeline([{"resize": quarter}, {"model_guided": {}}])

    def guide(caption):
        told.append(caption)
        return lambda frames, alpha, seed: 255 - frames

    build(tmp_path / "guided", mistaking, replace(settings, degradations=guided), guide=guide)
    again = samples(tmp_path / "guided")
    assert told == ["edit", "world"]  # what was mistaken is not drawn again
    np.testing.assert_array_equal(again["identity"]["low.npy"], found["identity"]["low.npy"])
    assert (again["edit"]["low.npy"] != found["edit"]["low.npy"]).any()


def test_a_share_of_the_inputs_of_mistaken_clips_is_drawn_again(mistaking, tmp_path):
    steps = parse_pipeline([{"noise": {"sigma": [1, 9]}}, {"model_guided": {}}])
    settings = replace(SETTINGS, degradations=steps, variants=12)
    for share in (0.0, 0.5, 1.0):
        drawn = replace(settings, mistaken_redrawn=share)
        build(tmp_path / f"{share}", mistaking, drawn, guide=lambda _: lambda frames, alpha, seed: 255 - frames)
    never, half, always = (samples(tmp_path / f"{share}") for share in (0.0, 0.5, 1.0))
    records = [each["identity"]["degradations.json"] for each in (never, always)]
    assert [record[:-1] for record in records[1]] == records[0]
    low = [each["identity"]["low.npy"] for each in (never, half, always)]
    assert all((low[0] != low[2]).any((1, 2, 3, 4)))
    chosen = (low[1] == low[2]).all((1, 2, 3, 4))  # the other inputs are what they are without
    assert 2 <= chosen.sum() <= 10
    np.testing.assert_array_equal(low[1][~chosen], low[0][~chosen])
    np.testing.assert_array_equal(half["edit"]["low.npy"], never["edit"]["low.npy"])


def test_clips_whose_references_cannot_be_encoded_are_rejected(referring, tmp_path):
    clips = tmp_path / "clips"
    shutil.copytree(referring, clips)
    pictures = np.zeros((1, 1, 20, 20, 3), np.uint8)
    write_references(clips / "identity.npy", References(pictures, pictures[..., 0] == 0))
    (clips / "edit.npz").write_bytes(b"no zip")
    manifest = build(tmp_path / "shards", clips)
    assert manifest.rejects["identity"] == "not encoded: height=20: no multiple of 8"
    assert manifest.rejects["edit"].startswith("unreadable: references=")
    assert manifest.outputs.keys() == {"world"}


class Drawing:
    """A base model that paints everything in one grey, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, frames, alpha, seed):
        self.asked.append((frames.shape, alpha, seed))
        return np.full_like(frames, round(255 * alpha))

    def latents(self, frames, alpha, seed):
        return -encode(to_tensor(self(frames, alpha, seed))[None])


@pytest.mark.parametrize(("reduction", "side", "sign"), [(4, 2, -1), (1, 8, 1)])
def test_what_a_base_model_draws_again_stays_latents_unless_inputs_are_enlarged(
    clips, tmp_path, reduction, side, sign
):
    pipeline = parse_pipeline(
        [{"resize": {"factor": [0.25, 0.25], "reduce": 1, "enlarge": 0}}, {"model_guided": {"probability": 0.5}}]
    )
    settings = ShardSettings(pipeline, variants=6, reduction=reduction, clips_per_shard=20, seed=3)
    chosen, folder, drawing, told = tmp_path / "clips", tmp_path / "shards", Drawing(), []
    chosen.mkdir()
    for file in ("a.mp4.npy", "a.mp4.txt"):
        (chosen / file).write_bytes((clips / file).read_bytes())

    def guide(caption):
        told.append(caption)
        return drawing

    with pytest.raises(ValueError, match="guide=None"):
        build_shards(folder, chosen, settings, encode, "c0dec", embed, "7ext")
    assert not folder.exists()
    build_shards(folder, chosen, settings, encode, "c0dec", embed, "7ext", guide)
    sample = samples(folder)["a_mp4"]
    guided = [record[-1].get("model_guided") for record in sample["degradations.json"]]
    drawn_again = [record for record in guided if record]
    assert 0 < len(drawn_again) < 6
    assert told == ["clip a.mp4 – ünïcode"]
    assert drawing.asked == [((9, 16, 16, 3), record["alpha"], record["seed"]) for record in drawn_again]
    for low, record in zip(sample["low.npy"], guided, strict=True):
        assert low.shape == (3, 3, side, side)
        if record:  # not decoded, or decoded, enlarged and encoded again
            assert low == pytest.approx(sign * (round(255 * record["alpha"]) / 127.5 - 1), abs=2e-3)
        else:
            assert len(np.unique(low)) > 4


def test_where_inputs_are_enlarged_others_may_follow_a_base_model(clips, tmp_path):
    pipeline = parse_pipeline(
        [
            {"resize": {"factor": [0.25, 0.25], "reduce": 1, "enlarge": 0}},
            {"model_guided": {"alpha": [0.4, 0.4]}},
            {"resize": {"factor": [0.5, 0.5], "reduce": 1, "enlarge": 0}},
        ]
    )
    settings, drawing = ShardSettings(pipeline, variants=1, clips_per_shard=20), Drawing()
    build_shards(tmp_path, clips, settings, encode, "c0dec", embed, "7ext", lambda caption: drawing)
    (low,) = samples(tmp_path)["a_mp4"]["low.npy"]
    assert low.shape == (3, 3, 8, 8)
    assert low == pytest.approx(0.8 - 1, abs=2e-3)  # 0.4 of white, decoded, reduced, enlarged and encoded
    assert drawing.asked[0][0] == (9, 16, 16, 3)
