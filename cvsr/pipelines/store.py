"""Saving pipelines as shipped weights and loading them again: fp16 on disk, fp32 in memory.

The folders are diffusers', so `from_pretrained` reads them too. Loading here does more: files are verified
against their card, parts that another folder stores are fetched there, and so are the frozen weights of a part that
adapts another one, only classes of the list below are made, and a weight that is missing, left over or of another shape
is an error.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import torch
from diffusers import DiffusionPipeline, ModelMixin, WanTransformer3DModel
from diffusers.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, T5EncoderModel, UMT5EncoderModel

from cvsr.diffusion.schedulers import Scheduler
from cvsr.models.attribute_reader import AttributeReader
from cvsr.models.channel_transformer import ChannelTransformer
from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.latent_upsampler import LatentUpsampler
from cvsr.models.patch_transformer import PatchTransformer
from cvsr.models.streaming import STREAMABLE
from cvsr.models.swin_mmdit import SwinMMDiT
from cvsr.models.token_transformer import TokenTransformer
from cvsr.models.transformer import VideoTransformer
from cvsr.models.wan_transformer import WanVideoTransformer
from cvsr.pipelines.cascade import PIPELINES, CascadePipeline
from cvsr.weights import WeightsError, read_card, require

MODELS = (
    *STREAMABLE,  # the video autoencoders
    VideoTransformer,
    HybridTransformer,
    ChannelTransformer,
    TokenTransformer,
    SwinMMDiT,
    PatchTransformer,
    WanVideoTransformer,
    WanTransformer3DModel,
    LatentUpsampler,
    T5EncoderModel,
    UMT5EncoderModel,
    AttributeReader,
)
SCHEDULERS = get_args(Scheduler)
PARTS = {kind.__name__: kind for kind in (*MODELS, *SCHEDULERS)}
CONFIGS = ("config.json", "scheduler_config.json")
BASE = ".base"  # after a part's name, in a card: the part, elsewhere, that this one adapts


def save(
    model: DiffusionPipeline | nn.Module,
    folder: str | Path,
    shared: Sequence[str] = (),
    bases: Mapping[str, Path] | None = None,
) -> None:
    """Save a pipeline or a single model in half precision; the model itself stays as it is.

    `shared` parts of a pipeline are left out, and of parts that adapt another one the weights that lie in the folder of
    that one in `bases`: its card has to say where both are, the latter after the part's name and `BASE`.

    Raises:
        WeightsError: a base that is not there, or that the part has changed.
    """
    if isinstance(model, DiffusionPipeline):
        parts = {name: None if name in shared else _halved(part) for name, part in model.components.items()}
        type(model)(**parts).save_pretrained(folder)
        for name, base in (bases or {}).items():
            _leave_out_base(Path(folder) / name, model.components[name], base)
    else:
        _halved(model).save_pretrained(folder)
    for config in Path(folder).rglob("config.json"):
        settings = json.loads(config.read_text())
        if settings.pop("_name_or_path", None):  # where its author had it: not what the reader should learn
            config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")


def load(
    name: str, folder: str | Path | None = None, dtype: torch.dtype = torch.float32
) -> DiffusionPipeline | nn.Module:
    """The model or pipeline `name` of a weights folder (`cvsr.weights.weights_folder`), in a precision, ready to use.

    Raises:
        WeightsError: missing, damaged, of another shape or of a class that is not on the list.
    """
    path = require(name, folder)
    index = path / "model_index.json"
    if not index.exists():
        return load_part(path, dtype)
    contents = json.loads(index.read_text())
    kind = PIPELINES.get(contents["_class_name"])
    if kind is None:
        raise _misfit(path, f"is a {contents['_class_name']}", f"allowed {', '.join(PIPELINES)}")
    shared = read_card(path).shared
    names = [part for part, value in contents.items() if isinstance(value, list)]
    bases = {part: path / shared[part + BASE] for part in names if part + BASE in shared}
    pipeline = kind(**{part: load_part(path / shared.get(part, part), dtype, bases.get(part)) for part in names})
    pipeline.check_parts()
    return pipeline


def load_cascade(folder: str | Path | None = None) -> CascadePipeline:
    """Both stages of the base system."""
    return CascadePipeline(load("text_to_video", folder), load("super_resolution", folder))


def load_part(
    path: Path, dtype: torch.dtype = torch.float32, base: Path | None = None
) -> nn.Module | PreTrainedTokenizerBase:
    """A model, in a precision, a scheduler or a tokenizer from a folder in diffusers' format.

    Its config names the class; WeightsError for one that is not on the list, or weights that do not fit it. Those of a
    model that adapts another one may lie in the folder of that `base`.
    """
    config = next((json.loads((path / file).read_text()) for file in CONFIGS if (path / file).exists()), None)
    if config is None:
        return AutoTokenizer.from_pretrained(path, local_files_only=True)
    name = config.get("_class_name") or next(iter(config.get("architectures") or []), None)
    kind = PARTS.get(name)
    if kind is None:
        raise _misfit(path, f"is a {name}", f"allowed {', '.join(PARTS)}")
    if kind in SCHEDULERS:
        return kind.from_pretrained(path, local_files_only=True)
    if base is not None:
        return _load_adapted(kind, path, load_part(base, dtype), dtype).eval()
    precision = {"torch_dtype" if issubclass(kind, ModelMixin) else "dtype": dtype}  # diffusers' word or transformers'
    try:
        model, report = kind.from_pretrained(
            path, local_files_only=True, use_safetensors=True, output_loading_info=True, **precision
        )
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise _misfit(
            path, str(error).splitlines()[0], "allowed weights of the shapes in its config"
        ) from error
    wrong = [
        key for problem in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in report[problem]
    ]
    if wrong:
        raise _misfit(
            path, f"{len(wrong)} weights do not fit, {wrong[0]} first", "allowed those of its config"
        )
    return model.eval()


def _load_adapted(kind: type[PatchTransformer], path: Path, base: nn.Module, dtype: torch.dtype) -> PatchTransformer:
    """A model of its folder's weights and of those that it has of its base."""
    with torch.device("meta"):
        model = kind.from_config(kind.load_config(path, local_files_only=True))
    try:
        own = {name: weight.to(dtype) for name, weight in load_file(path / SAFETENSORS_WEIGHTS_NAME).items()}
        model.load_state_dict(model.weights_of(base) | own, assign=True)
    except (RuntimeError, OSError, SafetensorError) as error:
        problem = str(error).splitlines()[0]
        raise _misfit(path, problem, "allowed weights that complete those of its base") from error
    return model


def _leave_out_base(path: Path, part: PatchTransformer, base: Path) -> None:
    """Take out of a folder the weights that its part has of a base."""
    own, known = load_file(path / SAFETENSORS_WEIGHTS_NAME), part.weights_of(load_part(base))
    if changed := [name for name, weight in known.items() if not torch.equal(own[name], weight.half())]:
        raise _misfit(path, f"{changed[0]} is not that of {base}", "allowed a part that keeps its base as it is")
    rest = {name: weight for name, weight in own.items() if name not in known}
    save_file(rest, path / SAFETENSORS_WEIGHTS_NAME, metadata={"format": "pt"})


def _halved(part: object) -> object:
    return copy.deepcopy(part).half() if isinstance(part, nn.Module) else part


def _misfit(path: Path, problem: str, allowed: str) -> WeightsError:
    return WeightsError(f"weights={path}: {problem}; {allowed}; try the weights of the repository")
