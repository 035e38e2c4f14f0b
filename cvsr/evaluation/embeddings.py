"""Whether a video shows what a picture shows, by networks that turn pictures into vectors: CLIP-I and DINO-I.

Both are the mean cosine of the embeddings of frames and of reference pictures (Ruiz et al. 2023, "DreamBooth",
section 4.2). CLIP was taught by captions and sees what things are; DINO was taught to tell any two pictures apart and
sees how they look. The weights come from the Hugging Face cache of this machine; nothing is downloaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.evaluation.judges import JudgeMissing

FRAMES = 16  # of a video that are looked at, evenly spaced


@dataclass(frozen=True)
class Embedder:
    """A network and how it is shown pictures: reduced to so many pixels on the shorter side, the middle cut out."""

    model: str  # of the Hugging Face hub
    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop: int = 224


EMBEDDERS = {
    "clip_i": Embedder(
        "openai/clip-vit-base-patch32",
        224,
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    ),
    "dino_i": Embedder("facebook/dino-vits16", 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


class PictureLikeness:
    """CLIP-I or DINO-I, -1 to 1; more is more alike.

    Args:
        name: "clip_i" or "dino_i".
        device: to compute on.
        model: another name, or the folder of a model of the same kind.

    Raises:
        JudgeMissing: the weights are not in the cache.
    """

    def __init__(self, name: str, device: torch.device | str = "cpu", model: str | None = None):
        from transformers import CLIPVisionModelWithProjection, ViTModel

        kinds = {"clip_i": (CLIPVisionModelWithProjection, {}), "dino_i": (ViTModel, {"add_pooling_layer": False})}
        kind, own = kinds[name]
        self.shown, self.device = EMBEDDERS[name], device
        model = model or self.shown.model
        try:
            self.network = kind.from_pretrained(model, local_files_only=True, **own).to(device).eval()
        except OSError:
            raise JudgeMissing(
                f"{name}: {model} missing; allowed in the Hugging Face cache, nothing is downloaded; try `hf download"
                f" {model}` where there is a network"
            ) from None

    def score(self, video: Tensor, references: Sequence[Tensor]) -> Tensor:
        """Of videos (B, 3, T, H, W) and pictures (3, H, W) in [-1, 1], (B,)."""
        moments = torch.linspace(0, video.shape[2] - 1, min(FRAMES, video.shape[2])).round().long()
        pictures = torch.cat([self.embed(picture[None]) for picture in references])  # (R, d)
        frames = torch.stack([self.embed(clip[:, moments].transpose(0, 1)) for clip in video])  # (B, T, d)
        return (frames @ pictures.T).mean(dim=(1, 2)).cpu()

    @torch.no_grad()
    def embed(self, pictures: Tensor) -> Tensor:
        """Unit vectors (B, d) of pictures (B, 3, H, W) in [-1, 1]."""
        found = self.network(pixel_values=self._prepare(pictures).to(self.device))
        vectors = found.image_embeds if hasattr(found, "image_embeds") else found.last_hidden_state[:, 0]
        return F.normalize(vectors, dim=-1)

    def _prepare(self, pictures: Tensor) -> Tensor:
        """As the network was taught to see them: (B, 3, crop, crop)."""
        shorter, crop = min(pictures.shape[-2:]), self.shown.crop
        size = [round(side * self.shown.side / shorter) for side in pictures.shape[-2:]]
        small = F.interpolate((pictures + 1) / 2, size, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = ((side - crop) // 2 for side in size)
        cut = small[..., top : top + crop, left : left + crop]
        mean, std = (cut.new_tensor(each).view(1, 3, 1, 1) for each in (self.shown.mean, self.shown.std))
        return (cut - mean) / std
