"""
Tokens: what a sign-in gives, what it says, how long it lives and how a refusal reads.

A session is one thing; cookies, refresh and access tokens are only keys to it. Pure rules over frozen values: no key
material, no storage, no clock.
"""
