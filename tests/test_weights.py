"""Cards, hashes and what can lie under a weights file's name; loading is tested with the pipelines."""

import json

import pytest

from cvsr import weights
from cvsr.weights import (
    Card,
    WeightsError,
    list_weights,
    read_card,
    require,
    verify,
    weights_folder,
    write_card,
)

FACTS = Card(
    config="teaching",
    command="python -m cvsr fit --config autoencoder.yaml",
    commit="abc",
    seed=3,
    data="world",
    steps=10,
    device="cpu",
    minutes=1.5,
    held_out={"psnr": 35.5},
)


def folder_of_weights(root, name="autoencoder", card=FACTS):
    folder = root / name
    (folder / "transformer").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "transformer" / "model.safetensors").write_bytes(bytes(range(256)))
    write_card(folder, card)
    return folder


def test_a_card_says_how_the_weights_came_to_be_and_hashes_every_file(tmp_path):
    card = read_card(folder_of_weights(tmp_path))
    assert (card.seed, card.minutes, card.held_out) == (3, 1.5, {"psnr": 35.5})
    assert sorted(card.files) == ["config.json", "transformer/model.safetensors"]
    assert (
        card.files["config.json"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )  # of "{}"


def test_untouched_weights_are_well(tmp_path):
    folder = folder_of_weights(tmp_path)
    (folder / ".DS_Store").write_text("from a file browser")
    assert verify(folder) == []
    assert require("autoencoder", tmp_path) == folder
    (entry,) = list_weights(tmp_path)
    assert (entry.folder.name, entry.size, entry.problems) == ("autoencoder", 258, [])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (bytes(range(255)) + b"\x00", "is damaged"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "is a Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>404</html>", "is a web page"),
        (b"", "is empty"),
        (None, "is missing"),
    ],
)
def test_damage_is_named_in_one_line(tmp_path, content, problem):
    folder = folder_of_weights(tmp_path)
    file = folder / "transformer" / "model.safetensors"
    file.unlink() if content is None else file.write_bytes(content)
    assert [line for line in verify(folder) if f"transformer/model.safetensors {problem}" in line]
    with pytest.raises(WeightsError, match=rf"^weights=.*{problem}.*; allowed .*; try [^\n]*$"):
        require("autoencoder", tmp_path)


def test_an_unfinished_export_is_not_listed(tmp_path):
    folder_of_weights(tmp_path)
    (tmp_path / ".text_to_video.unfinished").mkdir()
    assert [entry.folder.name for entry in list_weights(tmp_path)] == ["autoencoder"]


def test_a_file_that_nobody_vouches_for_is_a_problem(tmp_path):
    folder = folder_of_weights(tmp_path)
    (folder / "transformer" / "model.bin").write_bytes(b"pickle")
    assert verify(folder) == ["transformer/model.bin is not in the card"]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"config": 1}', "<html></html>"])
def test_a_folder_without_a_readable_card_is_a_problem(tmp_path, content):
    folder = folder_of_weights(tmp_path)
    (folder / "card.json").unlink() if content is None else (folder / "card.json").write_text(content)
    (problem,) = verify(folder)
    assert problem.startswith("card.json is ")
    assert list_weights(tmp_path)[0].card is None


def test_shared_parts_are_verified_where_they_lie(tmp_path):
    lender = folder_of_weights(tmp_path, "text_to_video")
    folder_of_weights(tmp_path)
    card = weights.replace(
        FACTS, shared={"autoencoder": "../autoencoder", "text": "../text_to_video/transformer"}
    )
    borrower = folder_of_weights(tmp_path, "super_resolution", card)
    assert require("super_resolution", tmp_path) == borrower
    (lender / "transformer" / "model.safetensors").write_bytes(b"")
    assert verify(borrower) == []
    with pytest.raises(WeightsError, match=r"text_to_video: transformer/model\.safetensors is empty"):
        require("super_resolution", tmp_path)
    (lender / "transformer" / "model.safetensors").unlink()
    (lender / "transformer").rmdir()
    assert verify(borrower) == ["../text_to_video/transformer (text) is missing"]


def test_unknown_weights_name_the_known_ones(tmp_path):
    folder_of_weights(tmp_path)
    with pytest.raises(WeightsError, match=r"there is autoencoder; try"):
        require("nothing", tmp_path)


@pytest.mark.parametrize("missing", [True, False])
def test_no_weights_at_all(tmp_path, missing):
    with pytest.raises(WeightsError, match="no weights here"):
        list_weights(tmp_path / "absent" if missing else tmp_path)


def test_an_argument_goes_before_the_environment_and_that_before_the_repository(tmp_path, monkeypatch):
    monkeypatch.delenv("CVSR_WEIGHTS", raising=False)
    assert weights_folder() == weights.SHIPPED
    monkeypatch.setenv("CVSR_WEIGHTS", str(tmp_path))
    assert weights_folder() == tmp_path
    assert weights_folder("elsewhere").name == "elsewhere"


def test_a_card_is_plain_json(tmp_path):
    facts = json.loads((folder_of_weights(tmp_path) / "card.json").read_text())
    assert facts["command"] == FACTS.command
