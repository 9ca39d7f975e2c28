"""What a new house begins with."""

from ostiary.core.directory.founding import ADMIN_API, plan
from ostiary.core.directory.permissions import TABLE, Action
from ostiary.core.words.instants import Instant

NEW = plan(
    tenant="t", name="n", origin="https://id.example", sample=False, domains=(), group="g", policy="p", now=Instant(0)
)


def test_r3_a_device_sign_in_gets_what_reads_and_ends_its_own_and_nothing_that_writes() -> None:
    """
    R3: a scope that only writes is administrative, so no device sign-in gets it; one that a read or the end of one's
    own needs is not, whatever else it is good for.
    """
    (api,) = (app for app in NEW.applications if app.id == ADMIN_API)
    administrative = {scope.value for scope in api.scopes if scope.administrative}
    needed = {grant.scope for grant in TABLE.values() if not grant.write}
    assert not administrative & needed
    assert TABLE[Action.END_OWN].scope not in administrative
    assert {grant.scope for grant in TABLE.values() if grant.write} - needed <= administrative
