"""
The deeds: what the service does, each in one transaction.

A *deed* is a public function `async def verb(house, visit, …)`: it opens exactly one transaction (`write`, which
leaves one journal entry, or `read` / `survey`, which leave none) and never calls another deed. A *step* takes `tx,
visit, …` and never opens one. Doors and jobs call deeds and nothing below. Rooms, top to bottom: `tokens` / `signins`
/ `exemptions` / `access` / `directory` / `logs`.
"""
