"""Networks that were taught how pictures look to people, by pyiqa: LPIPS, DISTS, MUSIQ, CLIP-IQA, Q-Align.

    lpips     distance of two pictures in the features of AlexNet, calibrated by people (Zhang et al. 2018)
    dists     distance in structure and texture, in the features of VGG (Ding et al. 2020)
    musiq     a transformer that sees a picture at three sizes and foretells the opinion of people, as on the
              photographs of KonIQ-10k: about 0 (bad) to 100 (excellent) (Ke et al. 2021)
    clipiqa   whether CLIP takes a picture for "good" rather than "bad", 0 to 1 (Wang et al. 2023)
    qalign    a language model's word for a picture, 1 (bad) to 5 (excellent) (Wu et al. 2023)

Nothing is downloaded, neither here nor by pyiqa: what is missing is named, with its place and its source.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

WEIGHTS = "https://huggingface.co/chaofengc/IQA-PyTorch-Weights"
TORCHVISION = "https://download.pytorch.org/models"


class JudgeMissing(ValueError):
    """A package or a file of weights that a judge needs is not here. The message says which, in one line."""


@dataclass(frozen=True)
class Judged:
    """What a judge of pyiqa needs.

    Attributes:
        files: below torch's hub folder, each with where it comes from; pyiqa is told of the first.
        told: whether it can be told, or looks there by itself.
        model: of the Hugging Face hub, in its cache, instead of files.
        compares: whether it sees a reference beside the picture.
    """

    files: dict[str, str]
    told: bool = True
    model: str | None = None
    compares: bool = False


JUDGES = {
    "lpips": Judged(
        {"pyiqa/LPIPS_v0.1_alex-df73285e.pth": WEIGHTS, "checkpoints/alexnet-owt-7be5be79.pth": TORCHVISION},
        compares=True,
    ),
    "dists": Judged(
        {"pyiqa/DISTS_weights-f5e65c96.pth": WEIGHTS, "checkpoints/vgg16-397923af.pth": TORCHVISION},
        compares=True,
    ),
    "musiq": Judged({"pyiqa/musiq_koniq_ckpt-e95806b9.pth": WEIGHTS}),
    "clipiqa": Judged({"clip/RN50.pt": "https://github.com/openai/CLIP"}, told=False),
    "qalign": Judged({}, told=False, model="q-future/one-align"),
}


class Judge:
    """One of `JUDGES` with its weights.

    Args:
        name: which.
        device: to compute on; a GPU by default, where there is one.

    Raises:
        JudgeMissing: pyiqa, torchvision or the weights are not here.
    """

    def __init__(self, name: str, device: str | None = None):
        judged, hub = JUDGES[name], Path(torch.hub.get_dir())
        missing = [package for package in ("pyiqa", "torchvision") if find_spec(package) is None]
        absent = {shown(hub / file): source for file, source in judged.files.items() if not (hub / file).exists()}
        if judged.model and not _in_cache(judged.model):
            absent[judged.model] = f"https://huggingface.co/{judged.model}, into the Hugging Face cache"
        if missing or absent:
            remedies = ["pip install -e '.[musiq]'"] * bool(missing)
            remedies += [f"the file from {source}" for source in dict.fromkeys(absent.values())]
            raise JudgeMissing(
                f"{name}: {', '.join([*missing, *absent])} missing; allowed with both packages and the weights, nothing"
                f" is downloaded; try {', and '.join(remedies)}"
            )
        from pyiqa import create_metric  # takes a second

        # A path: by the name alone, pyiqa would download what it does not find.
        told = {"pretrained_model_path": str(hub / next(iter(judged.files)))} if judged.told else {}
        with no_downloads(name):
            self._metric = create_metric(name, device=device, **told)

    @torch.no_grad()
    def score(self, video: Tensor, reference: Tensor | None = None) -> Tensor:
        """Of videos (B, 3, T, H, W) in [-1, 1], (B,), the mean over frames.

        `reference`, of the same shape, is for judges that compare.
        """
        given = [_pictures(each) for each in (video, reference) if each is not None]
        scores = torch.cat([self._metric(*pictures).reshape(1) for pictures in zip(*given, strict=True)])
        return rearrange(scores, "(b t) -> b t", b=len(video)).mean(1)


@contextmanager
def no_downloads(name: str) -> Iterator[None]:
    """Every connection is refused inside. Libraries that only look for something newer go on with what they have.

    Raises:
        JudgeMissing: what the judge `name` lacks could not be fetched.
    """
    asked = []

    def refuse(self, address):
        asked.append(address)
        raise ConnectionRefusedError(f"no connection to {address}: nothing is downloaded")

    connect = socket.socket.connect
    socket.socket.connect = refuse
    try:
        yield
    except Exception as error:  # each library has errors of its own for a network that is not there
        if not asked:
            raise
        raise JudgeMissing(
            f"{name}: its library asks for more from {asked[0]}; allowed with all weights in its cache, nothing is"
            " downloaded; try its own download once"
        ) from error
    finally:
        socket.socket.connect = connect


def shown(path: Path) -> str:
    """A path as reports have it: below the home folder from ~ on, which is the same for everybody."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _in_cache(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json"), str)


def _pictures(video: Tensor) -> Tensor:
    """Frames in [0, 1] one by one, which keeps the memory small: (B·T, 1, C, H, W)."""
    return rearrange((video + 1) / 2, "b c t h w -> (b t) 1 c h w").clamp(0, 1)
