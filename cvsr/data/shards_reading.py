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

from cvsr.data.degradations.ranges import check_probabilities
from cvsr.data.mixture import Mixture
from cvsr.data.patch_windows import draw_patch
from cvsr.data.shards_manifest import read_index, read_manifest
from cvsr.data.stream import Bucket, Ticket, random_of

Sample = dict[str, Tensor | list[Tensor] | str]
Place = tuple[int, int]  # where a file lies in its tar: offset and length, bytes
Group = dict[str, Tensor | list[str] | list[list[Tensor]]]
ON_SUBJECT = 0.8  # the share of the crops of clips with references that are sure to show some of the subject


class ShardClips(Dataset):
    """Random crops of latents by (seed, ticket), each with one of its clip's variants:

    {"latents": (c, t, h, w), "low": (c, t, h, w), "subject": (1, t, h, w), "text": (L, d), "caption": str,
    "references": [(c, t, h, w), …]}, float32.
    "low" is as many times smaller as the shards' inputs are (`ShardSettings.reduction`). "subject" is how much of
    each position the main object, or what is referred to or was edited, covers, 0 where that is unknown. A crop begins
    with the first frame, which is encoded alone: with one latent frame it is an image. Clips that are shorter or
    smaller than the ticket's bucket are left to smaller ones. Batches are made by `collate`.

    Of shards with wholes a crop is a patch of its variant's window, and there are three more: "whole" (c, t, h', w'),
    all of the window in small, "place" (4,), the crop's top, left, bottom and right edge as shares of the window, and
    "scale" (), how many times the input was enlarged.

    References are those of the variant: one or more of a clip's ID images, whole, in any order, so that a network does
    not rely on their number; or a video, cut where its clip is. "places", (2, t, h, w) for each ID image of the clip,
    say where in it a position of the crop is (`cvsr.data.references.places_in`), if the folder has them. Most crops of
    such clips show some of the subject. A
    share of them goes without references: guidance compares both (UniMMVSR appendix A.3). Another share is shown those
    of another clip: what references show has to be looked for, and left where it is not found.

    Args:
        folder: made by `cvsr.data.shards.build_shards`.
        codec, text_encoder: hashes of the models that the folder must be of.
        shares: see `cvsr.data.mixture.Mixture`.
        seed: of every draw.
        dropout: the share of clips with references whose references are left out.
        wrong: the share of the others that are shown the references of another clip of the same source, if it has any.

    Raises:
        ValueError: the folder is incomplete or of other models; a dropout or `wrong` outside of 0 to 1; a share or (on
            reading) a bucket without clips, or one whose size the inputs have no whole positions for.
    """

    def __init__(
        self,
        folder: str | Path,
        codec: str,
        text_encoder: str,
        shares: dict[str, float] | None = None,
        seed: int = 0,
        dropout: float = 0.1,
        wrong: float = 0.0,
    ):
        check_probabilities(dropout=dropout)
        check_probabilities(wrong=wrong)
        self.folder, self.shares, self.seed, self.dropout, self.wrong = Path(folder), shares, seed, dropout, wrong
        manifest = read_manifest(folder, codec, text_encoder)
        indexes = {name: read_index(self.folder, name)["outputs"] for name in manifest.hashes}
        self.clips = {key: (name, indexes[name][key]) for key, name in manifest.outputs.items()}
        self._fitting: dict[Bucket, Mixture] = {}
        Mixture([Path(key) for key in self.clips], shares)  # a share without clips shows here

    def __getitem__(self, ticket: Ticket) -> Sample:
        rng, bucket = random_of(self.seed, ticket.index), ticket.bucket
        clips = self._fitting_clips(bucket)
        key = clips.draw(rng, bucket.sources)
        tar, files, shape = self._files(key)
        low = _map(tar, files["low.npy"])  # (v, c, t, h / reduction, w / reduction)
        reduction = shape[2] // low.shape[3]
        if bucket.size % reduction:
            raise ValueError(
                f"buckets={bucket}: size={bucket.size} is no whole number of the inputs' positions; allowed"
                f" multiples of {reduction}; try size={bucket.size // reduction * reduction + reduction}"
            )
        subject = _map(tar, files["subject.npy"])
        shows_subject = "references.npy" in files and rng.random() < ON_SUBJECT
        place = _draw_place(rng, subject[:, : bucket.frames]) if shows_subject else None
        crop, small_crop = _draw_crop(rng, shape, bucket, reduction, place)
        variant = rng.integers(len(low))
        whole = {}
        if "whole.npy" in files:
            sides, whole["place"] = draw_patch(rng, _map(tar, files["window.npy"])[variant].astype(int), bucket.size)
            crop = small_crop = np.s_[:, : bucket.frames, *sides]
            whole["whole"] = _map(tar, files["whole.npy"])[variant][:, : bucket.frames]
            whole["scale"] = _map(tar, files["scale.npy"])[variant]
        pieces = {
            "latents": _map(tar, files["latents.npy"])[crop],
            "low": low[variant][small_crop],
            "subject": subject[crop],
            "text": _map(tar, files["text.npy"]),
        }
        sample = {kind: _to_tensor(piece) for kind, piece in (pieces | whole).items()}
        sample["references"], sample["places"] = [], []
        sample["caption"] = _read(tar, files["caption.txt"]).decode()
        if "references.npy" in files and rng.random() >= self.dropout:
            if self.wrong and rng.random() < self.wrong:
                others_tar, others, _ = self._files(clips.fellow(rng, key))
                if "references.npy" in others:  # nothing of the clip is in them
                    tar, files = others_tar, {name: place for name, place in others.items() if name != "places.npy"}
            references = _map(tar, files["references.npy"])[variant]  # (n, c, t, h, w)
            if references.shape[2] > 1:
                shown = references[:, *crop]
            else:
                chosen = rng.permutation(len(references))[: rng.integers(len(references)) + 1]
                shown = references[chosen]
                if "places.npy" in files:
                    places = _map(tar, files["places.npy"])[variant][chosen][:, *crop]
                    sample["places"] = [_to_tensor(piece) for piece in places]
            sample["references"] = [_to_tensor(piece) for piece in shown]
        return sample

    def _files(self, key: Path) -> tuple[Path, dict[str, Place], tuple[int, ...]]:
        """The tar that a clip is in, its files there, and the shape (c, t, h, w) of its latents."""
        name, clip = self.clips[key.name]
        return self.folder / f"{name}.tar", clip["files"], clip["shape"]

    def _fitting_clips(self, bucket: Bucket) -> Mixture:
        """The clips that fill a bucket, by source."""
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
            shares = self.shares
            if shares and bucket.sources:
                shares = {name: shares[name] for name in bucket.sources if name in shares}  # others need not fit
            self._fitting[bucket] = Mixture([Path(key) for key in keys], shares)
        return self._fitting[bucket]


Crop = tuple[slice, slice, slice, slice]


def _draw_place(rng: np.random.Generator, subject: np.ndarray) -> tuple[int, int] | None:
    """A row and a column where the subject (1, t, h, w) is, more likely where more of it is; None if it is nowhere."""
    amounts = subject.sum(axis=(0, 1), dtype=np.float64)  # (h, w)
    if not amounts.any():
        return None
    return divmod(int(rng.choice(amounts.size, p=amounts.ravel() / amounts.sum())), amounts.shape[1])


def _draw_crop(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    bucket: Bucket,
    reduction: int,
    place: tuple[int, int] | None,
) -> tuple[Crop, Crop]:
    """A crop of a clip of `shape` (c, t, h, w), with `place` (row, column) in it if there is one, and of its inputs."""
    start = []
    for axis, side in enumerate(shape[2:]):
        first, last = 0, side - bucket.size
        if place is not None:
            first, last = max(first, place[axis] - bucket.size + 1), min(last, place[axis])
        start.append(reduction * int(rng.integers(-(-first // reduction), last // reduction + 1)))
    crop, small_crop = (
        np.s_[:, : bucket.frames, *(slice(s // n, (s + bucket.size) // n) for s in start)]
        for n in (1, reduction)
    )
    return crop, small_crop


def collate(samples: list[Sample]) -> list[Group]:
    """A batch, as one group for each shape of latents, in the order in which the shapes come.

    A group is {"latents", "low", "subject", "text": (B, L, d), "text_mask": (B, L) bool, "caption": [str]}. L is its
    longest text's length, at least 1; True marks a token, and a clip without a caption has none. Where at least one
    sample has references, a group has "references" and "places", too: for each sample lists of tensors, which may be
    empty.
    """
    shapes = dict.fromkeys(sample["latents"].shape for sample in samples)
    return [_group([s for s in samples if s["latents"].shape == shape]) for shape in shapes]


def _group(samples: list[Sample]) -> Group:
    ragged = ("text", "references", "places")
    group = default_collate([{k: v for k, v in sample.items() if k not in ragged} for sample in samples])
    references = [sample["references"] for sample in samples]
    if any(references):
        group["references"] = references
        group["places"] = [sample["places"] for sample in samples]
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


def _to_tensor(piece: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(piece, np.float32))


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
