"""
The words everybody uses: ids, instants, digests, outcomes, errors, callers, visits.

Owns nothing but vocabulary; every other room may come in, and this one imports none of them.
"""
