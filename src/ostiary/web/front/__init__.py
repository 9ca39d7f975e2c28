"""
The porch: what every request passes before it reaches a door.

Owns where a request came from (R13), which credentials it brought, strict forms, form tokens, the headers of R16, the
access log, and what is answered when something fails. Decides nothing about people.
"""
