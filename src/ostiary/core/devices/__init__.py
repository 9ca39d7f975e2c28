"""
Devices of the inventory: how one lives from the enrolment to its end, and what may be said of it.

Owns the rules alone: nobody here stores, asks or decides a sign-in. What policy makes of a device is `core/access`'s.
"""
