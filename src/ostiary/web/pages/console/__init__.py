"""
The console: what administrators, auditors and approvers look at, and the few buttons that end something.

A page is one module with its `ROUTES`, one line in `navigation.PLACES` and one in `SUBJECTS`. `frame.py` says who may
see it, `lists.py` makes a list of one value, `live.py` keeps pages up to date.
"""

from ostiary.web.pages.console import (
    applications,
    audit,
    devices,
    exemptions,
    findings,
    groups,
    home,
    locations,
    people,
    policies,
    policy_editor,
    policy_impact,
    requests,
    risky,
    settings,
    signins,
    what_if,
)
from ostiary.web.pages.page import Page

__all__ = ["ROUTES", "SUBJECTS"]

SUBJECTS: tuple[tuple[Page, ...], ...] = (
    home.ROUTES,
    signins.ROUTES,
    requests.ROUTES,
    exemptions.ROUTES,
    risky.ROUTES,  # below the findings, and before the page of one
    findings.ROUTES,
    locations.ROUTES,
    what_if.ROUTES,
    policy_editor.ROUTES,
    policy_impact.ROUTES,
    policies.ROUTES,
    people.ROUTES,
    groups.ROUTES,
    applications.ROUTES,
    devices.ROUTES,
    audit.ROUTES,
    settings.ROUTES,
)

ROUTES: tuple[Page, ...] = tuple(page for pages in SUBJECTS for page in pages)
