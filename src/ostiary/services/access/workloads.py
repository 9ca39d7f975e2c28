"""
Workloads before policy: what is known of a sign-in that has no person, and the decision on it.

There is one side only: where the workload asks from. What only a person can bring (a second factor, a number, a ticket)
it never can; what nobody rates is unknown, and counts at its worst (R4).
"""

from dataclasses import replace

from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import NOWHERE, Facts, Treat
from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.tokens.scopes import Asked
from ostiary.services.access.gather import Judged

__all__ = ["judge_workload", "workload_facts"]


def workload_facts(client: Application) -> Facts:
    """What is known of every workload of *client*, whatever it asks for and from wherever."""
    return Facts(
        user=None,
        groups=frozenset(),
        roles=frozenset(),
        service_principal=client.object_id,
        application=client.id,
        client_type="workload",
        transfer_method=None,
        amr=(),
        person_device=None,
        requester_device=None,
        number_confirmed=None,
        start_ticket=False,
        reference_bound=None,
        machine_bound=None,
    )


def judge_workload(picture: Picture, client: Application, asked: Asked, address: str) -> Judged:
    """Policy's word on a workload of *client* that asks from *address*."""
    place = picture.atlas.place(address) if address else NOWHERE
    known, scopes = workload_facts(client), frozenset(asked.scopes)
    facts = replace(known, resource=asked.resource.id, scopes=scopes, person=place, requester=place)
    return Judged(evaluate(picture.policies, facts, unknown=Treat.STRICT), facts, picture.version)
