"""Wan's transformer as the kit calls it: the same velocity, whatever the new channels hold, until they are trained."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import WanTransformer3DModel

from cvsr.models.wan_transformer import WanVideoTransformer

SIZES = {
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "text_dim": 16,
    "freq_dim": 32,
    "ffn_dim": 32,
    "num_layers": 2,
    "in_channels": 4,
    "out_channels": 4,
    "rope_max_seq_len": 32,
}


@pytest.fixture(scope="module")
def wan():
    torch.manual_seed(0)
    return WanTransformer3DModel(**SIZES).eval()


@pytest.fixture(scope="module")
def wide(wan):
    return WanVideoTransformer.from_wan(wan, 8, ["noise_level"])


def given(channels=8, size=(3, 4, 6), seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, channels, *size, generator=generator)
    text, mask = torch.randn(2, 5, 16, generator=generator), torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    return x, torch.tensor([0.3, 0.9]), text, mask, {"noise_level": torch.tensor([0.0, 0.7])}


@torch.no_grad()
def test_it_begins_as_the_network_it_was_made_of(wan, wide):
    x, t, text, mask, levels = given()
    padded = torch.cat([text * mask[..., None], torch.zeros(2, 507, 16)], dim=1)
    expected = wan(x[:, :4], 1000 * t, padded).sample
    found = wide(x, t, text, mask, levels).sample
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert expected.abs().mean() > 0.01


@torch.no_grad()
def test_what_is_new_counts_once_it_has_weights(wan):
    wide = WanVideoTransformer.from_wan(wan, 8, ["noise_level"])
    x, t, text, mask, levels = given()
    before = wide(x, t, text, mask, levels).sample
    wide.patch_embedding.weight[:, 8] += 0.1  # the level's map
    wide.patch_embedding.weight[:, 4:8] += 0.1
    after = wide(x, t, text, mask, levels).sample
    assert not torch.allclose(after, before)
    louder = wide(x, t, text, mask, {"noise_level": torch.tensor([0.0, 0.1])}).sample
    torch.testing.assert_close(louder[0], after[0])
    assert not torch.allclose(louder[1], after[1])
    assert wan.patch_embedding.weight.shape[1] == 4


@torch.no_grad()
def test_any_size_comes_back_as_it_went_in(wide):
    x, *others = given(size=(2, 5, 7))
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1, 0, 0), mode="replicate")
    sample = wide(x, *others).sample
    assert sample.shape == (2, 4, 2, 5, 7)
    torch.testing.assert_close(sample, wide(padded, *others).sample[..., :5, :7])


@torch.no_grad()
def test_a_masked_text_is_not_read(wide):
    x, t, text, mask, levels = given()
    other = torch.where(mask[..., None], text, 100.0)
    assert torch.equal(wide(x, t, other, mask, levels).sample, wide(x, t, text, mask, levels).sample)


def test_it_is_saved_and_loaded(wide, tmp_path):
    wide.save_pretrained(tmp_path)
    loaded, report = WanVideoTransformer.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    assert loaded.config.in_channels == WanVideoTransformer.from_config(wide.config).config.in_channels == 8
    assert loaded.patch_embedding.in_channels == 9
    with torch.no_grad():
        assert torch.equal(loaded.eval()(*given()).sample, wide(*given()).sample)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({0: torch.zeros(2, 4, 1, 2, 2)}, r"hidden_states=\(2, 4, 1, 2, 2\): wrong shape; allowed \(B, 8,"),
        ({2: torch.zeros(2, 5, 8)}, r"encoder_hidden_states=.*allowed \(2, L, 16\)"),
        ({4: {}}, r"micro_conditions=\[\]: .*allowed exactly \['noise_level'\]"),
        ({4: {"noise_level": torch.tensor([0.0, 2.0])}}, r"noise_level=.*allowed 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(wide, changed, message):
    arguments = [changed.get(index, argument) for index, argument in enumerate(given())]
    with pytest.raises(ValueError, match=message):
        wide(*arguments)


def test_networks_that_cannot_be_widened_are_refused(wan):
    with pytest.raises(ValueError, match="in_channels=2: fewer than Wan's own; allowed from 4; try 8"):
        WanVideoTransformer.from_wan(wan, 2)
    with torch.device("meta"):
        reader = WanTransformer3DModel(**SIZES, image_dim=8, added_kv_proj_dim=24)
    with pytest.raises(ValueError, match=r"reads more than text, pictures .* allowed text-to-video models"):
        WanVideoTransformer.from_wan(reader)
    with pytest.raises(ValueError, match="reads more than text"):
        WanVideoTransformer.from_wan(WanVideoTransformer.from_wan(wan, 8, ["noise_level"]), 12)


# The tokens of a clip over two processes, by diffusers' context parallelism.
PARALLEL = """
import os
from unittest.mock import patch
import torch
from diffusers import ContextParallelConfig
from torch import distributed
from cvsr.models.wan_transformer import WanVideoTransformer

network = WanVideoTransformer.from_pretrained(os.environ["FOLDER"]).eval()
given = torch.load(os.environ["GIVEN"])
distributed.init_process_group("gloo")
with torch.no_grad():
    expected = network(*given).sample
    with patch.object(torch.accelerator, "device_count", lambda: 1):  # diffusers divides by it
        network.enable_parallelism(config=ContextParallelConfig(ulysses_degree=2))
    torch.testing.assert_close(network(*given).sample, expected, rtol=0, atol=1e-6)
distributed.destroy_process_group()
"""


def test_a_clip_is_shared_by_two_processes(wide, tmp_path):
    wide.save_pretrained(tmp_path)
    torch.save(given(size=(2, 4, 4)), tmp_path / "given.pt")
    environment = os.environ | {
        "FOLDER": str(tmp_path),
        "GIVEN": str(tmp_path / "given.pt"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--no-python"]
    command += [sys.executable, "-c", PARALLEL]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
