"""Fixtures for every test: a running server, for the modules that ask for it. No test has a time that it must keep."""

from hypothesis import settings

from tests.server import server

__all__ = ["server"]

settings.register_profile("ours", deadline=None)  # the machine that runs them may have other work
settings.load_profile("ours")
