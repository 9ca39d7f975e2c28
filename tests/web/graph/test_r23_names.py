"""Names over the admin API: what deceives is not registered, and the verified mark is somebody's word (R23)."""

from pathlib import Path

from tests.clock import MovableClock
from tests.web.graph.api import Api, play

APPS = "/v1.0/applications"
TWIN = "Payro1l"


def test_r23_a_name_that_deceives_is_not_given(tmp_path: Path) -> None:
    """R23: at registration and at a change; the same name may be written again."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = f"{APPS}/{(await api.ask('POST', APPS, {'displayName': 'Payroll'}, status=201))['id']}"
        other = f"{APPS}/{(await api.ask('POST', APPS, {'displayName': 'Wind'}, status=201))['id']}"
        twin = await api.ask("POST", APPS, {"displayName": TWIN}, status=409)
        assert "looks like the name of another application (Payroll)" in twin["error"]["message"]
        await api.ask("PATCH", other, {"displayName": TWIN}, status=409)
        for name in ("P\N{CYRILLIC SMALL LETTER A}yroll", "Pay\u3164roll", "Microsoft Teams", "Ostiary admin"):
            refused = await api.ask("POST", APPS, {"displayName": name}, status=400)
            assert "displayName" in refused["error"]["message"]
            await api.ask("PATCH", other, {"displayName": name}, status=400)
        await api.ask("PATCH", path, {"displayName": "Payroll"}, status=204)
        await api.ask("PATCH", path, {"displayName": TWIN}, status=204)  # of itself

    play(tmp_path, story)


def test_r23_the_mark_is_off_and_goes_with_the_name(tmp_path: Path) -> None:
    """R23: with it a word that others own is allowed; a new name takes it away, and so does the mark the name."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", APPS, {"displayName": "Wind"}, status=201)
        path = f"{APPS}/{made['id']}"
        assert made["ostiary"]["verified"] is False
        named = {"displayName": "Azure backup", "ostiary": {"verified": True}}
        await api.ask("PATCH", path, named, status=204)
        assert (await api.ask("GET", path))["ostiary"]["verified"] is True
        await api.ask("PATCH", path, {"ostiary": {"verified": False}}, status=400)
        await api.ask("PATCH", path, {"displayName": "Backup"}, status=204)
        assert (await api.ask("GET", path))["ostiary"]["verified"] is False
        await api.ask("PATCH", path, {"displayName": "Azure backup"}, status=400)
        like = await api.ask("POST", APPS, {"ostiary": {"like": "azure-cli"}}, status=201)
        assert like["ostiary"]["verified"] is False

    play(tmp_path, story)
