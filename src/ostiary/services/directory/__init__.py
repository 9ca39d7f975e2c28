"""
People, groups, applications: the deeds that change who and what exists.

Owns accounts and their credentials, the first administrator, counting of wrong tries, and (beside them) groups,
applications and consents. Decides nothing about a sign-in. Every change that decisions depend on raises the version
of what nodes keep in memory.
"""
