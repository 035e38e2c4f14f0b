"""`python -m cvsr generate`: a small video from a prompt, then a large one from its latents or frames."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cvsr.cli.comparison import comparison_path
from cvsr.cli.memory import keep_freed_memory
from cvsr.cli.production import Job, Seen, identity, produce
from cvsr.cli.references import reference_settings
from cvsr.cli.session import device, quiet_libraries, report
from cvsr.cli.stages import check_size, choose_stages, fingerprints, loader, settings_of
from cvsr.cli.systems import given
from cvsr.data.files import check_output
from cvsr.data.video import Video, to_frames, write_video
from cvsr.pipelines.ledger import Ledger
from cvsr.pipelines.relay import Leg, ready, relay_latents, whole
from cvsr.pipelines.stages import in_steps, sizes
from cvsr.pipelines.store import load
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.tiling import TEMPORAL, up
from cvsr.presets import SAMPLING
from cvsr.weights import fingerprint

SIZE = (64, 64)  # height and width of the small video
LENGTH = 17  # frames of the videos that the base model was trained on, beside single ones; it draws shorter ones badly
BASE = "text_to_video"


def generate(
    *,
    prompt: str,
    output: str,
    steps: int,
    frames: int,
    guidance: float,
    seed: int,
    scale: float | None,
    height: int | None,
    stages: str | None,
    reference: list[str],
    reference_video: list[str],
    no_upscale: bool,
    compare: bool,
    memory: float | None,
    restart: bool,
    weights: str | None,
    **asked: Any,
) -> int:
    """Make a video file from a prompt. What can be wrong is found before the work begins."""
    compared = comparison_path(output) if compare and not no_upscale else None
    references, shown = {"reference": reference, "reference_video": reference_video}, [*reference, *reference_video]
    if no_upscale:
        _check_without(references | {"scale": scale, "height": height, "stages": stages, **asked})
    chosen = choose_stages(stages, references, **asked)
    for path in filter(None, (output, compared)):
        check_output(path, shown)
    settings = {"command": "generate", "prompt": prompt, "steps": steps, "seed": seed, "guidance": guidance}
    keep_freed_memory()
    quiet_libraries()
    base = load(BASE, weights).to(device())
    base.set_progress_bar_config(desc="small video", unit="step", leave=False)
    drawn = frames if frames == 1 else max(frames, LENGTH)  # the rest is cut off
    arguments = {"num_frames": drawn, "num_inference_steps": steps, "guidance_scale": guidance}
    if no_upscale:
        small = base(prompt, *SIZE, **arguments, generator=_generator(seed), output_type="np").frames[0][:frames]
        write_video(output, small, fps=SAMPLING.fps, metadata={"cvsr": settings})
        report(output, *small.shape[:3])
        return 0
    total = height / SIZE[0] if height is not None else scale
    chosen = in_steps(chosen[0], total) if stages is None and total is not None else chosen
    times = check_size(SIZE, sizes(chosen, SIZE, total)[-1])
    own = {"unimmvsr": reference_settings(reference, reference_video, frames)}
    legs = ready(chosen, SIZE, loader(weights), scale=total, prompt=prompt, seed=seed, own=own)
    legs[0] = whole(legs[0], frames)
    used = settings_of(legs)
    settings = {**used, **settings, "scale": times, "references": [Path(path).name for path in shown]}
    prints = {BASE: fingerprint(BASE, weights), **fingerprints(legs, weights)}
    job = Job(
        output=output,
        compared=compared,
        like=Video(np.zeros((frames, 1, 1, 3), np.uint8), SAMPLING.fps),
        metadata={"cvsr": {**settings, **given({"memory": memory})}},
        labels=("base model", f"{used['system']}, x{times:g}"),
        identity=identity({**settings, "frames": frames}, shown, prints),
        restart=restart,
        memory=memory,
    )
    seen = Seen([])

    def enlarge(legs: list[Leg], ledger: Ledger) -> Iterator[np.ndarray]:
        latents = _base_latents(base, ledger, prompt, arguments, seed)[:, :, : 1 + up(frames - 1, TEMPORAL) // TEMPORAL]
        small, pieces = relay_latents(latents, frames, legs, ledger)
        seen.waiting.extend(to_frames(small[0]))
        return (to_frames(piece[0]) for piece in pieces)

    produce(job, legs, [range(frames)], seen, enlarge)
    return 0


def _base_latents(
    base: TextToVideoPipeline, ledger: Ledger, prompt: str, arguments: dict[str, Any], seed: int
) -> torch.Tensor:
    """What the base model leaves, (1, c, t, h, w); or left, before the run was broken off."""
    if (kept := ledger.get("base")) is not None:
        return torch.from_numpy(kept["latents"]).to(base.device)
    latents = base(prompt, *SIZE, **arguments, generator=_generator(seed), output_type="latent").frames
    ledger.put("base", latents=latents.cpu().numpy())
    return latents


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _check_without(options: dict[str, Any]) -> None:
    """ValueError if there are options for what is left out; those of every system mean nothing, and do no harm."""
    harmless = ("strength", "detail", "consistency", "system", "colour_correction")
    if found := [name for name in given(options) if name not in harmless]:
        option = f"--{found[0].replace('_', '-')}"
        raise ValueError(f"no-upscale: leaves out what has {option}; allowed without it; try one of them")
