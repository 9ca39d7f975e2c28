"""
Microsoft Graph's shapes of our values, both ways.

Owns what a resource looks like on the wire: one tuple of fields a resource, from which reading, writing, `$select`,
`$filter` and the OpenAPI document follow; the query language; and the error envelope. Knows no HTTP and no storage:
`web/graph` brings requests, `store/ask.py` runs the queries.

To add a resource: its fields in `core/graph/<resource>.py`, its paths in `web/graph/<resource>.py`, one line in the
tuple of `web/graph/__init__.py`.
"""
