"""What the checkers of every lesson have to do."""

import pytest

from cvsr.notebook.lesson import Hint


@pytest.fixture
def hold_to(subtests):
    """Right answers, by checker, pass and untouched ones stay open; wrong ones (checker, answer, hint) get a hint."""

    def hold(right, wrong):
        for checker, answer in right.items():
            with subtests.test(checker.__name__):
                assert checker(answer) is None
                with pytest.raises(NotImplementedError):
                    checker(lambda *arguments: ...)
        for checker, answer, hint in wrong:
            with subtests.test(checker.__name__, hint=hint), pytest.raises(Hint, match=hint):
                checker(answer)

    return hold
