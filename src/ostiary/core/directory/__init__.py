"""
People, groups, applications: who and what exists, and who may administer what.

Owns account state, application registrations and the one table of permissions. Knows no policy, no sign-in, no storage.
"""
