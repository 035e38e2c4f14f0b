"""VideoTransformer: shapes, conditioning, gradients, checkpointing, files, callers' mistakes."""

import json

import pytest
import torch

from cvsr.models.scopes import PATTERNS
from cvsr.models.transformer import VideoTransformer
from cvsr.weights import SHIPPED


def make(fresh: bool = False, **changes) -> VideoTransformer:
    """A tiny network; unless fresh, with random values in the layers that start at zero."""
    torch.manual_seed(0)
    settings = {
        "in_channels": 4,
        "out_channels": 3,
        "width": 24,
        "depth": 2,
        "heads": 2,
        "text_width": 8,
        "micro_conditions": ("noise_level",),
        "block": (2, 1),
    }
    network = VideoTransformer(**(settings | changes)).eval()
    if not fresh:
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return network


def inputs(batch: int = 2, size: tuple[int, int, int] = (3, 4, 4), length: int = 5) -> dict:
    generator = torch.Generator().manual_seed(1)
    return {
        "hidden_states": torch.randn(batch, 4, *size, generator=generator),
        "timestep": torch.rand(batch, generator=generator),
        "encoder_hidden_states": torch.randn(batch, length, 8, generator=generator),
        "encoder_attention_mask": torch.ones(batch, length, dtype=torch.bool),
        "micro_conditions": {"noise_level": torch.rand(batch, generator=generator)},
    }


def single(batch: dict, index: int) -> dict:
    """One sample of a batch, its text cut to the length it really has."""
    part = {name: value[index : index + 1] for name, value in batch.items() if name != "micro_conditions"}
    length = int(part["encoder_attention_mask"].sum())
    part["encoder_hidden_states"] = part["encoder_hidden_states"][:, :length]
    part["encoder_attention_mask"] = part["encoder_attention_mask"][:, :length]
    part["micro_conditions"] = {k: v[index : index + 1] for k, v in batch["micro_conditions"].items()}
    return part


@pytest.mark.parametrize("attention", PATTERNS)
def test_a_fresh_network_returns_exactly_zero(attention):
    sample = make(fresh=True, attention=attention)(**inputs()).sample
    assert sample.shape == (2, 3, 3, 4, 4)
    assert not sample.any()


@pytest.mark.parametrize("attention", PATTERNS)
def test_gradients_reach_every_parameter(attention):
    network = make(attention=attention)
    network(**inputs()).sample.square().mean().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent


@pytest.mark.parametrize("attention", PATTERNS)
def test_a_batch_of_different_text_lengths_equals_single_runs(attention):
    network, batch = make(attention=attention), inputs(batch=3)
    batch["encoder_attention_mask"] = torch.arange(5) < torch.tensor([[5], [2], [0]])
    together = network(**batch).sample
    for index in range(3):
        torch.testing.assert_close(
            together[index : index + 1], network(**single(batch, index)).sample, atol=1e-5, rtol=1e-5
        )


def test_masked_text_is_not_read_and_dropped_text_is_finite():
    network, batch = make(), inputs()
    batch["encoder_attention_mask"] = torch.zeros(2, 5, dtype=torch.bool)
    dropped = network(**batch).sample
    batch["encoder_hidden_states"] = 100 * batch["encoder_hidden_states"]
    assert dropped.isfinite().all()
    assert torch.equal(dropped, network(**batch).sample)


def test_no_mask_attends_to_the_whole_text():
    network, batch = make(), inputs()
    masked = network(**batch).sample
    batch["encoder_attention_mask"] = None
    assert torch.equal(masked, network(**batch).sample)


@pytest.mark.parametrize("change", ["timestep", "encoder_hidden_states", "noise_level"])
def test_every_condition_changes_the_output(change):
    network, batch = make(), inputs()
    before = network(**batch).sample
    if change == "noise_level":
        batch["micro_conditions"] = {"noise_level": 1 - batch["micro_conditions"]["noise_level"]}
    else:
        batch[change] = batch[change] * 0.5
    assert (network(**batch).sample - before).abs().amax(dim=(1, 2, 3, 4)).min() > 1e-3


@pytest.mark.parametrize("patch_size", [(1, 2, 2), (2, 2, 2), (1, 1, 1), (2, 4, 4)])
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 5, 7), (2, 4, 4)])
def test_any_size_is_padded_and_cropped(patch_size, size):
    network = make(patch_size=patch_size)
    assert network(**inputs(size=size)).sample.shape == (2, 3, *size)


def test_padding_repeats_the_last_values():
    network, odd = make(), inputs(size=(2, 3, 5))
    even = dict(
        odd, hidden_states=torch.nn.functional.pad(odd["hidden_states"], (0, 1, 0, 1, 0, 0), "replicate")
    )
    assert torch.equal(network(**odd).sample, network(**even).sample[..., :3, :5])


@pytest.mark.parametrize("attention", ["swin", "sparse"])
def test_weights_of_full_attention_attend_in_other_ways(attention, tmp_path):
    network, batch = make(), inputs(size=(6, 4, 6))
    full = network(**batch).sample
    network.save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    stored = json.loads(config.read_text())
    for name in ("temporal_unit", "window", "block", "top_k"):  # weights from before there were other ways
        stored.pop(name)
    config.write_text(json.dumps(stored))
    torch.testing.assert_close(VideoTransformer.from_pretrained(tmp_path)(**batch).sample, full)

    ways = {"attention": attention, "temporal_unit": 4, "window": [2, 2, 2], "block": [1, 2], "top_k": 1}
    loaded = VideoTransformer.from_pretrained(tmp_path, **ways)
    network.use_attention(**ways)
    restricted = network(**batch).sample
    torch.testing.assert_close(loaded(**batch).sample, restricted)
    assert (restricted - full).abs().max() > 1e-3
    network.save_pretrained(tmp_path)
    torch.testing.assert_close(VideoTransformer.from_pretrained(tmp_path)(**batch).sample, restricted)
    network.use_attention(attention="full", temporal_unit=None)
    torch.testing.assert_close(network(**batch).sample, full)


def test_shipped_weights_attend_in_every_way_without_training():
    network = VideoTransformer.from_pretrained(SHIPPED / "super_resolution" / "transformer").float().eval()
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(1, network.config.in_channels, 20, 4, 6, generator=generator)
    text = torch.randn(1, 3, network.config.text_width, generator=generator)

    @torch.no_grad()
    def run(frames, **ways):
        network.use_attention(**{"attention": "full", "temporal_unit": None} | ways)
        levels = {"noise_level": torch.zeros(1)}
        return network(latents[:, :, :frames], torch.tensor([0.5]), text, None, levels).sample

    full = run(5)
    assert full.abs().amax() > 0.1
    torch.testing.assert_close(run(5, temporal_unit=5), full, rtol=1e-4, atol=1e-4)
    everything = run(5, attention="sparse", block=(3, 4), top_k=99)
    torch.testing.assert_close(everything, full, rtol=1e-4, atol=1e-4)
    long = run(20, attention="sparse", block=(2, 3), top_k=1, temporal_unit=5)
    assert long.shape == (1, network.config.out_channels, 20, 4, 6)
    assert long.isfinite().all()


def test_a_frame_smaller_than_a_block_is_one():
    network, batch = make(attention="sparse", block=(12, 3)), inputs(size=(3, 2, 5))
    larger = network(**batch).sample
    network.use_attention(block=(2, 3))
    torch.testing.assert_close(network(**batch).sample, larger, rtol=0, atol=0)


def test_news_from_the_first_frame_reaches_the_last_through_units():
    def changed(depth):
        network = make(depth=depth, temporal_unit=2).double()
        batch = {name: x.double() if name != "encoder_attention_mask" else x for name, x in given.items()}
        before = network(**batch, micro_conditions=level).sample
        batch["hidden_states"] = batch["hidden_states"].clone()
        batch["hidden_states"][:, :, 0] += 1
        return ((network(**batch, micro_conditions=level).sample - before).abs().amax(dim=(0, 1, 3, 4)) > 0).tolist()

    given = inputs(batch=1, size=(6, 2, 2))
    level = {"noise_level": given.pop("micro_conditions")["noise_level"].double()}
    assert changed(1) == [True, True, False, False, False, False]
    assert changed(2) == [True, True, True, False, False, False]
    assert changed(5) == 6 * [True]


def test_a_scheme_of_other_weights_is_refused():
    with pytest.raises(ValueError, match=r"attention='factorised': 2 self-attentions a block; allowed .*'swin'"):
        make().use_attention(attention="factorised")


@pytest.mark.parametrize("attention", PATTERNS)
def test_gradient_checkpointing_gives_equal_gradients(attention):
    network = make(attention=attention).train()
    network(**inputs()).sample.square().mean().backward()
    plain = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    network.enable_gradient_checkpointing()
    network(**inputs()).sample.square().mean().backward()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, plain[name], msg=name)


def test_gradient_checkpointing_runs_the_blocks_again():
    network, calls = make().train(), []
    network.blocks[0].register_forward_pre_hook(lambda *_: calls.append(1))
    network.enable_gradient_checkpointing()
    network(**inputs()).sample.sum().backward()
    network.disable_gradient_checkpointing()
    network(**inputs()).sample.sum().backward()
    assert len(calls) == 3


def test_a_saved_network_is_the_same_network(tmp_path):
    network = make(attention="spatial+full")
    network.save_pretrained(tmp_path)
    loaded = VideoTransformer.from_pretrained(tmp_path, use_safetensors=True)
    assert (tmp_path / "diffusion_pytorch_model.safetensors").is_file()
    stored, original = loaded.state_dict(), network.state_dict()
    assert all(torch.equal(stored[key], original[key]) for key in original)
    torch.testing.assert_close(loaded(**inputs()).sample, network(**inputs()).sample, rtol=0, atol=1e-5)


def test_half_precision_weights_stay_near_full_precision():
    network = make(fresh=True)
    torch.nn.init.normal_(network.to_sample.weight, std=0.1)
    exact = network(**inputs()).sample
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(network(**inputs()).sample.float(), exact, atol=0.05, rtol=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_states": [torch.zeros(4, 3, 4, 4)]}, "hidden_states=list: clips of different sizes"),
        ({"hidden_states": torch.zeros(2, 5, 3, 4, 4)}, r"hidden_states=.* allowed \(B, 4, t, h, w\)"),
        ({"timestep": torch.tensor(0.5)}, r"timestep=\(\): wrong shape; allowed \(2,\)"),
        ({"timestep": torch.tensor([0.5, 500.0])}, "timestep=.*allowed 0 to 1; try dividing"),
        ({"timestep": torch.tensor([0.5, float("nan")])}, "timestep=.*allowed 0 to 1"),
        ({"encoder_hidden_states": torch.zeros(2, 5, 9)}, r"encoder_hidden_states=.* allowed \(2, L, 8\)"),
        ({"encoder_attention_mask": torch.ones(2, 5)}, "encoder_attention_mask=torch.float32"),
        ({"encoder_attention_mask": torch.ones(2, 4, dtype=torch.bool)}, "encoder_attention_mask="),
        ({"micro_conditions": None}, r"micro_conditions=\[\]: .*allowed exactly \['noise_level'\]"),
        ({"micro_conditions": {"fps": torch.zeros(2)}}, r"micro_conditions=\['fps'\]"),
        ({"micro_conditions": {"noise_level": torch.zeros(3)}}, r"noise_level=\(3,\): wrong shape"),
        ({"micro_conditions": {"noise_level": torch.full((2,), 300.0)}}, "noise_level=.*allowed 0 to 1"),
    ],
)
def test_callers_mistakes_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        make()(**inputs() | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "local"}, "attention='local': unknown pattern; allowed"),
        ({"heads": 5}, "width=24, heads=5"),
        ({"heads": 8}, "width=24, heads=8"),
    ],
)
def test_impossible_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)
