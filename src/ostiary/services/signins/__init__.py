"""
Device sign-ins: started by a machine, claimed and decided by a person, until there is something to redeem.

Owns the deeds `start`, `claim`, `decide` and the step `redeem`; the waiting room is their picture in memory. What a
sign-in gives belongs to `tokens`, above.
"""
