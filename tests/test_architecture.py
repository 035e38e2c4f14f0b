"""The plan of the house: who may import whom, and what must not be found in it."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cvsr"

# package -> the others it may import; its own files are always allowed.
FOUNDATION = {"diffusion", "data", "evaluation"}
SETTINGS = {"presets", "weights"}  # files beside the packages: plain data, which import no package
MAY_IMPORT = {
    "diffusion": set(),
    "data": set(),
    "evaluation": set(),
    "presets": set(),
    "weights": set(),
    "models": FOUNDATION,
    "systems": FOUNDATION | SETTINGS | {"models"},
    "pipelines": FOUNDATION | SETTINGS | {"models", "systems"},
    # training samples with the pipelines and saves them as weights
    "training": FOUNDATION | SETTINGS | {"models", "systems", "pipelines"},
    "measurements": FOUNDATION | SETTINGS | {"models", "systems", "training", "pipelines"},
    "notebook": FOUNDATION | SETTINGS | {"models", "systems", "training", "pipelines", "measurements"},
    "cli": FOUNDATION | SETTINGS | {"models", "systems", "training", "pipelines", "measurements", "notebook"},
    "__main__": {"cli"},
    "__init__": set(),
}
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LIBRARIES_OF_ONE_PLACE = {
    "pytorch_lightning": {"training", "cli"},
    "ipywidgets": {"notebook"},
    "ray": {"data", "pipelines"},
}


def name(path):
    return path.relative_to(ROOT).as_posix()


def owner(path):
    """The package (or the file right under cvsr) that a module belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """Every module that a file imports, inside functions too; another test refuses relative imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "cvsr")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_one_way(path):
    allowed = MAY_IMPORT[owner(path)] | {owner(path)}
    ours = {module.split(".")[1] for module in imports(path) if module.startswith("cvsr.")}
    assert ours <= allowed, f"{name(path)} may import {sorted(allowed)}, not {sorted(ours - allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_libraries_stay_in_their_place(path):
    for library, places in LIBRARIES_OF_ONE_PLACE.items():
        if owner(path) not in places:
            assert library not in {module.split(".")[0] for module in imports(path)}
    assert "torchvision" not in {module.split(".")[0] for module in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_what_it_is_and_imports_by_full_name(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{name(path)} has no docstring"
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
    if path.name == "__init__.py":
        assert len(tree.body) == 1, "an __init__.py holds its docstring only: imports name the file"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_loaded_in_part(path):
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        partial = any(k.arg == "strict" and getattr(k.value, "value", None) is False for k in call.keywords)
        if partial and getattr(call.func, "id", "") != "zip":  # of zip it only says that lengths may differ
            pytest.fail(f"{name(path)}:{call.lineno}: strict=False skips in silence what does not fit")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_error_is_swallowed(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            everything = node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}
            silent = all(isinstance(statement, ast.Pass) for statement in node.body)
            assert not (everything and silent), f"{name(path)}:{node.lineno}: swallows every error"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_file_holds_one_idea(path):
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}
    assert len(path.read_text().splitlines()) <= 300, f"{name(path)} is long: aim at 250 lines"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_notebooks_are_kept_without_outputs(path):
    notebook = json.loads(path.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert not {"widgets", "papermill"} & notebook["metadata"].keys()


def test_weights_are_small_and_safe():
    files = [path for path in (ROOT / "data" / "weights").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 80e6
    assert all(path.stat().st_size < 12e6 for path in files)
    unsafe = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy", ".npz"}
    assert not [path for path in files if path.suffix in unsafe], "safetensors only: pickles run code"


def test_tests_mirror_the_package():
    for folder in (ROOT / "tests").iterdir():
        if folder.is_dir() and any(folder.rglob("test_*.py")):
            assert folder.name in {path.name for path in PACKAGE.iterdir()} | {"notebooks"}
