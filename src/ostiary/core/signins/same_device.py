"""
A code that is approved where it was made (RFC 10027 §5: the flow should not be used on one device).

Whoever has a browser on the asking machine is better off with code and PKCE there, which nobody can relay. All that is
seen is the address, and a whole building may share one: so it is a warning unless the registration says otherwise.
"""

from urllib.parse import urlsplit

from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import source_of
from ostiary.core.directory.registration import LOOPBACK
from ostiary.core.signins.signin import SignIn


def has_another_way(application: Application) -> bool:
    """Whether it can come back to the machine's own browser: it has a redirect address on loopback (RFC 8252 §7.3)."""
    return any(urlsplit(uri).hostname in LOOPBACK for uri in application.redirect_uris)


def same_device(application: Application, signin: SignIn, address: str) -> bool:
    """Whether the machine is, as far as addresses tell, the person's own, and need not have asked for a code."""
    near = bool(address) and source_of(signin.requester_address) == source_of(address)
    return near and application.same_device != "allow" and has_another_way(application)


def refused(application: Application, signin: SignIn, address: str) -> bool:
    """Whether the registration refuses that."""
    return application.same_device == "refuse" and same_device(application, signin, address)
