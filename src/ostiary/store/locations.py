"""
Named locations as rows.
"""

from ostiary.store.documents import Documents
from ostiary.store.schema import named_locations

_ROWS: Documents[str] = Documents(named_locations)
everything, find, add, change, drop = _ROWS.everything, _ROWS.find, _ROWS.add, _ROWS.change, _ROWS.drop
