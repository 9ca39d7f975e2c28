"""
One call of the program: its flags and settings, its screen, its machine, and the doors it goes through.

Verbs get an `Errand` and nothing else. It opens what they ask for: the token cache of the profile, a conversation with
a server, the admin API through one of its two doors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TypeVar

from ostiary.cli.output import Screen
from ostiary.cli.settings import Given, Settings, data_folder, resolve
from ostiary.client.cache import Access, Cache, SignIn, open_cache
from ostiary.client.certificate import ClientCertificate
from ostiary.client.discovery import origin_of
from ostiary.client.drive import Asker, Teller, http_client, ignore, nobody, run
from ostiary.client.errors import Misused, NotSignedIn, StorageFailed
from ostiary.client.exchange import Exchange
from ostiary.client.graph import Graph, local_graph, remote_graph
from ostiary.client.machine import Machine
from ostiary.client.profiles import remember
from ostiary.client.proofs import Prover
from ostiary.client.session import NotKept, fresh
from ostiary.client.traces import Spans, spans_of

__all__ = ["Errand"]

T = TypeVar("T")

TICKET_WITHIN = 600.0  # seconds; a ticket counts no longer


class Errand:
    """What a verb works with."""

    def __init__(self, given: Given, machine: Machine) -> None:
        self.given = given
        self.machine = machine
        self.screen = Screen(as_json=given.json)

    @cached_property
    def settings(self) -> Settings:
        """The resolved settings. Raises Misused."""
        return resolve(self.given, self.machine)

    @cached_property
    def cache(self) -> Cache:
        """The token cache of the profile. Raises StorageFailed."""
        store = self.settings.store
        return open_cache(self.settings.profile.value, store and store.value, self.settings.places, self.machine)

    @cached_property
    def spans(self) -> Spans | None:
        """What is noted for a collector of traces, where there is one."""
        return spans_of(self.machine)

    @property
    def may_ask(self) -> bool:
        """Whether somebody is there to answer: a terminal on both sides, and nobody said that nothing may be asked."""
        if self.given.no_input or self.machine.environ.get("OSTIARY_NO_INPUT"):
            return False
        return self.machine.keyboard() and self.screen.interactive

    def confirm(self, question: str, *, yes: bool) -> None:
        """Go on only after somebody said so: by `--yes`, or now. Raises Misused otherwise; nothing was done then."""
        if yes:
            return
        if not self.may_ask:
            raise Misused("this cannot be taken back, and nobody can be asked here", next_step="the same with --yes")
        if (self.ask(f"{question} [y/N]") or "").strip().lower() not in ("y", "yes"):
            raise Misused("not confirmed; nothing was done")

    def ticket(self, ask: bool, given: str) -> str | None:
        """The start ticket: *given*, or typed now when it is to be asked for. Raises Misused."""
        if given or not ask:
            return given or None
        if not self.may_ask:
            raise Misused("nobody can be asked here", next_step="the same with --ticket-code CODE")
        where = f"{self.settings.server.value.rstrip('/')}/ticket"
        return (self.ask(f"Type the ticket that you took at {where}:", TICKET_WITHIN) or "").strip()[:64] or None

    def ask(self, question: str, within: float | None = None) -> str | None:
        """
        The line that somebody types to *question*, as soon as it stands there; what was typed before answers nothing.
        None at the end of input, or when none is typed *within* so many seconds.
        """
        self.machine.forget_typed()
        self.screen.say(question, "bold")
        return self.machine.read_line() if within is None else self.machine.read_line_within(within)

    def perform(
        self, exchange: Exchange[T], *, tell: Teller = ignore, ask: Asker = nobody, machine: Machine | None = None,
        pair: ClientCertificate | None = None,
    ) -> T:  # fmt: skip
        """Have one conversation to its end, showing the certificate of *pair* to a server that asks for one."""
        with http_client(pair) as http:
            return run(exchange, http=http, machine=machine or self.machine, tell=tell, ask=ask, spans=self.spans)

    def token(self, scope: str | None = None, *, need: float = 60.0, refused: str | None = None) -> str:
        """
        An access token: that of `OSTIARY_TOKEN`, else one of the stored sign-in, renewed when it must be.

        Fresh tokens that cannot be kept are an error that carries them (`NotKept`): a verb that can use them once does.
        """
        if self.settings.token is not None:
            if refused is not None:
                raise NotSignedIn("the server does not accept the token of OSTIARY_TOKEN")
            return self.settings.token
        return self.stored(scope, need=need, refused=refused).token

    def stored(self, scope: str | None = None, *, need: float = 60.0, refused: str | None = None) -> Access:
        """The same of the stored sign-in alone, whatever `OSTIARY_TOKEN` says."""
        held = self.cache.load()
        pair = None if held is None else held.pair
        return self.perform(fresh(self.cache, scope, need=need, refused=refused), pair=pair)

    def _pair(self) -> ClientCertificate | None:
        """The certificate that the stored sign-in came with; a token of `OSTIARY_TOKEN` has the one that it is of."""
        held = self._of_ours()
        return None if held is None else held.pair

    def held(self) -> SignIn:
        """
        The stored sign-in, as it is. A token never goes to another server than its own: Misused when another one was
        named than the sign-in is of. Raises NotSignedIn.
        """
        address, held = self.settings.server, self.cache.load()
        if held is None:
            raise NotSignedIn("nobody is signed in here", next_step="ostiary login")
        if address.source != "default" and origin_of(address.value) != origin_of(held.issuer):
            raise Misused(
                f"the sign-in of profile {self.settings.profile.value} is {origin_of(held.issuer)}'s, "
                f"not {origin_of(address.value)}'s",
                next_step=f"ostiary login --server {address.value} --profile NAME",
            )
        return held

    @contextmanager
    def graph(self) -> Iterator[Graph]:
        """The admin API: through the local door with `--local`, else over https with the person's token."""
        with self._graph() as graph:
            yield graph

    def _graph(self) -> Graph:
        if self.given.local:
            return local_graph(data_folder(self.settings), self.machine)
        origin, held = self._admin_origin(), self._of_ours()
        if held is None or held.pair is None:
            return remote_graph(origin, self._bearer, self.machine, self.prover)
        there = origin_of(held.token_endpoint)  # the address for certificates, which bound tokens are used at
        return remote_graph(there, self._bearer, self.machine, self.prover, pair=held.pair, home=origin)

    def prover(self) -> Prover | None:
        """
        What proves the key of the token in use; None for one that is not bound. A token of `OSTIARY_TOKEN` that the
        stored sign-in gave (`ostiary run`) is bound as that is.
        """
        held = self._of_ours()
        return None if held is None else self.cache.prover(held)

    def _of_ours(self) -> SignIn | None:
        """The stored sign-in, if the token in use is one of its."""
        own = self.settings.token
        try:
            held = self.cache.load()
        except StorageFailed:
            if own is None:
                raise
            return None
        return None if held is None or (own is not None and own not in [a.token for a in held.access]) else held

    def tell_bound(self) -> None:
        """Say of a token that leaves this program that others may not be able to use it."""
        if self.prover() is not None:
            self.screen.say(
                "! This token is bound to a key of this machine: where that is checked, only ostiary can use it."
            )
            self.screen.say("  For other programs: ostiary login --bearer")
        elif (pair := self._pair()) is not None:
            self.screen.say(f"! This token counts where it comes over TLS with the certificate of {pair.certificate}.")

    def _bearer(self, refused: str | None) -> str:
        try:
            return self.token(refused=refused)
        except NotKept as fault:
            self.screen.say(f"! {fault.message}", "bold red")
            return fault.access.token

    def _admin_origin(self) -> str:
        """
        Where the admin API is: where the stored sign-in came from, or the server that was named with a token of one's
        own.
        """
        own = self.settings.token is not None
        return origin_of(self.settings.server.value if own else self.held().issuer)

    def remember(self, key: str, value: str) -> None:
        """Keep a choice in the profile, and say so, unless it stands there already."""
        known = getattr(self.settings, key)
        if known is not None and known.value == value and known.source.startswith("profile "):
            return
        remember(self.settings.places.config, self.settings.profile.value, key, value)
