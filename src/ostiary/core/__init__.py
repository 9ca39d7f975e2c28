"""
The rules. Pure: frozen values in, values out; no clock, no randomness, no storage, no network.

Rooms, top to bottom: `graph` / `signins`, `exemptions`, `tokens` / `access` / `directory`, `logs` / `words`.
Both towers stand on it; the headless side takes only `words`.
"""
