"""Shards of large collections, built by many workers on many machines with Ray Data (the extra `cvsr[ray]`).

A row is a shard. Each worker makes its models once and then calls `cvsr.data.shards.build_shard`, so that the bytes are
those of a build by one process, whoever makes a shard and however often: if a worker is killed, Ray gives its shard to
another, which makes it anew. What goes wrong comes back as a row beside the others, and the build fails at its end,
with everything kept that was made; started again, it goes on there. All workers must see the folder and the clips under
the same paths.
"""

from collections.abc import Callable
from pathlib import Path

from cvsr.data.shards import begin_shards, build_shard, check_models, finish_shards
from cvsr.data.shards_encoding import Models
from cvsr.data.shards_manifest import Manifest
from cvsr.data.shards_settings import ShardSettings

Row = dict[str, str | list[str]]  # "shard", and the "keys" and "files" of its clips; then "error", "" for none


def build_shards_by_ray(  # noqa: D417 (the others are described in build_shards)
    folder: str | Path,
    clips: str | Path,
    settings: ShardSettings,
    make_models: Callable[[], Models],
    codec: str,
    text_encoder: str,
    workers: int,
    gpus: float = 0,
) -> Manifest:
    """`cvsr.data.shards.build_shards`, by several workers; Ray is started here unless it runs.

    Args:
        folder, clips, settings, codec, text_encoder: as for `build_shards`.
        make_models: called once in each worker, so that it may load them there.
        workers: how many.
        gpus: of each worker; a half lets two share one.

    Returns:
        The account of the folder: inputs = outputs + rejects.

    Raises:
        ValueError: as `build_shards`; less than one worker.
        RuntimeError: some shards could not be made; the rest is kept.
    """
    if workers < 1:
        raise ValueError(f"workers={workers}: none to build; allowed 1 or more; try 4")
    import ray.data  # only here: the extra may not be installed

    folder = Path(folder).absolute()
    todo = begin_shards(folder, Path(clips).absolute(), settings, codec, text_encoder)
    rows = [
        {"shard": name, "keys": list(files), "files": [str(file) for file in files.values()]}
        for name, files in todo.items()
    ]
    if rows:
        shards = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            Worker,
            fn_constructor_args=(folder, settings, make_models),
            concurrency=min(workers, len(rows)),
            num_gpus=gpus or None,
        )
        check_rows(rows, shards.take_all())
    return finish_shards(folder)


class Worker:
    """Makes shards, one after the other, with models of its own."""

    def __init__(self, folder: Path, settings: ShardSettings, make_models: Callable[[], Models]):
        self.folder, self.settings, self.models = folder, settings, make_models()
        check_models(settings, self.models)

    def __call__(self, row: Row) -> Row:
        """The row of a shard, with what went wrong."""
        files = {key: Path(file) for key, file in zip(row["keys"], row["files"], strict=True)}
        try:
            build_shard(self.folder, row["shard"], files, self.settings, self.models)
        except Exception as error:  # one bad shard is to leave the others alone
            return {"shard": row["shard"], "error": f"{type(error).__name__}: {error}"}
        return {"shard": row["shard"], "error": ""}


def check_rows(asked: list[Row], returned: list[Row]) -> None:
    """RuntimeError unless every shard came back once, without an error."""
    errors = [f"{row['shard']}: {row['error']}" for row in returned if row["error"]]
    wanted, found = (sorted(row["shard"] for row in rows) for rows in (asked, returned))
    if wanted != found:
        errors.append(f"{len(wanted)} were asked for, {len(found)} came back")
    if errors:
        raise RuntimeError(
            f"shards: {len(errors)} of {len(wanted)} failed; {errors[0]}; all others are kept; try the same build again"
        )
