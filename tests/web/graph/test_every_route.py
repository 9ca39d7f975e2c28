"""What holds for every route of the admin API, whatever resource: permission, methods, bodies, queries, errors."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as Folder
from typing import Any

from starlette.types import Scope

from ostiary.core.directory.people import Role
from ostiary.core.directory.permissions import TABLE, Action, judge
from ostiary.core.words.caller import NOBODY, Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import minutes
from ostiary.core.words.visit import Visit
from ostiary.web.graph import PREFIXES, paths
from ostiary.web.graph.bodies import BODY_LIMIT
from ostiary.web.graph.resource import Gives, Operation, Path
from tests.clock import MovableClock
from tests.records.house import alice, journal, local, person
from tests.web.graph.api import ORIGIN, Api, play

NOWHERE = "00000000-0000-4000-8000-00000000dead"
SCOPES = frozenset(grant.scope for grant in TABLE.values())


def operations() -> Iterator[tuple[Path, Operation]]:
    """Every operation with its path."""
    for path in paths():
        for operation in path.operations:
            yield path, operation


def address(path: Path, prefix: str = "/v1.0") -> str:
    """*path* with ids that nothing has."""
    text = path.path
    while "{" in text:
        text = text[: text.index("{")] + NOWHERE + text[text.index("}") + 1 :]
    return prefix + text


def callers(clock: MovableClock) -> Iterator[Caller]:
    """Every kind of caller × origin × role × freshness × scope."""
    yield NOBODY
    yield Caller(CallerKind.APPLICATION, "app", origin=Origin.WORKLOAD, scopes=SCOPES)
    yield local()
    for origin in Origin:
        for roles in ((), (Role.ADMINISTRATOR,), (Role.APPROVER,), (Role.AUDITOR,)):
            fresh = person(NOWHERE, *roles, origin=origin, at=clock.now())
            yield fresh
            yield replace(fresh, client=AppId("cli"), scopes=SCOPES)
            yield replace(fresh, client=AppId("cli"), scopes=frozenset({"User.Read"}))
            yield replace(fresh, amr=("pwd",))


def test_r3_every_admin_route_by_origin_and_role(tmp_path: Folder) -> None:
    """R3: who the table refuses gets 401 or 403 at every route and changes nothing; nobody else gets either."""

    async def story(api: Api, clock: MovableClock) -> None:
        everybody = list(callers(clock))
        stale = minutes(6)
        for path, operation in operations():
            for caller in everybody:
                now = clock.now()
                allowed = caller.kind in (CallerKind.USER, CallerKind.LOCAL) and any(
                    judge(action, caller, now=now) is None for action in operation.actions
                )
                api.caller = caller
                answer = await api.client.request(operation.method, address(path), content=b"[")
                told = f"{operation.method} {path.path} {caller}"
                if not allowed:
                    assert answer.status_code in (401, 403), told
                elif operation.body is not None:
                    assert answer.status_code == 400, told  # let in as far as the body, which is none
        clock.move(stale)
        for path, operation in operations():
            if all(TABLE[action].write for action in operation.actions):
                api.caller = alice(clock.now() - stale)  # type: ignore[arg-type]
                answer = await api.client.request(operation.method, address(path), content=b"[")
                assert answer.status_code == 401, path.path
                assert "insufficient_user_authentication" in answer.headers["www-authenticate"]
        kinds = {kind for kind, _ in await journal(api.house)}
        assert kinds == {"admin:request:refused", "system:alert:raised"}  # the local door alerts when it lets in

    play(tmp_path, story)


def test_r3_no_write_is_open_to_a_device_sign_in() -> None:
    """R3: every method that changes something is a write of the table, or ends one's own, or only asks."""
    for path, operation in operations():
        if operation.method != "GET":
            harmless = (Action.END_OWN, Action.ASK_POLICIES, Action.ASK_EXEMPTION, Action.EXPORT_LOGS)
            writes = [TABLE[action].write or action in harmless for action in operation.actions]
            assert all(writes), path.path


def test_r2_every_use_of_the_local_door_is_written_and_alerts(tmp_path: Folder) -> None:
    """R2: at every route, one that only looks too; what the table refuses there is written as a refusal instead."""

    async def story(api: Api, clock: MovableClock) -> None:
        api.caller = local()
        let_in = 0
        for path, operation in operations():
            await api.client.request(operation.method, address(path), content=b"[")
            let_in += any(judge(action, api.caller, now=clock.now()) is None for action in operation.actions)
        found = await journal(api.house)
        alerts = [detail for kind, detail in found if kind == "system:alert:raised"]
        assert [alert["about"] for alert in alerts] == ["local_door"] * let_in
        assert let_in > 5
        assert len(found) == sum(1 for _ in operations())

    play(tmp_path, story)


def test_nobody_known_leaves_no_row(tmp_path: Folder) -> None:
    """R21: who sends no token fills no log."""

    async def story(api: Api, clock: MovableClock) -> None:
        api.caller = NOBODY
        for path, operation in operations():
            answer = await api.client.request(operation.method, address(path))
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
        assert await journal(api.house) == []

    play(tmp_path, story)


def test_each_path_answers_every_method(tmp_path: Folder) -> None:
    """405 with what is allowed, OPTIONS without more, HEAD as GET without a body; unknown paths are 404."""

    async def story(api: Api, clock: MovableClock) -> None:
        for prefix in PREFIXES:
            for path in paths():
                here = address(path, prefix)
                allowed = set(path.methods)
                options = await api.client.options(here)
                assert (options.status_code, set(options.headers["allow"].split(", "))) == (204, allowed)
                for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - allowed:
                    answer = await api.client.request(method, here)
                    assert answer.status_code == 405, (method, here)
                    assert set(answer.headers["allow"].split(", ")) == allowed
                    assert answer.json()["error"]["code"]
        head = await api.client.head("/v1.0/groups")
        get = await api.client.get("/v1.0/groups")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(get.content))
        for nowhere in ("/v1.0/nothing", "/beta/users/a/b/c", "/v1.0"):
            lost = await api.client.get(nowhere)
            assert (lost.status_code, lost.json()["error"]["code"]) == (404, "Request_ResourceNotFound")

    play(tmp_path, story)


BAD_BODIES: tuple[tuple[bytes, dict[str, str], int], ...] = (
    (b"[", {}, 400),
    (b"[]", {}, 400),
    (b"null", {}, 400),
    (b'"x"', {}, 400),
    (b"1e999", {}, 400),
    (b'{"a":NaN}', {}, 400),
    (b'{"a":1,"a":2}', {}, 400),
    (b'{"nonsense":1}', {}, 400),
    (b'{"id":"x"}', {}, 400),
    (b'{"displayName":"\xff"}', {}, 400),
    (b'{"displayName":"\\ud800"}', {}, 400),
    (b'{"displayName":"a\\u0000b"}', {}, 400),
    (b'{"displayName":{"a":1}}', {}, 400),
    (b'{"a":' * 40 + b"1" + b"}" * 40, {}, 400),
    (b"[" * 30_000, {}, 400),
    (b'{"members@odata.bind":["x"]}', {}, 400),
    (b'{"a":' + b"9" * 5000 + b"}", {}, 400),
    (b" " * (BODY_LIMIT + 1), {}, 413),
    (b"{}", {"content-type": "text/plain"}, 415),
    (b"{}", {"content-type": "application/x-www-form-urlencoded"}, 415),
    (b"{}", {"content-type": "application/json; charset=latin-1"}, 415),
    (b"{}", {"content-encoding": "gzip"}, 415),
)


def test_bad_bodies_get_a_clear_error_and_change_nothing(tmp_path: Folder) -> None:
    """Missing, repeated, oversized, wrong type, wrong encoding: never a 500, never an entry."""

    async def story(api: Api, clock: MovableClock) -> None:
        for path, operation in operations():
            if operation.body is None:
                continue
            for raw, headers, status in BAD_BODIES:
                answer = await api.client.request(
                    operation.method,
                    address(path),
                    content=raw,
                    headers={"content-type": "application/json", **headers},
                )
                assert answer.status_code == status, (path.path, raw[:40], answer.text)
                error = answer.json()["error"]
                assert error["code"]
                assert error["message"]
                assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
        assert await journal(api.house) == []

    play(tmp_path, story)


def test_bad_queries_get_a_clear_error(tmp_path: Folder) -> None:
    """Every option of every list; what an operation does not take is not ignored."""

    async def story(api: Api, clock: MovableClock) -> None:
        wrong = ("$top=0", "$top=x", "$filter=x eq 1", "$filter=(", "$select=x", "$orderby=x", "$count=2", "x=1",
                 "$skiptoken=!", "$expand=x", "$top=1&$top=2", "$filter=%ff", "a&" * 40)  # fmt: skip
        for path, operation in operations():
            if operation.method == "GET":
                for query in wrong:
                    answer = await api.client.get(f"{address(path)}?{query}")
                    assert answer.status_code == 400, (path.path, query)
            else:
                answer = await api.client.request(operation.method, f"{address(path)}?$select=id")
                assert answer.status_code == 400, path.path

    play(tmp_path, story)


def test_lists_show_a_context_and_take_every_option(tmp_path: Folder) -> None:
    """One grammar for all resources."""

    async def story(api: Api, clock: MovableClock) -> None:
        for path, operation in operations():
            if operation.gives is Gives.PAGE and "{" not in path.path and operation.shape is not None:
                found = await api.ask("GET", f"/v1.0{path.path}?$top=1&$select=id")
                context = f"{ORIGIN}/v1.0/$metadata#{operation.shape.name}"
                assert found["@odata.context"].startswith(context), path.path
                tagged = {"@odata.etag"} if operation.shape.version is not None else set()
                assert all(set(item) == {"id"} | tagged for item in found["value"])

    play(tmp_path, story, keys=True)


def test_an_error_carries_the_callers_reference(tmp_path: Folder) -> None:
    """What a person quotes is found in the log."""

    async def story(api: Api, clock: MovableClock) -> None:
        async def porch(house: Any, scope: Scope) -> Visit:
            return Visit(clock.now(), "our-id", correlation="their-id", caller=alice(clock.now()))

        api.porch = porch
        answer = await api.client.get("/v1.0/groups/nobody")
        inner = answer.json()["error"]["innerError"]
        assert (inner["request-id"], inner["client-request-id"]) == ("our-id", "their-id")
        assert (answer.headers["request-id"], answer.headers["client-request-id"]) == ("our-id", "their-id")
        assert answer.headers["cache-control"] == "no-store"

    play(tmp_path, story)


def test_the_description_holds_every_route(tmp_path: Folder) -> None:
    """OpenAPI 3.1, made from the tuples: what answers is described, and every reference leads somewhere."""

    async def story(api: Api, clock: MovableClock) -> None:
        found = await api.ask("GET", "/v1.0/openapi.json")
        assert found["openapi"] == "3.1.0"
        described = {
            (path, method) for path, item in found["paths"].items() for method in item if method != "parameters"
        }
        assert described == {(path.path, operation.method.lower()) for path, operation in operations()}
        names = [
            item[method]["operationId"] for item in found["paths"].values() for method in item if method != "parameters"
        ]
        assert len(set(names)) == len(names)
        text = json.dumps(found)
        for part in text.split('"$ref": "#/components/schemas/')[1:]:
            assert part[: part.index('"')] in found["components"]["schemas"]
        group = found["paths"]["/groups"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert group["required"] == ["displayName"]
        assert "createdDateTime" not in group["properties"]
        assert "reason" in group["properties"]["ostiary"]["properties"]

    play(tmp_path, story)
