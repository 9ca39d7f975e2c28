"""
The rules: one file each, listed here and nowhere else.

A rule is a module's `RULE`; its id is the module's name. What each sees, when it is harmless and which published rules
it covers: docs/detections.md, which is made from here.
"""

from ostiary.core.detections.rule import Rule
from ostiary.core.detections.rules import (
    activated_too_often,
    administrators_changed,
    approved_unused,
    blocked_often,
    break_glass_used,
    code_relay,
    codes_guessed,
    concurrent_sessions,
    device_after_sign_in,
    device_no_longer_compliant,
    first_client_for_user,
    first_country,
    first_device_sign_in_of_user,
    first_network,
    first_policy_change,
    guardrail_weakened,
    many_denies,
    many_devices,
    new_method_in_window,
    outside_exemption,
    prompts_at_night,
    recon,
    redeemed_elsewhere,
    refresh_from_elsewhere,
    reported,
    requester_far_from_approver,
    requester_on_hosting_network,
    requests_denied,
    sign_in_without_exemption,
    signs_together,
    starts_burst,
    stolen_token,
    suspicious_agent,
    unknown_machine,
)

__all__ = ["BY_ID", "RULES"]

RULES: tuple[Rule, ...] = (
    sign_in_without_exemption.RULE,
    reported.RULE,
    stolen_token.RULE,
    code_relay.RULE,
    break_glass_used.RULE,
    guardrail_weakened.RULE,
    suspicious_agent.RULE,
    administrators_changed.RULE,
    requester_far_from_approver.RULE,
    redeemed_elsewhere.RULE,
    refresh_from_elsewhere.RULE,
    concurrent_sessions.RULE,
    device_after_sign_in.RULE,
    new_method_in_window.RULE,
    many_devices.RULE,
    many_denies.RULE,
    codes_guessed.RULE,
    starts_burst.RULE,
    recon.RULE,
    blocked_often.RULE,
    first_country.RULE,
    first_policy_change.RULE,
    requests_denied.RULE,
    requester_on_hosting_network.RULE,
    outside_exemption.RULE,
    signs_together.RULE,
    unknown_machine.RULE,
    device_no_longer_compliant.RULE,
    prompts_at_night.RULE,
    activated_too_often.RULE,
    approved_unused.RULE,
    first_device_sign_in_of_user.RULE,
    first_client_for_user.RULE,
    first_network.RULE,
)
"""The worst first, by their usual severity."""

BY_ID = {rule.id: rule for rule in RULES}
