"""
Sessions and the keys to them: what a sign-in gave, who a caller is, what tokens say.

Owns the token endpoint's deed (`token`) with one file a grant, the issuer, the keyring, callers, introspection and
revocation. Top room of the floor: it may ask every other one.
"""
