"""The recipes train, resume to the same bits, stop at NaN and ship what they made."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning import seed_everything

from cvsr.pipelines.store import load
from cvsr.training.cli import main
from cvsr.training.data import encoder_hash
from cvsr.weights import verify

RECIPES = Path(__file__).parents[2] / "cvsr" / "training" / "recipes"
RUNS = (
    "autoencoder",
    "decoder",
    "adversarial",
    "text_to_image",
    "text_to_video",
    "super_resolution",
    "seedvr",
    "simplegvr",
    "simplegvr_generated",
    "simplegvr_long",
    "unimmvsr_identities",
    "unimmvsr",
    "unimmvsr_long",
    "unimmvsr_mistakes",
    "unimmvsr_wrong_references",
    "unimmvsr_clean_inputs",
    "unimmvsr_light_damage",
    "unimmvsr_photographs",
    "unimmvsr_stills",
    "unimmvsr_inks",
    "unimmvsr_matching",
    "patchvsr",
)
SHIPPED_BY = {  # weights, and the recipes that lead to them one after the other
    "autoencoder": ["autoencoder", "decoder"],
    "autoencoder_adversarial": ["adversarial"],
    "text_to_video": ["text_to_image", "text_to_video"],
    "super_resolution": ["super_resolution"],
    "seedvr": ["seedvr"],
    "simplegvr": ["simplegvr", "simplegvr_generated", "simplegvr_long"],
    "unimmvsr": [
        "super_resolution",
        "unimmvsr_identities",
        "unimmvsr",
        "unimmvsr_long",
        "unimmvsr_mistakes",
        "unimmvsr_wrong_references",
        "unimmvsr_clean_inputs",
        "unimmvsr_light_damage",
        "unimmvsr_photographs",
        "unimmvsr_stills",
        "unimmvsr_inks",
        "unimmvsr_matching",
    ],
    "patchvsr": ["super_resolution", "patchvsr"],
}


def tiny(name: str, folder: Path, steps: int, **model) -> Path:
    """A recipe of the repository, made small: the tiny preset, few scenes, a budget in steps."""
    recipe = yaml.safe_load((RECIPES / f"{name}.yaml").read_text().replace("runs/", f"{folder}/runs/"))
    recipe["model"]["init_args"] |= {"preset": "tiny"} | model
    data = recipe["data"]["init_args"] | {"workers": 0, "shares": None}
    sources = {"world": 3, "frames": 5, "size": 64}
    if name in ("autoencoder", "decoder", "adversarial"):
        data |= {"folder": f"{folder}/pixels", "train": sources, "held_out": sources}
        data["buckets"] = [{"batch": 2, "frames": 5, "size": 32}, {"batch": 3, "frames": 1, "size": 32}]
        recipe["model"]["init_args"]["fit_batches"] = 4
        if name == "adversarial":
            recipe["model"]["init_args"]["weights"] = f"{folder}/weights"
    else:
        store = "shards" if name.startswith(("seedvr", "simplegvr", "unimmvsr", "patchvsr")) else "latents"
        data |= {"clips": f"{folder}/pixels/train", store: f"{folder}/{name}", "train": sources}
        data |= {"weights": f"{folder}/weights"}
        data["buckets"] = [{"batch": 2, "frames": 2, "size": 4}, {"batch": 3, "frames": 1, "size": 4}]
        recipe["model"]["init_args"]["weights"] = f"{folder}/weights"
        if name == "simplegvr":
            recipe["model"]["init_args"] |= {
                "fit_clips": 4,
                "fit_bucket": {"batch": 1, "frames": 2, "size": 12},
            }
        if "simplegvr" in name:
            data |= {"clips": f"{folder}/larger_pixels/train", "train": sources | {"size": 96}}  # 3×3 small positions
        if "unimmvsr" in name:
            referring = sources | {"identities": 2, "edits": 1, "stills": 1, "repaints": 1}
            data |= {"clips": f"{folder}/references/train", "train": referring}
        if name == "patchvsr":
            data |= {"whole": 32}
    recipe["data"]["init_args"] = data
    recipe["trainer"] |= {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
    for callback in recipe["trainer"]["callbacks"]:
        kind, given = callback["class_path"].split(".")[-1], callback.setdefault("init_args", {})
        if kind == "Budget":
            given.update(minutes=None, steps=steps, warmup=2)
        elif kind == "ModelCheckpoint":
            given.update(every_n_train_steps=3, save_top_k=-1)
        elif kind == "Samples":
            given.update(every=4, count=1, size=64)
        elif kind in ("Export", "WarmStart"):
            given.update(folder=f"{folder}/weights")
    path = folder / f"{name}-{steps}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder in which all recipes ran, one after the other."""
    folder = tmp_path_factory.mktemp("trained")
    for name in RUNS:
        main(["--config", str(tiny(name, folder, 6))])
    return folder


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    return torch.load(checkpoint, weights_only=False)["current_model_state"]


def test_recipes_ship_weights_that_load_and_say_how_they_were_made(trained):
    for name, recipes in SHIPPED_BY.items():
        assert verify(trained / "weights" / name) == []
        card = json.loads((trained / "weights" / name / "card.json").read_text())
        assert card["steps"] == 6
        assert card["command"] == " && ".join(
            f"python -m cvsr fit --config cvsr/training/recipes/{recipe}.yaml" for recipe in recipes
        )
    base = {"transformer.base": "../super_resolution/transformer"}
    assert card["shared"] == {"autoencoder": "../autoencoder"} | base  # of PatchVSR, the last
    for name in ("super_resolution", "seedvr", "simplegvr", "unimmvsr", "patchvsr"):
        pipeline = load(name, trained / "weights")
        assert pipeline(torch.zeros(1, 3, 2, 8, 8), num_inference_steps=1).frames.shape == (1, 3, 2, 32, 32)
    assert load("simplegvr", trained / "weights").transformer.config["attention"] == "sparse"
    assert len(list((trained / "runs" / "text_to_video" / "samples").glob("*.png"))) == 1


@pytest.mark.parametrize(
    "name",
    [
        "autoencoder",
        "adversarial",
        "super_resolution",
        "seedvr",
        "simplegvr",
        "unimmvsr",
        "unimmvsr_wrong_references",  # Muon, and weights that it began with, overwritten since
        "patchvsr",
    ],
)
def test_a_resumed_run_ends_with_the_weights_of_one_that_never_stopped(trained, name):
    whole = weights_of(trained / "runs" / name / "step=6.ckpt")
    for checkpoint in (trained / "runs" / name).glob("step=6*"):
        checkpoint.unlink()
    seed_everything(123)  # no global random state may matter
    middle = trained / "runs" / name / "step=3.ckpt"
    main(["--config", str(tiny(name, trained, 6)), "--ckpt_path", str(middle)])
    resumed = weights_of(trained / "runs" / name / "step=6.ckpt")
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


def test_a_warm_start_begins_where_the_shipped_weights_end(trained):
    recipe = yaml.safe_load(tiny("text_to_video", trained, 1, learning_rate=1e-9).read_text())
    recipe["trainer"]["callbacks"] = [
        c for c in recipe["trainer"]["callbacks"] if "Export" not in c["class_path"]
    ]
    path = trained / "warm.yaml"
    path.write_text(
        yaml.safe_dump(recipe).replace("runs/text_to_video", "runs/warm").replace("n_steps: 3", "n_steps: 1")
    )
    main(["--config", str(path)])
    shipped = load("text_to_video", trained / "weights").transformer.state_dict()
    begun = weights_of(trained / "runs" / "warm" / "step=1.ckpt")
    for name, value in shipped.items():
        torch.testing.assert_close(begun[f"transformer.{name}"], value, rtol=0, atol=1e-6)


def test_nan_stops_the_run_before_it_reaches_the_weights(trained):
    recipe = tiny("text_to_video", trained, 5, learning_rate=1e30)
    recipe.write_text(recipe.read_text().replace("runs/text_to_video", "runs/nan"))
    with pytest.raises(FloatingPointError, match=r"no finite number.*learning_rate"):
        main(["--config", str(recipe)])
    assert (trained / "runs" / "nan" / "last-interrupted.ckpt").exists()


def test_latents_stay_valid_when_the_decoder_trains_on(trained):
    """The models that were trained on them need no others: encoder and statistics are those of the first recipe."""
    first = torch.load(trained / "runs" / "autoencoder" / "step=6.ckpt", weights_only=False)["state_dict"]
    then = weights_of(trained / "runs" / "decoder" / "step=6.ckpt")
    changed = {name for name, value in then.items() if not torch.equal(value, first[name].half().float())}
    assert "autoencoder.decoder.head.conv.weight" in changed
    assert all(name.startswith("autoencoder.decoder.") for name in changed)
    plain, sharp = (load(name, trained / "weights") for name in ("autoencoder", "autoencoder_adversarial"))
    assert encoder_hash(plain) == encoder_hash(sharp)
    assert not torch.equal(plain.decoder.head.conv.weight, sharp.decoder.head.conv.weight)


def test_the_statistics_of_latents_say_how_far_a_channel_moves_the_picture(trained):
    autoencoder = load("autoencoder", trained / "weights")
    change = autoencoder.linear.decode_group.weight.norm(dim=0)
    scales = 1 / torch.tensor(autoencoder.config.latents_std)
    torch.testing.assert_close(scales.square() / scales.square().mean(), change / change.mean())
