"""How different two pictures look: distances between what a network makes of them, layer by layer."""

from importlib.util import find_spec
from pathlib import Path

import torch
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor, nn
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from cvsr.models.attribute_reader import AttributeReader
from cvsr.pipelines.store import load

VGG16 = "vgg16-397923af.pth"  # torchvision's file, which LPIPS reads its features with
FLOOR = 1e-2  # added to a squared length, of about 10: positions where nothing is seen do not count


def feature_distance(features: list[Tensor], reference: list[Tensor]) -> Tensor:
    """Squared distance of the directions of features, the mean over positions, the sum over layers: (N,).

        d = Σ_layers mean_positions |f̂ - f̂_ref|²,  f̂ = f / |f| along the channels

    LPIPS (Zhang et al. 2018, equation 1) with all channels weighted alike; features are (N, c, h, w) a layer.
    """
    total = 0.0
    for one, other in zip(features, reference, strict=True):
        total = total + (_directions(one) - _directions(other)).square().sum(1).mean((1, 2))
    return total


def _directions(features: Tensor) -> Tensor:
    return features * (features.square().sum(1, keepdim=True) + FLOOR).rsqrt()


class WorldPerceptual(nn.Module):
    """`feature_distance` of what the attribute reader sees: (N, 3, H, W) twice, in [-1, 1] → (N,).

    The reader learnt to name objects of the procedural world, and at equal squared error its features find a blurred
    picture about twice as wrong as one with fine noise: they hold the decoder to detail, as LPIPS does.
    """

    def __init__(self, reader: AttributeReader):
        super().__init__()
        self.reader = reader.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "WorldPerceptual":
        """Never: statistics of batches would make the distance depend on its neighbours."""
        return super().train(False)

    def forward(self, frames: Tensor, reference: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.reader.activations(reference)
        return feature_distance(self.reader.activations(frames), wanted)


def build_perceptual() -> nn.Module:
    """A frozen distance of pictures (N, 3, H, W) in [-1, 1]: LPIPS if its weights lie here, else `WorldPerceptual`.

    Nothing is downloaded: LPIPS needs torchvision and its VGG-16 in torch's own cache.

    Raises:
        WeightsError: the attribute reader, where it is needed, is missing or damaged.
    """
    file = Path(torch.hub.get_dir()) / "checkpoints" / VGG16
    if find_spec("torchvision") and file.exists():
        rank_zero_info(f"Perceptual loss: LPIPS with {file}.")
        return LearnedPerceptualImagePatchSimilarity("vgg").net  # the network: the metric would keep every score
    rank_zero_info(f"Perceptual loss: the attribute reader's features; LPIPS needs torchvision and {file}.")
    return WorldPerceptual(load("attribute_reader"))
