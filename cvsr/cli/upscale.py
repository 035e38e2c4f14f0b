"""`python -m cvsr upscale`."""

from dataclasses import replace

import torch

from cvsr.cli.arguments import SYSTEMS
from cvsr.cli.comparison import before_and_after, comparison_path
from cvsr.cli.memory import available_memory, keep_freed_memory
from cvsr.cli.session import device, quiet_libraries, report
from cvsr.data.encoding import MAX_SIDE
from cvsr.data.files import check_output
from cvsr.data.video import Video, read_video, to_tensor, write_video
from cvsr.pipelines.store import load

BYTES_PER_PIXEL = 24  # of the result while it is blended, corrected and written


def upscale(
    *,
    input: str,
    output: str,
    scale: float,
    prompt: str,
    frames: int | None,
    steps: int,
    seed: int,
    strength: float,
    detail: float,
    consistency: int,
    system: str,
    salvage: bool,
    compare: bool,
    weights: str | None,
) -> int:
    """Enlarge a video file. What can be wrong is found before the work begins."""
    compared = comparison_path(output) if compare else None
    for path in filter(None, (output, compared)):
        check_output(path, [input])
    video = read_video(input, salvage=salvage, max_frames=frames)
    _check_size(video, scale)
    keep_freed_memory()
    quiet_libraries()
    pipeline = load(SYSTEMS[system], weights).to(device())
    pipeline.set_progress_bar_config(desc="upscaling", unit="step")
    result = pipeline(
        to_tensor(video.frames)[None],
        prompt,
        scale,
        num_inference_steps=steps,
        strength=strength,
        detail=detail,
        consistency=consistency,
        generator=torch.Generator().manual_seed(seed),
        output_type="np",
    ).frames[0]
    settings = {
        "command": "upscale",
        "system": system,
        "scale": scale,
        "prompt": prompt,
        "steps": steps,
        "seed": seed,
        "strength": strength,
        "detail": detail,
        "consistency": consistency,
    }
    metadata = {**video.metadata, "cvsr": settings}
    write_video(output, replace(video, frames=result), metadata=metadata)
    report(output, result)
    if compared:
        both = before_and_after(video.frames, result, "input", f"{system}, x{scale:g}")
        write_video(compared, replace(video, frames=both, audio=None), metadata=metadata)
        report(compared, both)
    return 0


def _check_size(video: Video, scale: float) -> None:
    frames, height, width = video.frames.shape[:3]
    height, width = round(height * scale), round(width * scale)
    if max(height, width) > MAX_SIDE:
        raise ValueError(
            f"scale={scale:g}: makes {width}x{height} pixels; allowed {MAX_SIDE} a side; try --scale 2"
        )
    needed, available = BYTES_PER_PIXEL * frames * height * width, available_memory()
    if available is not None and needed > available:
        most = int(frames * available / needed)
        raise ValueError(
            f"scale={scale:g}: {frames} frames of {width}x{height} take {needed / 2**30:.1f} GiB of memory; "
            f"allowed {available / 2**30:.1f}; try a smaller --scale, or --frames {max(most, 1)}"
        )
