"""Ray builds the shards that one process builds, to the last byte, and comes back with its errors."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from cvsr.data.degradations.pipeline import parse_pipeline
from cvsr.data.shards import build_shards
from cvsr.data.shards_encoding import Models
from cvsr.data.shards_ray import build_shards_by_ray, check_rows
from cvsr.data.shards_settings import ShardSettings

PIPELINE = parse_pipeline([{"blur": {}}, {"resize": {"factor": [0.25, 0.25], "reduce": 1, "enlarge": 0}}])
SETTINGS = ShardSettings(PIPELINE, variants=2, clips_per_shard=1, seed=5)
MODELS = {"codec": "c0dec", "text_encoder": "7ext"}


def encode(video):
    return video[:, :, ::4, ::8, ::8]


def embed(caption):
    return torch.full((1, 2), float(len(caption)))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    for number in range(4):
        frames = rng.integers(0, 256, (5, 32, 32, 3), np.uint8) if number else np.full((5, 32, 32, 3), 2, np.uint8)
        np.save(folder / f"{number}.npy", frames)
        (folder / f"{number}.txt").write_text(f"clip {number}")
    return folder


@pytest.fixture(scope="module")
def expected(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    build_shards(folder, clips, SETTINGS, encode, MODELS["codec"], embed, MODELS["text_encoder"])
    return content(folder)


@pytest.fixture(scope="module")
def running():
    ray = pytest.importorskip("ray", reason='Ray is not installed: pip install -e ".[ray]"')
    pytest.importorskip("ray.data", reason='Ray Data is not installed: pip install -e ".[ray]"')
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    yield
    ray.shutdown()


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def by_ray(folder, clips, embed):
    return build_shards_by_ray(folder, clips, SETTINGS, lambda: Models(encode, embed), **MODELS, workers=2)


def once(marker: Path) -> bool:
    """Whether nobody was here before."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def test_a_killed_worker_loses_nothing_and_changes_no_bit(running, clips, expected, tmp_path):
    def embed_or_die(caption):
        if caption == "clip 2" and once(tmp_path / "killed"):
            os.kill(os.getpid(), 9)
        return torch.full((1, 2), float(len(caption)))

    manifest = by_ray(tmp_path / "shards", clips, embed_or_die)
    assert (tmp_path / "killed").exists()
    assert manifest.summary() == "4 inputs = 3 outputs + 1 rejects (dark 1)"
    assert content(tmp_path / "shards") == expected


def test_an_error_is_a_row_and_the_next_build_goes_on(running, clips, expected, tmp_path):
    def embed_or_fail(caption):
        if caption == "clip 1":
            raise OSError("no space left")
        return torch.full((1, 2), float(len(caption)))

    said = r"shards: 1 of 4 failed; shard-00001: OSError: no space left; all others are kept; try the same build again"
    with pytest.raises(RuntimeError, match=said):
        by_ray(tmp_path, clips, embed_or_fail)
    kept = {name for name in content(tmp_path) if name.endswith(".tar")}
    assert kept == {"shard-00000.tar", "shard-00002.tar", "shard-00003.tar"}
    by_ray(tmp_path, clips, lambda caption: torch.full((1, 2), float(len(caption))))
    assert content(tmp_path) == expected


def test_shards_that_do_not_come_back_are_missed():
    asked = [{"shard": "a"}, {"shard": "b"}]
    check_rows(asked, [{"shard": "b", "error": ""}, {"shard": "a", "error": ""}])
    with pytest.raises(RuntimeError, match="2 were asked for, 1 came back"):
        check_rows(asked, [{"shard": "a", "error": ""}])
    with pytest.raises(RuntimeError, match="2 were asked for, 3 came back"):
        check_rows(asked, [{"shard": name, "error": ""} for name in "aab"])
