"""An adapted network begins as its base, knows the whole clip and the patch's place, and is trained in what is new."""

import pytest
import torch

from cvsr.models.patch_adapter import place_mask
from cvsr.models.patch_transformer import CROP, PatchTransformer
from cvsr.models.transformer import VideoTransformer

SIZES = {"in_channels": 6, "out_channels": 3, "width": 24, "depth": 4, "heads": 2, "text_width": 5}
SIZES |= {"patch_size": (1, 1, 1)}
TOLD = {"noise_level": torch.tensor([0.2, 0.3]), "scale": torch.tensor([0.5, 1.0])}
PLACES = torch.tensor([[0.25, 0.5, 0.5, 1.0], [0.0, 0.0, 0.5, 0.5]])


def stir(network: torch.nn.Module, size: float = 0.1) -> torch.nn.Module:
    """Move every weight: layers that start at zero would hide what lies before them."""
    for weight in network.parameters():
        weight.data.add_(torch.randn_like(weight) * size)
    return network.eval()


def make(fresh: bool = False, **changes) -> PatchTransformer:
    torch.manual_seed(0)
    network = PatchTransformer(**SIZES | {"sample_size": 4, "lora_rank": 2} | changes)
    return network.eval() if fresh else stir(network)


def base(**changes) -> VideoTransformer:
    torch.manual_seed(1)
    return stir(VideoTransformer(micro_conditions=["noise_level"], **SIZES | changes))


def inputs() -> dict:
    generator = torch.Generator().manual_seed(1)
    return {
        "hidden_states": torch.randn(2, 6, 3, 4, 4, generator=generator),
        "timestep": torch.tensor([0.2, 0.9]),
        "encoder_hidden_states": torch.randn(2, 4, 5, generator=generator),
        "encoder_attention_mask": torch.arange(4) < torch.tensor([[2], [4]]),
    }


def whole(seed: int = 2) -> torch.Tensor:
    return torch.randn(2, 3, 3, 4, 6, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def run(network, micro_conditions=TOLD, **changes) -> torch.Tensor:
    arguments = inputs() | {"micro_conditions": micro_conditions, "whole": whole(), "place": PLACES}
    return network(**arguments | changes).sample


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lora_rank": 0},
        {"global_depth": 0, "patch_depth": 3},
        {"attention": "spatial+full", "patch_size": (1, 2, 2)},
        {"fixed_prompt": False},
    ],
)
def test_it_begins_as_its_base(changes):
    of_base = {name: value for name, value in changes.items() if name in ("attention", "patch_size")}
    plain, network = base(**of_base), make(fresh=True, **changes)
    network.begin_as(plain)
    with torch.no_grad():
        expected = plain(**inputs(), micro_conditions={"noise_level": TOLD["noise_level"]}).sample
    torch.testing.assert_close(run(network), expected, rtol=1e-5, atol=1e-5)
    assert expected.abs().max() > 0.01


def test_branches_begin_with_evenly_spaced_blocks_of_the_base():
    plain, network = base(), make(fresh=True, patch_depth=2, global_depth=4)
    network.begin_as(plain)
    for branch, layers in ((network.patch_branch, (0, 2)), (network.global_branch, (0, 1, 2, 3))):
        for block, layer in zip(branch.blocks, layers, strict=True):
            for name, weight in plain.blocks[layer].state_dict().items():
                assert torch.equal(block.state_dict()[name], weight)
    assert torch.equal(network.prompt, plain.text_embedding.null_token)


def test_a_base_of_another_kind_is_refused():
    with pytest.raises(RuntimeError):
        make(fresh=True).begin_as(base(depth=5))


def test_only_what_is_new_is_trained_and_all_of_it():
    network, old = make(), base().state_dict().keys()
    network(**inputs(), micro_conditions=TOLD, whole=whole(), place=PLACES).sample.square().mean().backward()
    for name, weight in network.named_parameters():
        is_new = name.replace(".base_layer", "") not in old
        assert weight.requires_grad == is_new, name
        if is_new:
            assert weight.grad is not None, name
            assert weight.grad.abs().max() > 0, name


def test_checkpointing_gives_equal_gradients():
    gradients = []
    for checkpointing in (False, True):
        network = make().train()
        if checkpointing:
            network.enable_gradient_checkpointing()
        network(**inputs(), micro_conditions=TOLD, whole=whole(), place=PLACES).sample.square().mean().backward()
        gradients.append({n: w.grad for n, w in network.named_parameters() if w.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name])


def test_the_whole_clip_the_place_and_the_scale_are_read():
    network = make()
    plain = run(network)
    told = TOLD | {"scale": torch.tensor([0.5, 0.25])}
    for changed in (
        run(network, whole=torch.cat([whole()[:1], whole(3)[1:]])),
        run(network, place=torch.stack([PLACES[0], torch.tensor([0.5, 0.5, 1.0, 1.0])])),
        run(network, told),
    ):
        assert (changed[1] - plain[1]).abs().max() > 1e-4
        torch.testing.assert_close(changed[0], plain[0], rtol=1e-5, atol=1e-5)  # of the other sample nothing


def test_without_location_or_global_branch_nothing_of_it_is_seen():
    anywhere = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(2, 4)
    unlocated = make(micro_conditions=["noise_level", "scale"])
    torch.testing.assert_close(run(unlocated), run(unlocated, place=anywhere))
    assert (run(unlocated, whole=whole(3)) - run(unlocated)).abs().max() > 1e-4
    blind = make(global_depth=0)
    torch.testing.assert_close(run(blind), run(blind, whole=whole(3)))


def test_the_patch_branch_reads_a_prompt_of_its_own():
    for fixed in (True, False):
        network, seen = make(fixed_prompt=fixed), []
        network.patch_branch.blocks[0].register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[1]))
        run(network)
        run(network, encoder_hidden_states=inputs()["encoder_hidden_states"] + 1)
        assert torch.equal(seen[0], seen[1]) == fixed


def test_a_patch_that_is_the_whole_needs_no_context():
    network, given = make(), inputs()
    everywhere = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(2, 4)
    told = run(network, whole=given["hidden_states"][:, 3:], place=everywhere)
    torch.testing.assert_close(run(network, whole=None, place=None), told)


def test_the_mask_covers_the_place():
    mask = place_mask(torch.tensor([[0.25, 0.5, 0.5, 1.0], [0.0, 0.3, 0.1, 0.4]]), torch.zeros(2, 1, 2, 4, 2))
    assert mask.shape == (2, 1, 2, 4, 2)
    torch.testing.assert_close(mask[0, 0, 1], torch.tensor([[0, 0], [0, 1], [0, 0], [0, 0.0]]))
    torch.testing.assert_close(mask[1, 0, 0], torch.tensor([[0.4 * 0.2, 0], [0, 0], [0, 0], [0, 0]]))


def test_saved_and_loaded_whole_it_computes_the_same(tmp_path):
    network = make()
    network.save_pretrained(tmp_path)
    loaded, report = PatchTransformer.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    torch.testing.assert_close(run(loaded), run(network))
    assert loaded.config.lora_rank == 2
    assert tuple(loaded.config.micro_conditions) == ("noise_level", "scale", *CROP)


def test_mistakes_are_named():
    network = make()
    with pytest.raises(ValueError, match=r"whole=\(2, 3, 2, 4, 6\): does not fit the patch; allowed \(2, 3, 3\)"):
        run(network, whole=whole()[:, :, :2])
    with pytest.raises(ValueError, match=r"place=\(2, 2\): wrong shape; allowed \(2, 4\)"):
        run(network, place=PLACES[:, :2])
    with pytest.raises(ValueError, match="outside of the clip; allowed 0 to 1"):
        run(network, place=PLACES + 1)
    with pytest.raises(ValueError, match="attends one way"):
        network.use_attention(attention="sparse")
