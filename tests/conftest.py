"""Fixtures for every test: a running server, for the modules that ask for it."""

from tests.server import server

__all__ = ["server"]
