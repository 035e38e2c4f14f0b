"""Every source is drawn as often as its share says, however many files it has."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cvsr.data.mixture import Mixture

FILES = [Path(name) for name in ("world-0", "world-1", "world-2", "edit-0", "edit-1", "film-0")]


def frequencies(mixture, sources=None, count=4000):
    rng = np.random.default_rng(0)
    drawn = Counter(mixture.draw(rng, sources).name.split("-")[0] for _ in range(count))
    return {name: number / count for name, number in drawn.items()}


def test_shares_hold_whatever_their_sum_and_the_number_of_files():
    assert frequencies(Mixture(FILES, {"world": 3.0, "": 1.0})) == pytest.approx(
        {"world": 0.75, "edit": 1 / 6, "film": 1 / 12}, abs=0.03
    )
    assert frequencies(Mixture(FILES)) == pytest.approx({"world": 1 / 2, "edit": 1 / 3, "film": 1 / 6}, abs=0.03)
    assert frequencies(Mixture(FILES, {"edit": 1.0, "world": 0.0})) == {"edit": 1.0}


def test_among_some_sources_shares_stay_in_proportion():
    mixture = Mixture(FILES, {"world": 0.5, "edit": 0.3, "film": 0.2})
    assert frequencies(mixture, ["world", "edit"]) == pytest.approx({"world": 0.625, "edit": 0.375}, abs=0.03)
    assert frequencies(mixture, ("film",)) == {"film": 1.0}


def test_a_stage_of_all_sources_draws_what_no_stage_draws():
    mixture = Mixture(FILES, {"world": 0.5, "edit": 0.3, "film": 0.2})
    draws = [[mixture.draw(np.random.default_rng(i), s) for i in range(50)] for s in (None, ("world", "edit", "film"))]
    assert draws[0] == draws[1]


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="no file begins with 'song'"):
        Mixture(FILES, {"song": 1.0})
    mixture = Mixture(FILES, {"world": 1.0, "edit": 0.0})
    for sources in (["film"], ["edit"], ["world", "film"], []):
        with pytest.raises(ValueError, match="nothing to draw; allowed some of"):
            mixture.draw(np.random.default_rng(0), sources)


def test_fellows_are_other_files_of_the_source():
    mixture, rng = Mixture(FILES, {"world": 0.5, "film": 0.2, "": 0.3}), np.random.default_rng(0)
    drawn = {file.name: {mixture.fellow(rng, file).name for _ in range(30)} for file in FILES}
    assert drawn["world-0"] == {"world-1", "world-2"}
    assert drawn["edit-0"] == {"edit-1"}
    assert drawn["film-0"] == {"film-0"}  # the only one
