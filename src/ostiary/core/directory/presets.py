"""
Registrations of public clients whose ids are built into programs (R18): data, as their makers publish it.

A preset fills in what a registration leaves out. None allows the device flow: that is somebody's decision (R23).
"""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "azure-cli": {
        "id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "name": "Microsoft Azure CLI",
        "public_redirects": ("http://localhost",),
        "microsoft_family": True,
        "entra_errors": True,
    },
    "azure-powershell": {
        "id": "1950a258-227b-4e31-a9cf-717495945fc2",
        "name": "Microsoft Azure PowerShell",
        "public_redirects": ("http://localhost",),
        "microsoft_family": True,
        "entra_errors": True,
    },
    "graph-cli": {
        "id": "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        "name": "Microsoft Graph Command Line Tools",
        "public_redirects": ("http://localhost",),
        "microsoft_family": True,
        "entra_errors": True,
    },
}
"""By name, in the words of `registration.amend`."""
