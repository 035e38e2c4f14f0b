"""`python -m cvsr upscale`: the small video is looked through, then enlarged and written piece by piece."""

from pathlib import Path
from typing import Any

from cvsr.cli.comparison import comparison_path
from cvsr.cli.memory import keep_freed_memory
from cvsr.cli.production import Job, Seen, identity, produce
from cvsr.cli.references import reference_settings
from cvsr.cli.session import quiet_libraries
from cvsr.cli.stages import check_size, choose_stages, fingerprints, loader, settings_of
from cvsr.cli.systems import given
from cvsr.data.files import check_output
from cvsr.data.footage import survey
from cvsr.pipelines.relay import enlarge, ready
from cvsr.pipelines.stages import in_steps, sizes


def upscale(
    *,
    input: str,
    output: str,
    scale: float | None,
    height: int | None,
    stages: str | None,
    prompt: str,
    frames: int | None,
    seed: int,
    reference: list[str],
    reference_video: list[str],
    salvage: bool,
    compare: bool,
    memory: float | None,
    restart: bool,
    weights: str | None,
    **asked: Any,
) -> int:
    """Enlarge a video file. What can be wrong is found before the work begins."""
    compared, shown = comparison_path(output) if compare else None, [*reference, *reference_video]
    chosen = choose_stages(stages, {"reference": reference, "reference_video": reference_video}, **asked)
    for path in filter(None, (output, compared)):
        check_output(path, [input, *shown])
    footage = survey(input, salvage=salvage, max_frames=frames)
    size = footage.height, footage.width
    total = height / size[0] if height is not None else scale
    chosen = in_steps(chosen[0], total) if stages is None and total is not None else chosen
    times = check_size(size, sizes(chosen, size, total)[-1])
    keep_freed_memory()
    quiet_libraries()
    own = {"unimmvsr": reference_settings(reference, reference_video, len(footage))}
    legs = ready(chosen, size, loader(weights), scale=total, prompt=prompt, seed=seed, own=own)
    used = settings_of(legs)
    settings = {"command": "upscale", "scale": times, "prompt": prompt, "seed": seed, **used}
    settings |= {"references": [Path(path).name for path in shown]}
    job = Job(
        output=output,
        compared=compared,
        like=footage,
        metadata={**footage.metadata, "cvsr": {**settings, **given({"memory": memory})}},
        labels=("input", f"{used['system']}, x{times:g}"),
        identity=identity({**settings, "frames": len(footage)}, (input, *shown), fingerprints(legs, weights)),
        restart=restart,
        memory=memory,
    )
    seen = Seen(footage)
    produce(job, legs, footage.scenes, seen, lambda legs, ledger: enlarge(seen, footage.scenes, legs, ledger))
    return 0

