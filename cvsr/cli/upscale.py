"""`python -m cvsr upscale`: the small video is read whole and checked, the large one made and written in a stream."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cvsr.cli.comparison import before_and_after, comparison_path
from cvsr.cli.memory import check_memory, keep_freed_memory
from cvsr.cli.references import reference_settings
from cvsr.cli.session import device, quiet_libraries, report
from cvsr.cli.systems import SYSTEMS, choose_system, given
from cvsr.data.encoding import MAX_SIDE
from cvsr.data.files import check_output
from cvsr.data.video import Video, read_video, to_frames, to_tensor, video_output
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.store import load
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import Tiling

BYTES_PER_PIXEL = 100  # of a chunk while it is made, blended and corrected: eight copies in float32


def upscale(
    *,
    input: str,
    output: str,
    scale: float,
    prompt: str,
    frames: int | None,
    steps: int | None,
    seed: int,
    strength: float | None,
    detail: float | None,
    consistency: int | None,
    colour_correction: str,
    system: str | None,
    reference: list[str],
    reference_video: list[str],
    salvage: bool,
    compare: bool,
    weights: str | None,
    **patchwise: Any,
) -> int:
    """Enlarge a video file. What can be wrong is found before the work begins."""
    compared, shown = comparison_path(output) if compare else None, [*reference, *reference_video]
    system = choose_system(system, reference=reference, reference_video=reference_video, **patchwise)
    for path in filter(None, (output, compared)):
        check_output(path, [input, *shown])
    video = read_video(input, salvage=salvage, max_frames=frames)
    _check_size(video, scale)
    own = reference_settings(reference, reference_video, len(video)) | given(patchwise)
    keep_freed_memory()
    quiet_libraries()
    pipeline = load(SYSTEMS[system], weights).to(device())
    pipeline.set_progress_bar_config(desc="upscaling", unit="step")
    asked = pipeline.asked(
        scale=scale,
        prompt=prompt,
        num_inference_steps=steps,
        strength=strength,
        detail=detail,
        consistency=consistency,
        colour_correction=colour_correction,
        generator=torch.Generator().manual_seed(seed),
        **own,
    )
    pipeline.check(torch.empty(1, 3, *video.frames.shape[:3], device="meta"), asked)
    names = ("scale", "prompt", "strength", "detail", "consistency", "colour_correction")
    settings = {name: getattr(asked, name) for name in names}
    settings |= {"steps": asked.num_inference_steps, "seed": seed, "references": [Path(path).name for path in shown]}
    settings |= given(patchwise)
    made_by = {"command": "upscale", "system": system, **settings}
    metadata = {**video.metadata, "cvsr": made_by}
    with ExitStack() as stack:
        write = stack.enter_context(video_output(output, video, metadata=metadata))
        if compared:
            silent = replace(video, audio=None)
            write_both = stack.enter_context(video_output(compared, silent, metadata=metadata))
        for small, large in _enlarged(pipeline, video.frames, asked):
            write(large)
            if compared:
                both = before_and_after(small, large, "input", f"{system}, x{scale:g}")
                write_both(both)
    report(output, len(video), *large.shape[1:3])
    if compared:
        report(compared, len(video), *both.shape[1:3])
    return 0


def _enlarged(
    pipeline: SuperResolutionPipeline, frames: np.ndarray, asked: Enlargement
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames of the input and of the result, uint8 (T, H, W, 3) both, some at a time."""
    length, done = asked.tiling.stride, 0
    pieces = (to_tensor(frames[at : at + length])[None] for at in range(0, len(frames), length))
    for piece in pipeline.stream(pieces, asked, len(frames)):
        large = to_frames(piece[0])
        yield frames[done : done + len(large)], large
        done += len(large)


def _check_size(video: Video, scale: float) -> None:
    frames, height, width = video.frames.shape[:3]
    height, width = round(height * scale), round(width * scale)
    if max(height, width) > MAX_SIDE:
        raise ValueError(
            f"scale={scale:g}: makes {width}x{height} pixels; allowed {MAX_SIDE} a side; try --scale 2"
        )
    at_once = min(frames, Tiling().frames)
    what = f"scale={scale:g}: {at_once} frames of {width}x{height}"
    check_memory(BYTES_PER_PIXEL * at_once * height * width, what, "a smaller --scale")
