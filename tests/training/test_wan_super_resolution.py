"""The full profile trains: from a folder of Wan, by LoRA or whole, in one process or in two, to the same weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from diffusers import WanPipeline, WanTransformer3DModel

from cvsr.pipelines.store import load
from cvsr.pipelines.wan import load_wan, load_wan_cascade
from cvsr.presets import WAN
from cvsr.systems.wan import build_wan, to_super_resolution
from cvsr.training.cli import main
from cvsr.training.wan_super_resolution import WanSuperResolutionTraining
from cvsr.weights import verify

ROOT = Path(__file__).parents[2]
STEPS = 3
FSDP2 = {
    "class_path": "pytorch_lightning.strategies.ModelParallelStrategy",
    "init_args": {"data_parallel_size": 2, "tensor_parallel_size": 1, "save_distributed_checkpoint": False},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a tiny Wan of random weights in `wan`."""
    path = tmp_path_factory.mktemp("full")
    torch.manual_seed(0)
    stage = build_wan(WAN["tiny"], ["a red ball on grass"])
    transformer = WanTransformer3DModel(**WAN["tiny"].transformer)
    WanPipeline(stage.tokenizer, stage.text_encoder, stage.autoencoder, stage.scheduler, transformer).save_pretrained(
        path / "wan"
    )
    return path


def recipe(folder: Path, name: str, lora_rank: int | None, strategy="auto", devices=1) -> Path:
    """The recipe, made small."""
    text = (ROOT / "cvsr/training/recipes/full.yaml").read_text()
    full = yaml.safe_load(text.replace("runs/full", f"{folder}/{name}"))
    full["model"]["init_args"] |= {"folder": f"{folder}/wan", "lora_rank": lora_rank}
    data = full["data"]["init_args"]
    data["models"]["init_args"] = {"folder": f"{folder}/wan", "device": "cpu"}
    data |= {
        "clips": f"{folder}/pixels",
        "shards": f"{folder}/shards",
        "train": {"world": 3, "frames": 5, "size": 64},
        "buckets": [{"batch": 2, "frames": 2, "size": 4}, {"batch": 4, "frames": 1, "size": 6}],
        "workers": 0,
    }
    full["trainer"] |= {
        "accelerator": "cpu",
        "devices": devices,
        "strategy": strategy,
        "precision": "32-true",
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    for callback in full["trainer"]["callbacks"]:
        if callback["class_path"].endswith("Budget"):
            callback["init_args"] = {"steps": STEPS, "warmup": 1}
        if callback["class_path"].endswith("ModelCheckpoint"):
            callback["init_args"]["every_n_train_steps"] = 1
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(full))
    return path


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return torch.load(folder / name / f"step={STEPS}.ckpt", weights_only=False)["state_dict"]


@pytest.fixture(scope="module", params=[2, None], ids=["lora", "all weights"])
def trained(folder, request) -> str:
    """The name of a run by one process."""
    name = f"one-{request.param}"
    if not (folder / name / f"step={STEPS}.ckpt").exists():  # whichever order tests come in, it runs once
        main(["--config", str(recipe(folder, name, request.param))])
    return name


def test_what_is_trained(folder, trained):
    start = to_super_resolution(load_wan(folder / "wan")).transformer.state_dict()
    end = {name.removeprefix("transformer."): weight for name, weight in weights(folder, trained).items()}
    before = {name: start.get(name.replace(".base_layer", "")) for name in end}  # none of LoRA
    changed = {name for name, weight in end.items() if before[name] is None or not torch.equal(weight, before[name])}
    lora = {name for name in end if ".lora_" in name}
    if lora:
        assert len(lora) == 2 * 2 * (4 + 4 + 2)  # A and B of each projection in two blocks
        assert changed == lora | {"patch_embedding.weight", "patch_embedding.bias"}
    else:
        assert changed == set(start)
    assert end["patch_embedding.weight"][:, 4:].abs().amax(dim=(0, 2, 3, 4)).min() > 0  # the input, its level


def test_what_is_shipped_draws(folder, trained):
    shipped = folder / trained / "weights"
    assert verify(shipped / "wan_super_resolution") == []
    card = json.loads((shipped / "wan_super_resolution" / "card.json").read_text())
    assert (card["steps"], card["shared"]) == (STEPS, {})
    transformer = load("wan_super_resolution", shipped)
    start = to_super_resolution(load_wan(folder / "wan")).transformer
    assert transformer.state_dict().keys() == start.state_dict().keys()  # LoRA is in the weights
    moved = transformer.blocks[0].attn1.to_q.weight - start.blocks[0].attn1.to_q.weight.half().float()
    assert moved.abs().max() > 1e-5
    cascade = load_wan_cascade(folder / "wan", transformer, torch.float32)
    cascade.set_progress_bar_config(disable=True)
    size = {"height": 16, "width": 16, "num_frames": 1}
    output = cascade("a ball", **size, base_inference_steps=1, num_inference_steps=1)
    assert output.frames.shape == (1, 3, 1, 64, 64)


def fit(*arguments: str) -> None:
    """Train in processes of their own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "cvsr", "fit", *arguments]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=140, check=False)
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.mark.parametrize(
    ("trained", "strategy", "ends_early"),
    [(2, "ddp", False), (2, FSDP2, False), (None, FSDP2, True)],
    indirect=["trained"],
    ids=["lora by ddp", "lora by fsdp2", "all weights by fsdp2, in two parts"],
)
def test_two_processes_end_where_one_does(folder, trained, strategy, ends_early):
    name = f"two-{trained}-{'ddp' if strategy == 'ddp' else 'fsdp2'}"
    path = str(recipe(folder, name, 2 if trained == "one-2" else None, strategy, devices=2))
    if ends_early:
        fit("--config", path, "--trainer.max_steps", "2")
        assert not (folder / name / f"step={STEPS}.ckpt").exists()
    fit("--config", path)
    one, two = weights(folder, trained), weights(folder, name)
    assert one.keys() == two.keys()
    for key, weight in one.items():
        torch.testing.assert_close(two[key], weight, rtol=0, atol=1e-6, msg=key)
    shipped = [load("wan_super_resolution", folder / run / "weights").state_dict() for run in (trained, name)]
    for key, weight in shipped[0].items():
        torch.testing.assert_close(shipped[1][key], weight, rtol=1e-3, atol=1e-6)  # in half precision


def test_half_precision_goes_the_same_way(folder):
    """The recipe's own precision: weights in single, products in half."""
    ends = []
    for precision in ("32-true", "bf16-mixed"):
        path = recipe(folder, f"precision-{precision}", lora_rank=2)
        main(["--config", str(path), "--trainer.precision", precision])
        ends.append(weights(folder, f"precision-{precision}"))
    start = to_super_resolution(load_wan(folder / "wan")).transformer.patch_embedding.weight
    single, half = (end["transformer.patch_embedding.weight"] - start for end in ends)
    assert half.dtype == torch.float32
    assert not torch.equal(single, half)
    assert torch.nn.functional.cosine_similarity(single.flatten(), half.flatten(), dim=0) > 0.9


def test_recomputed_blocks_change_nothing(folder):
    """Gradients with and without activations that are computed anew."""
    found = []
    for checkpointing in (False, True):
        training = WanSuperResolutionTraining(str(folder / "wan"), gradient_checkpointing=checkpointing)
        training.configure_model()
        batch = {
            "latents": torch.randn(2, 4, 2, 4, 4, generator=torch.Generator().manual_seed(1)),
            "low": torch.randn(2, 4, 2, 4, 4, generator=torch.Generator().manual_seed(2)),
            "text": torch.ones(2, 3, 16),
            "text_mask": torch.ones(2, 3, dtype=torch.bool),
        }
        noised = training.noise(batch, torch.Generator().manual_seed(3))
        training.error(batch, noised, training.predict([noised])[0]).mean().backward()
        found.append({name: w.grad for name, w in training.named_parameters() if w.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient)
