"""
The library's doors: what it exports is there, and it stands without the house.
"""

import ostiary.client
from ostiary.client import errors


def test_everything_that_is_named_is_there() -> None:
    """`__all__` is the promise, sorted so that a change is seen."""
    assert all(hasattr(ostiary.client, name) for name in ostiary.client.__all__)
    assert list(ostiary.client.__all__) == sorted(set(ostiary.client.__all__))


def test_each_error_has_its_own_code_and_an_exit_status() -> None:
    """Programs branch on the code; two classes with one code could not be told apart."""
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.OstiaryError)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(isinstance(kind.exit, errors.Exit) and kind.exit is not errors.Exit.OK for kind in kinds)
