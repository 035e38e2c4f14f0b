"""The doctor finds every fault that is put there, names its remedy, and says by its exit code whether all is well."""

import collections
import json
import shutil

from cvsr.cli import checks, doctor
from cvsr.cli.checks import FAULT, NOTE, OK
from cvsr.cli.main import main


def only(findings, name):
    (finding,) = (each for each in findings if each.name == name)
    return finding


def test_all_is_well_here(weights, tmp_path, capsys, monkeypatch):
    for name, value in checks.ALLOCATOR.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(checks, "WRITTEN", ("outputs",))
    path = tmp_path / "found.json"
    assert main(["doctor", "--weights", str(weights), "--json", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "all is well" in shown
    found = json.loads(path.read_text())
    assert {each["topic"] for each in found} == set(checks.CHECKS)
    assert not [each for each in found if each["state"] == FAULT]
    assert {each["name"]: each["said"] for each in found}["libx264"] == "writes H.264"
    for each in found:
        assert each["said"] in shown
        assert "\n" not in each["said"] + each["remedy"]
        assert bool(each["remedy"]) == (each["state"] != OK)


def test_damaged_and_missing_weights(weights, tmp_path, capsys):
    folder = tmp_path / "weights"
    shutil.copytree(weights, folder)
    shutil.rmtree(folder / "patchvsr")
    (folder / "seedvr" / "model_index.json").write_text("version https://git-lfs.github.com/spec/v1")
    found = doctor.examine("weights", str(folder))
    seedvr, patchvsr = only(found, "seedvr"), only(found, "patchvsr")
    assert seedvr.state == FAULT
    assert "model_index.json is a Git LFS pointer" in seedvr.said
    assert "git lfs pull" in seedvr.remedy
    assert (patchvsr.state, patchvsr.remedy) == (NOTE, "train them, or leave out --system patchvsr")
    assert main(["doctor", "--weights", str(folder)]) == 1
    assert "1 fault " in capsys.readouterr().out
    shutil.rmtree(folder / "super_resolution")
    assert only(doctor.examine("weights", str(folder)), "super_resolution").state == FAULT
    (nothing,) = doctor.examine("weights", str(tmp_path / "nowhere"))
    assert (nothing.state, nothing.remedy) == (FAULT, checks.REPAIR)


def test_packages_that_are_missing_or_of_another_version(monkeypatch):
    asked = ["torch>=2", "numpy>=99", "no-such-package>=1", "pyiqa>=99; extra == 'musiq'"]
    monkeypatch.setattr(checks.metadata, "requires", lambda _: asked)
    found = doctor.examine("versions")
    assert only(found, "torch").state == OK
    assert only(found, "numpy").state == only(found, "no-such-package").state == FAULT
    assert only(found, "numpy").said.endswith("asked for >=99")
    assert only(found, "no-such-package").said == "not installed"
    assert only(found, "numpy").remedy == "pip install 'numpy>=99'"
    assert (only(found, "pyiqa").state, only(found, "pyiqa").remedy) == (NOTE, "pip install -e '.[musiq]'")


def test_an_old_python_and_a_checkout_that_is_not_installed(monkeypatch):
    def requires(_):
        raise checks.metadata.PackageNotFoundError("cvsr")

    monkeypatch.setattr(checks, "OLDEST_PYTHON", (4, 0))
    monkeypatch.setattr(checks.metadata, "requires", requires)
    found = doctor.examine("versions")
    assert [finding.state for finding in found] == [FAULT, FAULT]
    assert only(found, "cvsr").remedy.startswith("pip install -e .")


def test_a_library_that_cannot_be_imported_is_a_fault_and_the_rest_goes_on(weights, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    (broken,) = doctor.examine("codecs")
    assert broken.state == FAULT
    assert "ModuleNotFoundError" in broken.said
    assert main(["doctor", "--weights", str(weights)]) == 1
    assert "attention" in capsys.readouterr().out


def test_encoders_and_decoders_that_ffmpeg_lacks(monkeypatch):
    there = checks._has_codec
    assert there("h264", "r")
    assert not there("no-such-codec", "r")
    monkeypatch.setattr(checks, "_has_codec", lambda name, mode: name != "vp9" and mode == "r")
    found = doctor.examine("codecs")
    assert only(found, "libx264").state == FAULT
    assert only(found, "libx264").remedy.startswith("pip install")
    assert (only(found, "decoders").state, only(found, "decoders").said) == (NOTE, "without vp9")
    assert "libx265" in only(found, "encoders of damage").said
    monkeypatch.setattr(checks, "_has_codec", lambda name, mode: name != "h264")
    assert only(doctor.examine("codecs"), "decoders").state == FAULT


def test_little_memory_and_an_allocator_that_returns_it(monkeypatch):
    monkeypatch.setattr(checks, "available_memory", lambda: 2**30)
    monkeypatch.setattr(checks.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.delenv("MALLOC_TOP_PAD_", raising=False)
    found = doctor.examine("memory")
    assert (only(found, "free").state, only(found, "free").said) == (FAULT, "1.0 GiB")
    assert only(found, "allocator").state == NOTE
    assert "export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=" in only(found, "allocator").remedy
    monkeypatch.setattr(checks, "available_memory", lambda: None)
    monkeypatch.setattr(checks.platform, "libc_ver", lambda: ("", ""))
    assert [finding.state for finding in doctor.examine("memory")] == [NOTE, OK]


def test_a_full_disk_and_folders_that_refuse_files(monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    usage = collections.namedtuple("usage", "free")
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage(2**20))
    monkeypatch.setattr(checks.tempfile, "TemporaryFile", refuse)
    found = doctor.examine("disk")
    assert {finding.state for finding in found} == {FAULT}
    assert only(found, "outputs").said == "refuses files (Permission denied)"
    assert only(found, "outputs").remedy.startswith("chmod u+w")


def test_a_gpu_that_torch_cannot_use_and_too_many_threads(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4096)
    monkeypatch.setattr(checks, "_gpu_is_there", lambda: True)
    for version, words in ((None, "built for the CPU"), ("13.0", "cannot reach it")):
        monkeypatch.setattr(torch.version, "cuda", version)
        found = doctor.examine("device")
        assert (only(found, "gpu").state, only(found, "cpu").state) == (NOTE, NOTE)
        assert words in only(found, "gpu").said
        assert only(found, "cpu").remedy.startswith("export OMP_NUM_THREADS=")


def test_mistakes_are_answered_in_one_line(capsys):
    assert main(["doctor", "--json", "no/such/folder/found.json"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: json=no/such/folder/found.json: no such folder")
    assert said.count("\n") == 1
