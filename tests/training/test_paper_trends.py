"""What a paper says is read with its variants, and nothing that is not there."""

import pytest

from cvsr.measurements.published import ATTENTION_OPERATORS, TIMESTEP_SAMPLERS
from cvsr.training.ablations import COMPARISONS, read_comparison
from cvsr.training.paper_trends import Expected, Published, read_published

VARIANTS = ["full", "windows"]
ROWS = {"full": {"MUSIQ": 62.19}, "windows": {"MUSIQ": 59.33}}


def test_rows_and_trends():
    contents = {"source": "a table", "rows": ROWS, "trends": [{"paper": "MUSIQ", "ours": "psnr"}]}
    read = read_published(contents, VARIANTS)
    assert read == Published("a table", ROWS, (Expected("psnr", "MUSIQ"),))
    assert read_published(None, VARIANTS) is None


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"rows": {"other": {}}}, "no variants; allowed"),
        ({"trends": [{"variant": "other", "says": "better", "ours": "psnr"}]}, "no variants; allowed"),
        ({"trends": [{"ours": "psnr"}]}, "allowed a figure of the paper, or a variant"),
        ({"trends": [{"says": "better", "ours": "psnr"}]}, "allowed a figure of the paper, or a variant"),
        ({"trends": [{"paper": "DOVER", "ours": "psnr"}], "rows": ROWS}, r"allowed \['MUSIQ'\]"),
        ({"trends": [{"variant": "full", "says": "best", "ours": "psnr"}]}, r"or says: \['better', 'worse'\]"),
    ],
)
def test_mistakes_are_named(contents, words):
    with pytest.raises(ValueError, match=words):
        read_published({"source": "a table"} | contents, VARIANTS)


@pytest.mark.parametrize("name", sorted(path.stem for path in COMPARISONS.glob("*.yaml")))
def test_every_comparison_names_its_paper_and_a_trend(name):
    published = read_comparison(COMPARISONS / f"{name}.yaml").published
    assert published.source.split(",")[0] in ("SeedVR", "SimpleGVR", "UniMMVSR", "PatchVSR")
    assert published.trends


def test_rows_are_those_that_lessons_show():
    names = {"MUSIQ": "musiq"} | {f"DOVER {part}": part for part in ("technical", "aesthetic", "overall")}
    operators = {"full": "full", "windows": "swin", "sparse local": "sparse"}
    for file, table, rows in (
        ("timestep_samplers", TIMESTEP_SAMPLERS, {name: name for name in TIMESTEP_SAMPLERS}),
        ("attention_operators", ATTENTION_OPERATORS, operators),
    ):
        published = read_comparison(COMPARISONS / f"{file}.yaml").published
        for variant, row in rows.items():
            found = {names[name]: value for name, value in published.rows[variant].items() if name in names}
            assert found == {name: getattr(table[row], name) for name in names.values()}


def test_what_the_papers_text_says_of_their_tables():
    order = read_comparison(COMPARISONS / "training_order.yaml").published.rows
    assert max(order, key=lambda name: order[name]["CLIP-I"]) == "difficult to easy"
    parts = read_comparison(COMPARISONS / "patch_components.yaml").published.rows
    for figure in ("DOVER", "MUSIQ", "aesthetics"):
        assert max(parts, key=lambda name: parts[name][figure]) == "all parts"
    windows = read_comparison(COMPARISONS / "window_sizes.yaml").published.rows
    assert windows["1×4×4"]["seconds an iteration"] > windows["1×8×8"]["seconds an iteration"]
    others = ("1×8×8", "1×16×16", "5×16×16", "5×4×4")
    assert windows["5×8×8"]["DOVER"] > max(windows[name]["DOVER"] for name in others)
