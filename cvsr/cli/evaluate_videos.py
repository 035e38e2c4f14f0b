"""`python -m cvsr evaluate RESULT …` and `--system NAME`: videos judged, of whatever they were made by."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cvsr.cli.given_videos import Reader, gather, given_fields
from cvsr.cli.memory import keep_freed_memory
from cvsr.cli.session import device, quiet_libraries
from cvsr.cli.systems import SYSTEMS
from cvsr.measurements import video_tables, videos
from cvsr.measurements.clips import SPLIT
from cvsr.measurements.results import (
    Result,
    check_result_file,
    current_commit,
    describe_machine,
    today,
    write_result,
)
from cvsr.measurements.video_metrics import make_metrics
from cvsr.measurements.videos import Method
from cvsr.pipelines.store import load

BICUBIC = "bicubic"
FIGURES = {".png", ".svg", ".pdf"}


def evaluate_videos(
    *,
    results: list[str],
    world: int | None,
    system: list[str],
    metrics: list[str] | None,
    frames: int | None,
    seed: int,
    weights: str | None,
    csv: str | None,
    markdown: str | None,
    figure: str | None,
    json: str | None,
    **known: Any,
) -> int:
    """Judge results, and what systems make of the same inputs; print a table and write what is asked for."""
    outputs = {"csv": csv, "markdown": markdown, "figure": figure, "json": json}
    _check_outputs(outputs)
    clips, methods = gather(results, world, system, Reader(frames), known)
    keep_freed_memory()
    quiet_libraries()
    measures, missing = make_metrics(metrics, weights, given_fields(world, system, known))
    methods |= {name: _system(name, seed, weights) for name in system}
    started = time.monotonic()
    rows, lacking = videos.measure(methods, clips, measures)
    left_out = lacking | missing
    result = Result(
        name="videos",
        question=videos.QUESTION,
        command=_command(results, world, system, metrics, frames, seed, known),
        commit=current_commit(),
        date=today(),
        machine=describe_machine(),
        seeds={"scenes": f"0 to {world - 1} of the {SPLIT} split" if world else "none", "noise": str(seed)},
        budget=f"{(time.monotonic() - started) / 60:.1f} minutes",
        rows=rows,
    )
    _show(result, left_out)
    _write(result, left_out, outputs)
    return 0


def _system(name: str, seed: int, weights: str | None) -> Method:
    if name == BICUBIC:
        return videos.bicubic
    pipeline = load(SYSTEMS[name], weights).to(device())
    pipeline.set_progress_bar_config(disable=True)
    return videos.enlarge_by(pipeline, seed)


def _check_outputs(outputs: Mapping[str, str | None]) -> None:
    for option, path in outputs.items():
        if path is None:
            continue
        if option == "json":
            check_result_file(path)
        elif not Path(path).resolve().parent.is_dir() or Path(path).is_dir():
            raise ValueError(f"{option}={path}: cannot be written; allowed a file in an existing folder; try another")
        if option == "figure" and Path(path).suffix.lower() not in FIGURES:
            raise ValueError(f"figure={path}: unknown kind; allowed {', '.join(sorted(FIGURES))}; try metrics.png")


def _show(result: Result, left_out: Mapping[str, str]) -> None:
    console = Console()
    for group, rows in video_tables.by_group(result).items():
        table = Table(title=f"{group} ({rows[0].count})", title_justify="left", caption=video_tables.LEGEND)
        table.add_column("metric", no_wrap=True)
        for row in rows:
            table.add_column(row.method, justify="right", overflow="fold")
        for name in video_tables.names(rows):
            first = video_tables.best(name, rows)
            cells = [video_tables.cell(row.figures.get(name)).replace(" (", "\n[dim](") for row in rows]
            bold = [f"[bold]{cell}[/]" if row.method == first else cell for cell, row in zip(cells, rows, strict=True)]
            table.add_row(video_tables.title(name), *bold)
        console.print(table)
    for line in video_tables.not_measured(left_out):
        sys.stdout.write(f"{line}\n")


def _write(result: Result, left_out: Mapping[str, str], outputs: Mapping[str, str | None]) -> None:
    writers: dict[str, Callable[[Path], Any]] = {
        "csv": lambda path: path.write_text(video_tables.to_csv(result)),
        "markdown": lambda path: path.write_text(video_tables.markdown(result, left_out)),
        "figure": lambda path: _draw(result, path),
        "json": lambda path: write_result(result, path),
    }
    for option, path in outputs.items():
        if path:
            writers[option](Path(path))
            sys.stdout.write(f"wrote {path}\n")


def _draw(result: Result, path: Path) -> None:
    from cvsr.notebook.metric_charts import draw_metrics  # matplotlib takes a second

    draw_metrics(result).savefig(path, dpi=150)


def _command(results, world, system, metrics, frames, seed, known) -> str:
    """The command line that measures the same again; of files it has only the names."""
    words = ["python -m cvsr evaluate", *(Path(path).name for path in results)]
    words += [f"--world {world}"] if world else []
    words += [f"--system {','.join(system)}"] if system else []
    words += [f"--metrics {','.join(metrics)}"] if metrics else []
    words += [f"--frames {frames}"] if frames else []
    for option, value in known.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                shown = f'"{each}"' if option == "prompt" else Path(str(each)).name
                words.append(f"--{option.replace('_', '-')} {shown}")
    return " ".join([*words, f"--seed {seed}"])
