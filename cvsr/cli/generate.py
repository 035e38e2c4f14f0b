"""`python -m cvsr generate`."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from cvsr.cli.comparison import before_and_after, comparison_path
from cvsr.cli.memory import keep_freed_memory
from cvsr.cli.references import reference_settings
from cvsr.cli.session import device, quiet_libraries, report
from cvsr.cli.systems import SYSTEMS, choose_system, given
from cvsr.data.files import check_output
from cvsr.data.video import write_video
from cvsr.pipelines.cascade import CascadePipeline
from cvsr.pipelines.store import load
from cvsr.presets import SAMPLING


def generate(
    *,
    prompt: str,
    output: str,
    steps: int,
    frames: int,
    guidance: float,
    seed: int,
    strength: float | None,
    detail: float | None,
    consistency: int | None,
    system: str | None,
    reference: list[str],
    reference_video: list[str],
    no_upscale: bool,
    compare: bool,
    weights: str | None,
    **patchwise: Any,
) -> int:
    """Make a video file from a prompt. What can be wrong is found before the work begins."""
    compared = comparison_path(output) if compare and not no_upscale else None
    shown = [*reference, *reference_video]
    asked_for = {"reference": reference, "reference_video": reference_video, **patchwise}
    if no_upscale and (options := given(asked_for)):
        option = f"--{next(iter(options)).replace('_', '-')}"
        raise ValueError(f"no-upscale: leaves out what has {option}; allowed without it; try one of them")
    system = choose_system(system, **asked_for)
    for path in filter(None, (output, compared)):
        check_output(path, shown)
    own = reference_settings(reference, reference_video, frames) | given(patchwise)
    keep_freed_memory()
    quiet_libraries()
    base = load("text_to_video", weights)
    base.set_progress_bar_config(desc="small video", unit="step")
    arguments = {
        "prompt": prompt,
        "num_frames": frames,
        "guidance_scale": guidance,
        "generator": torch.Generator().manual_seed(seed),
        "output_type": "np",
    }
    enlarging = {"strength": strength, "detail": detail, "consistency": consistency}
    if no_upscale:
        small = large = base.to(device())(**arguments, num_inference_steps=steps).frames[0]
    else:
        enlarger = load(SYSTEMS[system], weights)
        enlarger.set_progress_bar_config(desc="large video", unit="step")
        cascade = CascadePipeline(base, enlarger).to(device())
        asked = enlarger.asked(**enlarging)
        enlarging = {name: getattr(asked, name) for name in enlarging}
        both = cascade(**arguments, base_inference_steps=steps, **enlarging, **own)
        small, large = both.base[0], both.frames[0]
    settings = {
        "command": "generate",
        "system": system,
        "prompt": prompt,
        "steps": steps,
        "seed": seed,
        "guidance": guidance,
        "references": [Path(path).name for path in shown],
        **enlarging,
        **given(patchwise),
    }
    _write(output, large, settings)
    if compared:
        _write(compared, before_and_after(small, large, "base model", f"{system}, x4"), settings)
    return 0


def _write(path: str, frames: np.ndarray, settings: dict) -> None:
    write_video(path, frames, fps=SAMPLING.fps, metadata={"cvsr": settings})
    report(path, *frames.shape[:3])
