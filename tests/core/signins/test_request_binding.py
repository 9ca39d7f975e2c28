"""What a request is bound to, typed by its person (RFC 10027 M17): how it is compared, and when it is asked for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.decision import Decision, Outcome
from ostiary.core.directory.applications import Application
from ostiary.core.signins.declared import NOTHING, Declared, declared
from ostiary.core.signins.request_binding import Datum, awaited, fits, lacking, normal, offered, typed
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.ids import AppId, SignInId
from ostiary.core.words.instants import Instant

CLI = AppId("cli")
SAID = declared(machine="Build-7.prod.example", reason="", reference="INC-4412")
APPLICATION = Application(CLI, "object", "Tool")
FREE = Decision(Outcome.ALLOWED)
SIGN_IN = SignIn(SignInId("s"), CLI, CLI, (), State.CLAIMED, "", "", Instant(0), Instant(1), declared=SAID)
BLANKS = st.text(" -_.\t/#", max_size=3)


@given(st.data())
def test_case_blanks_and_dashes_are_forgiven(data: st.DataObject) -> None:
    """RFC 8628 §6.1 of codes, and the same of what people write down by hand."""
    written = "".join(
        data.draw(BLANKS) + (c.upper() if data.draw(st.booleans()) else c.lower()) for c in "INC4412"
    )  # fmt: skip
    assert fits(SAID, Datum.REFERENCE, written)


@given(st.text(max_size=80))
def test_nothing_else_fits(text: str) -> None:
    """Only what has the same letters and digits in the same order."""
    assert fits(SAID, Datum.REFERENCE, text) == (normal(text) == "inc4412")
    assert fits(SAID, Datum.MACHINE, text) == (normal(text) in ("build7", "build7prodexample"))


@given(st.text(max_size=200))
def test_what_a_requester_says_can_be_typed_as_it_is_shown(text: str) -> None:
    """Whatever it is: taming keeps what is compared, or nothing was said at all."""
    said = declared(machine=text, reason="", reference=text)
    for datum in Datum:
        assert fits(said, datum, getattr(said, datum)) == (datum in offered(said))


@pytest.mark.parametrize("answer", ["", "-", " . ", "INC-441", "INC-44122", "4412", "build7.prod", "prod"])
def test_what_is_short_or_only_a_part_is_wrong(answer: str) -> None:
    """And the first part of a machine's name stands for all of it, no other part does."""
    assert not fits(SAID, Datum.REFERENCE, answer)
    assert not fits(SAID, Datum.MACHINE, answer)


def test_what_was_not_said_fits_nothing() -> None:
    """An empty datum is none: neither an empty answer nor any other is right."""
    for said in (NOTHING, Declared(reference=" - ", machine="...")):
        assert offered(said) == ()
        assert not any(fits(said, datum, answer) for datum in Datum for answer in ("", "-", "..."))


def test_it_is_asked_for_by_registration_or_policy_until_it_was_typed() -> None:
    """Both sources count, each datum by itself; what the requester did not say cannot be asked for."""
    required = replace(APPLICATION, machine_binding="required")
    demanded = Decision(Outcome.CONTROLS, ("referenceBinding",))
    assert awaited(APPLICATION, SIGN_IN, FREE) == ()
    assert awaited(required, SIGN_IN, FREE) == (Datum.MACHINE,)
    assert awaited(required, SIGN_IN, demanded) == (Datum.REFERENCE, Datum.MACHINE)
    assert awaited(required, replace(SIGN_IN, matched=("machine",)), demanded) == (Datum.REFERENCE,)
    silent = replace(SIGN_IN, declared=NOTHING)
    assert awaited(required, silent, demanded) == ()
    assert lacking(required, NOTHING) == (Datum.MACHINE,)
    assert lacking(required, SAID) == lacking(APPLICATION, NOTHING) == ()


def test_the_fact_is_typed_not_yet_or_never() -> None:
    """None is what the engine takes for "cannot be brought any more"."""
    assert typed(SIGN_IN, Datum.REFERENCE) is False
    assert typed(replace(SIGN_IN, matched=("reference",)), Datum.REFERENCE) is True
    assert typed(replace(SIGN_IN, declared=NOTHING), Datum.REFERENCE) is None
