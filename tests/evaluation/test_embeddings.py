"""CLIP-I and DINO-I with tiny networks of the same classes: pictures are shown as the papers' code shows them."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, ViTConfig, ViTModel

from cvsr.data.video import to_tensor
from cvsr.evaluation.embeddings import EMBEDDERS, PictureLikeness
from cvsr.evaluation.judges import JudgeMissing

TINY = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 32}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models")
    CLIPVisionModelWithProjection(CLIPVisionConfig(**TINY, projection_dim=8)).save_pretrained(folder / "clip_i")
    ViTModel(ViTConfig(**TINY), add_pooling_layer=False).save_pretrained(folder / "dino_i")
    return folder


@pytest.fixture
def frames():
    """uint8 (3, 260, 300, 3), smooth."""
    coarse = np.random.default_rng(0).integers(0, 256, (3, 5, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(each).resize((300, 260), Image.BICUBIC)) for each in coarse])


@pytest.mark.parametrize("name", EMBEDDERS)
def test_embeddings_are_those_of_pictures_prepared_by_pillow(models, frames, name):
    judge, shown = PictureLikeness(name, model=str(models / name)), EMBEDDERS[name]
    small = Image.fromarray(frames[0])
    size = [round(side * shown.side / 260) for side in small.size]
    small = np.asarray(small.resize(size, Image.BICUBIC), np.float32) / 255
    top, left = (small.shape[0] - 224) // 2, (small.shape[1] - 224) // 2
    pixels = (small[top : top + 224, left : left + 224] - np.array(shown.mean)) / np.array(shown.std)
    pixels = torch.tensor(pixels, dtype=torch.float32).permute(2, 0, 1)[None]
    with torch.no_grad():
        if name == "clip_i":
            expected = judge.network(pixels).image_embeds
        else:
            expected = judge.network(pixels).last_hidden_state[:, 0]
    expected = torch.nn.functional.normalize(expected, dim=-1)
    picture = to_tensor(frames)[:, 0]
    torch.testing.assert_close(judge.embed(picture[None]), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("name", EMBEDDERS)
def test_the_score_is_the_mean_cosine_over_frames_and_pictures(models, frames, name):
    judge, video = PictureLikeness(name, model=str(models / name)), to_tensor(frames)[None]
    pictures = [video[0, :, 1], video[0, :, 2]]
    embedded = [judge.embed(video[:, :, t])[0] for t in range(3)]
    expected = np.mean([float(embedded[t] @ embedded[r]) for t in range(3) for r in (1, 2)])
    assert judge.score(video, pictures).item() == pytest.approx(expected, abs=1e-5)
    still = video[:, :, :1].expand(-1, -1, 4, -1, -1)
    assert judge.score(still, [still[0, :, 0]]).item() == pytest.approx(1, abs=1e-5)


def test_missing_weights_are_named_and_not_downloaded(tmp_path):
    with pytest.raises(JudgeMissing, match="nowhere missing; allowed in the Hugging Face cache") as error:
        PictureLikeness("clip_i", model=str(tmp_path / "nowhere"))
    assert "\n" not in str(error.value)
