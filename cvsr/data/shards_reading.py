"""Reading shards: random crops for training, exactly resumable, and a check of the files from end to end.

WebDataset's own readers go through a tar from its beginning and shuffle in a buffer: what comes after step n
depends on everything before it, so that a run could not go on where it stopped without reading all of it again.
But a tar keeps each file in one piece, uncompressed, and the index beside it says where: training maps the pieces
it needs into memory, in any order, and reads one variant's crop and nothing else. WebDataset writes the files and
checks them.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
import webdataset
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, default_collate

from cvsr.data.pixels import share_out
from cvsr.data.shards_manifest import read_index, read_manifest
from cvsr.data.stream import Bucket, Ticket, random_of

Sample = dict[str, Tensor | str]
Place = tuple[int, int]  # where a file lies in its tar: offset and length, bytes


class ShardClips(Dataset):
    """Random crops of latents by (seed, ticket), each with one of its clip's variants:

    {"latents": (c, t, h, w), "low": (c, t, h, w), "subject": (1, t, h, w), "text": (L, d), "caption": str}, float32.
    "low" is as many times smaller as the shards' inputs are (`ShardSettings.reduction`). "subject" is how much of
    each position the main object covers, 0 where that is unknown. A crop begins with the first frame, which is
    encoded alone: with one latent frame it is an image. Clips that are shorter or smaller than the ticket's bucket
    are left to smaller ones. Batches are made by `collate`.

    Args:
        folder: made by `cvsr.data.shards.build_shards`.
        codec, text_encoder: hashes of the models that the folder must be of.
        shares: see `cvsr.data.pixels.share_out`.
        seed: of every draw.

    Raises:
        ValueError: the folder is incomplete or of other models; a share or (on reading) a bucket without clips, or
            one whose size the inputs have no whole positions for.
    """

    def __init__(
        self,
        folder: str | Path,
        codec: str,
        text_encoder: str,
        shares: dict[str, float] | None = None,
        seed: int = 0,
    ):
        self.folder, self.shares, self.seed = Path(folder), shares or {"": 1.0}, seed
        manifest = read_manifest(folder, codec, text_encoder)
        indexes = {name: read_index(self.folder, name)["outputs"] for name in manifest.hashes}
        self.clips = {key: (name, indexes[name][key]) for key, name in manifest.outputs.items()}
        self._fitting: dict[Bucket, tuple[list[list[Path]], np.ndarray]] = {}
        share_out([Path(key) for key in self.clips], self.shares)  # a share without clips shows here

    def __getitem__(self, ticket: Ticket) -> Sample:
        rng, bucket = random_of(self.seed, ticket.index), ticket.bucket
        groups, weights = self._groups(bucket)
        group = groups[rng.choice(len(groups), p=weights)]
        name, clip = self.clips[group[rng.integers(len(group))].name]
        tar, files = self.folder / f"{name}.tar", clip["files"]
        low = _map(tar, files["low.npy"])  # (v, c, t, h / reduction, w / reduction)
        reduction = clip["shape"][2] // low.shape[3]
        if bucket.size % reduction:
            raise ValueError(
                f"buckets={bucket}: size={bucket.size} is no whole number of the inputs' positions; allowed"
                f" multiples of {reduction}; try size={bucket.size // reduction * reduction + reduction}"
            )
        start = [
            reduction * int(rng.integers((side - bucket.size) // reduction + 1)) for side in clip["shape"][2:]
        ]
        crop, small_crop = (
            np.s_[:, : bucket.frames, *(slice(s // n, (s + bucket.size) // n) for s in start)] for n in (1, reduction)
        )
        pieces = {
            "latents": _map(tar, files["latents.npy"])[crop],
            "low": low[rng.integers(len(low))][small_crop],
            "subject": _map(tar, files["subject.npy"])[crop],
            "text": _map(tar, files["text.npy"]),
        }
        sample = {kind: torch.from_numpy(piece.astype(np.float32)) for kind, piece in pieces.items()}
        return sample | {"caption": _read(tar, files["caption.txt"]).decode()}

    def _groups(self, bucket: Bucket) -> tuple[list[list[Path]], np.ndarray]:
        """The clips that fill a bucket, by share, and how often each group is drawn."""
        if bucket not in self._fitting:
            shapes = {key: clip["shape"] for key, (_, clip) in self.clips.items()}
            keys = [
                k for k, (_, t, h, w) in shapes.items() if t >= bucket.frames and min(h, w) >= bucket.size
            ]
            if not keys:
                raise ValueError(
                    f"buckets={bucket}: no clip is so long and large; allowed up to"
                    f" {max(shapes.values(), key=np.prod)} (c, t, h, w); try fewer frames or a smaller size"
                )
            self._fitting[bucket] = share_out([Path(key) for key in keys], self.shares)
        return self._fitting[bucket]


def collate(samples: list[Sample]) -> list[dict[str, Tensor | list[str]]]:
    """A batch, as one group for each shape of latents, in the order in which the shapes come.

    A group is {"latents", "low", "subject", "text": (B, L, d), "text_mask": (B, L) bool, "caption": [str]}. L is its
    longest text's length, at least 1; True marks a token, and a clip without a caption has none.
    """
    shapes = dict.fromkeys(sample["latents"].shape for sample in samples)
    return [_group([s for s in samples if s["latents"].shape == shape]) for shape in shapes]


def _group(samples: list[Sample]) -> dict[str, Tensor | list[str]]:
    group = default_collate([{k: v for k, v in sample.items() if k != "text"} for sample in samples])
    texts = [sample["text"] for sample in samples]
    lengths = torch.tensor([len(text) for text in texts])
    blank = texts[0].new_zeros(max(1, int(lengths.max())), texts[0].shape[1])  # (L, d)
    group["text"] = pad_sequence([blank, *texts], batch_first=True)[1:]  # (B, L, d)
    group["text_mask"] = torch.arange(len(blank)) < lengths[:, None]  # (B, L)
    return group


def check_shards(folder: str | Path, codec: str, text_encoder: str) -> None:
    """Read every shard with WebDataset from end to end, as after a copy to another machine.

    Raises:
        ValueError: as `read_manifest`, or a shard whose bytes or clips are not those of the manifest.
    """
    folder = Path(folder).absolute()  # WebDataset takes a name with a colon for an address
    manifest = read_manifest(folder, codec, text_encoder)
    for name, digest in manifest.hashes.items():
        tar = folder / f"{name}.tar"
        with open(tar, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            raise ValueError(
                f"folder={folder}: {name}.tar is damaged; allowed the bytes that were built; try a new copy"
            )
        samples = webdataset.WebDataset([str(tar)], shardshuffle=False, empty_check=False)
        assert [sample["__key__"] for sample in samples] == list(read_index(folder, name)["outputs"])


def _map(tar: Path, place: Place) -> np.ndarray:
    """A .npy file in the tar, mapped into memory: only what is looked at is read."""
    with open(tar, "rb") as file:
        file.seek(place[0])
        assert np.lib.format.read_magic(file) == (1, 0)
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        assert not fortran_order
        if 0 in shape:
            return np.zeros(shape, dtype)  # nothing cannot be mapped
        return np.memmap(file, dtype, "r", file.tell(), shape)


def _read(tar: Path, place: Place) -> bytes:
    with open(tar, "rb") as file:
        file.seek(place[0])
        return file.read(place[1])
