"""
Every page of the house, measured in one walk: axe in light and dark, on a phone and a wide screen; large text, forced
colours, no motion, tables.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from ostiary.web.pages import PAGES
from tests.journeys import axe
from tests.journeys.browser import Desk, desk
from tests.journeys.walk import walk
from tests.server import Server, running

AXE = ("light, phone", "dark, wide")  # each scheme and each width once: a look of axe's costs more than all else
HALF = {"width": 640, "height": 450}  # a window of 1280 by 900 at 200 %


@dataclass
class Measured:
    """What was found on the way, a line each; and the tables, by page and width."""

    names: list[str] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    axe: list[str] = field(default_factory=list)
    narrow: list[str] = field(default_factory=list)
    large: list[str] = field(default_factory=list)
    forced: list[str] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)
    tables: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)

    def look(self, page: Page, name: str) -> None:
        """Measure *page*."""
        self.names.append(name)
        self.paths.add(urlsplit(page.url).path)
        for mode in axe.modes(page):
            if mode in AXE:
                self.axe.extend(f"{name} ({mode}): {each}" for each in axe.violations(page))
            if axe.too_wide(page) > 0:
                self.narrow.append(f"{name} ({mode})")
            if name in ("request", "blocked"):
                self.tables[name, mode] = axe.rows(page)
        self._look_large(page, name)
        page.emulate_media(forced_colors="active", reduced_motion="reduce")
        self.forced.extend(f"{name}: {each}" for each in axe.unmarked(page))
        self.moving.extend(f"{name}: {each}" for each in axe.moving(page))
        page.emulate_media(forced_colors="none", reduced_motion="no-preference")

    def _look_large(self, page: Page, name: str) -> None:
        page.set_viewport_size(HALF)  # type: ignore[arg-type]
        for size in ("100%", "200%"):
            page.evaluate("size => document.documentElement.style.fontSize = size", size)
            if axe.too_wide(page) > 0:
                self.large.append(f"{name}: {axe.too_wide(page)} px too wide at {size}")
            self.large.extend(f"{name}: cut off at {size}: {each}" for each in axe.clipped(page))
        page.evaluate("document.documentElement.style.fontSize = ''")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Desk]]:
    """A house of this module's own, and a browser before it."""
    folder = tmp_path_factory.mktemp("house")
    with running(folder / "data") as server, desk(folder / "browser", server.authority) as chromium:
        yield server, chromium


@pytest.fixture(scope="module")
def measured(house: tuple[Server, Desk]) -> Measured:
    """All pages, each measured once."""
    server, chromium = house
    found = Measured()

    def story() -> None:
        page = chromium.context().new_page()
        for name in walk(page, server):
            found.look(page, name)
        page.context.close()

    chromium.run(story)
    return found


def test_every_page_was_seen(measured: Measured) -> None:
    """The walk came to its end, and nothing was measured twice instead of something else."""
    assert len(measured.names) == len(set(measured.names)) > 25
    assert {"sign-in", "second factor", "enrolment", "request", "approved", "blocked", "set-up"} <= set(measured.names)
    assert {"sign-in with a provider", "leaving"} <= set(measured.names)


def test_every_page_of_the_registry_was_seen(measured: Measured) -> None:
    """A page that is added to `PAGES` is measured as well: each path that answers a GET stood in the browser."""
    leads_on = ("/",)  # to another page, and shows none
    shown = [page.path for group in PAGES for page in group if page.get is not None and page.path not in leads_on]
    unseen = [path for path in shown if not any(_fits(path, seen) for seen in measured.paths)]
    assert not unseen, unseen


def _fits(path: str, seen: str) -> bool:
    parts = re.split(r"\{[^}]*\}", path)
    return re.fullmatch("[^/]+".join(map(re.escape, parts)), seen) is not None


def test_axe_finds_nothing_on_any_page(measured: Measured) -> None:
    """WCAG 2.2 AA and axe's best practices, contrast included, in light and dark, at 360 pixels and wide."""
    assert not measured.axe, "\n".join(measured.axe)


def test_no_page_is_wider_than_its_window(measured: Measured) -> None:
    """WCAG 1.4.10, from 360 pixels up."""
    assert not measured.narrow, measured.narrow


def test_pages_hold_at_200_percent(measured: Measured) -> None:
    """WCAG 1.4.4: at 200 % zoom, and with text of twice the size on top of it, nothing is cut off."""
    assert not measured.large, "\n".join(measured.large)


def test_controls_keep_an_edge_in_forced_colours(measured: Measured) -> None:
    """Where backgrounds vanish every button and field still has a border, and every link its line."""
    assert not measured.forced, "\n".join(measured.forced)


def test_nothing_moves_for_whoever_asked_for_that(measured: Measured) -> None:
    """WCAG 2.3.3, `prefers-reduced-motion`."""
    assert not measured.moving, "\n".join(measured.moving)


def test_tables_are_read_as_tables(measured: Measured) -> None:
    """Each row is a header with its cell in the browser's accessibility tree, also where the layout is stacked."""
    assert {mode for _, mode in measured.tables} >= {"light, phone", "light, wide"}
    for (name, mode), rows in measured.tables.items():
        headers = [header for header, _ in rows]
        expected = {
            "request": ["Application", "Asking machine", "Its network", "Its country", "Distance"],
            "blocked": ["Reference", "Number"],
        }[name]
        assert headers[: len(expected)] == [f"rowheader: {header}" for header in expected], (name, mode)
        assert {cell for _, cell in rows} == {"cell"}, (name, mode)


def test_the_measure_itself_finds_what_is_wrong(house: tuple[Server, Desk]) -> None:
    """A page that is spoilt on purpose is objected to by each of them."""
    server, chromium = house

    def story() -> None:
        page = chromium.context().new_page()
        page.goto(server.origin + "/signin")
        spoil = """() => {
            document.querySelector('label').remove();
            document.querySelector('.aside').style.color = '#ccc';
            const button = document.querySelector('main button');
            button.style.border = '0';
            button.style.transition = 'color 1s';
            document.querySelector('h1').style.cssText = 'width: 20px; overflow: hidden; white-space: nowrap';
            document.querySelector('.lead').style.width = '3000px';
        }"""
        page.evaluate(spoil)
        rules = {line.partition(":")[0] for line in axe.violations(page)}
        assert {"label", "color-contrast"} <= rules, rules
        assert axe.too_wide(page) > 0
        assert len(axe.clipped(page)) == 1
        page.emulate_media(forced_colors="active")
        assert len(axe.unmarked(page)) == 1
        assert len(axe.moving(page)) == 1
        page.context.close()

    chromium.run(story)
