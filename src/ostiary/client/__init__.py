"""
The headless side as a library: sign in without a browser (or with one), keep the tokens, use them.

Owns the requester's half of the protocols; knows no screen and no flags (`cli` does) and of the core only its words.

    from ostiary.client import OstiaryAuth, Session, open_cache, places, this_machine

    machine = this_machine()
    session = Session(open_cache("default", None, places(machine), machine))
    http = httpx.Client(auth=OstiaryAuth(session, ["https://api.example.com"]))

Every conversation is an exchange (`exchange`): a generator without I/O that `run` performs with threads and `run_async`
with asyncio.
"""

from ostiary.client.auth import OstiaryAuth
from ostiary.client.browser import BrowserWanted, sign_in_by_browser
from ostiary.client.browser import Request as BrowserRequest
from ostiary.client.cache import Access, Cache, SignIn, open_cache
from ostiary.client.certificate import ClientCertificate, tls_context
from ostiary.client.device import CodeIssued, ConnectionLost, Extended, NumberWanted, Resumed, sign_in_by_device
from ostiary.client.device import Request as DeviceRequest
from ostiary.client.discovery import Server, discover, over_tls
from ostiary.client.drive import http_client, http_client_async, run, run_async
from ostiary.client.errors import (
    CodeExpired,
    Conflict,
    DeniedByPerson,
    DeniedByPolicy,
    EndsTooSoon,
    Exit,
    Misused,
    NotSignedIn,
    OstiaryError,
    Refusal,
    ServerFault,
    StepUpNeeded,
    StorageFailed,
    TimedOut,
    Unreachable,
)
from ostiary.client.graph import Graph, local_graph, remote_graph
from ostiary.client.machine import Machine, headless_because, this_machine
from ostiary.client.profiles import Places, Profile, places, read_profile
from ostiary.client.session import NotKept, Session, end, fresh, give_back, keep, record_of
from ostiary.client.tokens import Granted

__all__ = [
    "Access",
    "BrowserRequest",
    "BrowserWanted",
    "Cache",
    "ClientCertificate",
    "CodeExpired",
    "CodeIssued",
    "Conflict",
    "ConnectionLost",
    "DeniedByPerson",
    "DeniedByPolicy",
    "DeviceRequest",
    "EndsTooSoon",
    "Exit",
    "Extended",
    "Granted",
    "Graph",
    "Machine",
    "Misused",
    "NotKept",
    "NotSignedIn",
    "NumberWanted",
    "OstiaryAuth",
    "OstiaryError",
    "Places",
    "Profile",
    "Refusal",
    "Resumed",
    "Server",
    "ServerFault",
    "Session",
    "SignIn",
    "StepUpNeeded",
    "StorageFailed",
    "TimedOut",
    "Unreachable",
    "discover",
    "end",
    "fresh",
    "give_back",
    "headless_because",
    "http_client",
    "http_client_async",
    "keep",
    "local_graph",
    "open_cache",
    "over_tls",
    "places",
    "read_profile",
    "record_of",
    "remote_graph",
    "run",
    "run_async",
    "sign_in_by_browser",
    "sign_in_by_device",
    "this_machine",
    "tls_context",
]
