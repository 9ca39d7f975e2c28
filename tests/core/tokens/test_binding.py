"""What a sign-in is bound to, and who holds it: a key of proofs or a certificate (R12, RFC 9449, RFC 8705)."""

from dataclasses import replace
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.directory.applications import Application
from ostiary.core.tokens.binding import (
    CERTIFICATE,
    Held,
    complaint,
    confirmation,
    fixed,
    judge_key,
    requires_key,
    unheld,
)
from ostiary.core.words.ids import AppId
from ostiary.core.words.outcome import Reason
from ostiary.core.words.proof import NOTHING_PROVED, UNBOUND, Bound, Proof

APPLICATION = Application(AppId("a"), "o", "Application")
KEY, OTHER_KEY, CERT, OTHER_CERT = (letter * 43 for letter in "kKcC")
USES = ("never", "optional", "required")
UNFIT = Proof(unfit="The certificate has expired.")

thumbprints = st.sampled_from([None, KEY, OTHER_KEY])
certificates = st.sampled_from([(None, ""), (CERT, ""), (OTHER_CERT, ""), (None, UNFIT.unfit)])
proofs = st.builds(lambda jkt, told: Proof(jkt, x5t=told[0], unfit=told[1]), thumbprints, certificates)
bounds = st.sampled_from([UNBOUND, Bound(jkt=KEY), Bound(x5t=CERT)])
clients = st.builds(
    lambda dpop, certificate: replace(APPLICATION, dpop=dpop, certificate=certificate),
    st.sampled_from(USES), st.sampled_from(USES),
)  # fmt: skip


def client(dpop: str, certificate: str) -> Application:
    """A registration that says this of keys."""
    return replace(APPLICATION, dpop=dpop, certificate=certificate)  # type: ignore[arg-type]


def test_r12_the_key_that_counts() -> None:
    """Fixed by whoever is first, the same from then on, and never loosened by a changed registration."""
    table = {
        (None, None): {"never": Held.NONE, "optional": Held.NONE, "required": Held.MISSING},
        (None, KEY): {"never": Held.NONE, "optional": Held.FIRST, "required": Held.FIRST},
        (KEY, KEY): dict.fromkeys(USES, Held.SAME),
        (KEY, OTHER_KEY): dict.fromkeys(USES, Held.OTHER),
        (KEY, None): dict.fromkeys(USES, Held.OTHER),
    }
    for (bound, shown), wanted in table.items():
        for use, held in wanted.items():
            assert judge_key(Bound(jkt=bound), Proof(shown), client(use, "never")) is held
            assert judge_key(Bound(x5t=bound), Proof(x5t=shown), client("never", use)) is held


def test_r12_who_brings_both_is_bound_to_one() -> None:
    """The proof counts, which was made for us; the certificate where it is required, or where proofs count nothing."""
    both = Proof(KEY, x5t=CERT)
    for dpop, certificate in product(USES, USES):
        wanted = Bound(x5t=CERT) if certificate == "required" or dpop == "never" else Bound(jkt=KEY)
        if certificate == dpop == "never":
            wanted = UNBOUND
        assert fixed(both, client(dpop, certificate)) == wanted, (dpop, certificate)


def test_r12_one_key_does_not_stand_for_the_other() -> None:
    """Bound to a key, no certificate helps, and bound to a certificate no proof; beside it, the other does no harm."""
    optional = client("optional", "optional")
    assert judge_key(Bound(jkt=KEY), Proof(x5t=KEY), optional) is Held.OTHER
    assert judge_key(Bound(x5t=CERT), Proof(jkt=CERT), optional) is Held.OTHER
    assert judge_key(Bound(jkt=KEY), Proof(KEY, x5t=OTHER_CERT), optional) is Held.SAME
    assert judge_key(Bound(x5t=CERT), Proof(OTHER_KEY, x5t=CERT), optional) is Held.SAME


def test_a_certificate_that_does_not_count_is_told_where_one_counts() -> None:
    """Run out or unfit: who needs one hears why; who needs none goes on."""
    for dpop, certificate, bound, held in (
        ("optional", "optional", UNBOUND, Held.UNFIT),
        ("optional", "required", UNBOUND, Held.UNFIT),
        ("never", "optional", Bound(x5t=CERT), Held.UNFIT),
        ("optional", "never", UNBOUND, Held.NONE),
        ("required", "optional", UNBOUND, Held.MISSING),
    ):
        assert judge_key(bound, UNFIT, client(dpop, certificate)) is held
    assert judge_key(UNBOUND, replace(UNFIT, jkt=KEY), client("optional", "optional")) is Held.FIRST
    assert judge_key(Bound(jkt=KEY), replace(UNFIT, jkt=KEY), client("optional", "optional")) is Held.SAME


def test_each_no_has_its_reason() -> None:
    """What is missing is named, what does not count is explained, and what may go on is not complained of."""
    for held, application, reason in (
        (Held.OTHER, client("optional", "optional"), Reason.WRONG_KEY),
        (Held.UNFIT, client("optional", "optional"), Reason.CERTIFICATE_UNFIT),
        (Held.MISSING, client("required", "never"), Reason.DPOP_REQUIRED),
        (Held.MISSING, client("optional", "required"), Reason.CERTIFICATE_REQUIRED),
    ):
        refused = complaint(held, UNFIT, application, reference="story")
        assert refused is not None
        assert (refused.reason, refused.reference) == (reason, "story")
        assert refused.detail == (UNFIT.unfit if held is Held.UNFIT else "")
    assert all(complaint(held, UNFIT, APPLICATION) is None for held in (Held.NONE, Held.SAME, Held.FIRST))


@given(proofs, clients)
def test_r12_nothing_is_bound_to_what_was_not_proved(proof: Proof, application: Application) -> None:
    """What is fixed came in that very request, one key at most, and then it is held; required, nothing goes without."""
    bound, held = fixed(proof, application), judge_key(UNBOUND, proof, application)
    assert bound.jkt in (None, proof.jkt)
    assert bound.x5t in (None, proof.x5t)
    assert None in bound
    assert (bound != UNBOUND) == (held is Held.FIRST)
    if bound != UNBOUND:
        assert judge_key(bound, proof, application) is Held.SAME
    if requires_key(application):
        assert held is Held.FIRST or complaint(held, proof, application) is not None


@given(bounds, proofs, clients)
def test_r12_what_is_bound_is_given_to_its_key_alone(bound: Bound, proof: Proof, application: Application) -> None:
    """Whatever the registration says and whatever else is brought; the token says the same as the sign-in."""
    holds = (bound.jkt is None or bound.jkt == proof.jkt) and (bound.x5t is None or bound.x5t == proof.x5t)
    held = judge_key(bound, proof, application)
    if bound != UNBOUND:
        assert (held is Held.SAME) == holds
        assert (complaint(held, proof, application) is None) == holds
    cnf = confirmation(bound)
    claims = {} if cnf is None else {"cnf": cnf}
    plain = bound.jkt is not None or proof.jkt is None  # RFC 9449 §7.1: the scheme DPoP is for tokens bound to a key
    assert (unheld(claims, proof) is None) == (holds and plain)


def test_a_token_and_its_key_belong_together() -> None:
    """RFC 9449 §7, RFC 8705 §3: bound without its key, a proof without bound, another key: each is not the holder."""
    key, certificate = {"cnf": {"jkt": KEY}}, {"cnf": {"x5t#S256": CERT}}
    for claims, proof in (
        ({}, NOTHING_PROVED),
        ({}, Proof(x5t=CERT)),
        (key, Proof(KEY)),
        (certificate, Proof(x5t=CERT)),
    ):
        assert unheld(claims, proof) is None
    for claims, proof, field in (
        ({}, Proof(KEY), ""),
        (key, NOTHING_PROVED, ""),
        (key, Proof(OTHER_KEY), ""),
        (key, Proof(x5t=KEY), ""),
        (certificate, NOTHING_PROVED, CERTIFICATE),
        (certificate, Proof(x5t=OTHER_CERT), CERTIFICATE),
        (certificate, UNFIT, CERTIFICATE),
        (certificate, Proof(CERT), ""),
        (certificate, Proof(KEY, x5t=CERT), ""),
    ):
        refused = unheld(claims, proof)
        assert refused is not None
        assert (refused.reason, refused.field) == (Reason.WRONG_KEY, field)
