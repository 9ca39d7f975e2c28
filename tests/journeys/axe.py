"""
What axe-core finds on a page, and what else of accessibility a browser can measure.

axe comes from the tests' own npm packages and is evaluated in the page by the debugger's protocol: nothing of ours
serves it, and our Content-Security-Policy stays as it is.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[1] / "clients" / "node" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

PHONE, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@cache
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


def modes(page: Page) -> Iterator[str]:
    """The page in light and dark, on a phone and on a wide screen; the name of each."""
    for scheme in ("light", "dark"):
        for name, size in (("phone", PHONE), ("wide", WIDE)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)  # type: ignore[arg-type]
            yield f"{scheme}, {name}"
    page.emulate_media(color_scheme="light")


def violations(page: Page) -> list[str]:
    """What axe objects to, a line each, with the rule and the element."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_source() + "; undefined")
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", list(TAGS)
    )
    return [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window (WCAG 1.4.10)."""
    script = "() => { const e = document.documentElement; return e && e.scrollWidth - e.clientWidth; }"
    found = None
    while found is None:  # a page that is just being replaced has no element yet
        found = page.evaluate(script)
    return int(found)


def clipped(page: Page) -> list[str]:
    """Texts that their own element cuts off (WCAG 1.4.4)."""
    script = """() => [...document.querySelectorAll('main *, header *, footer *')]
        .filter(e => !e.closest('.unseen, .skip, [hidden]') && e.tagName !== 'INPUT')
        .filter(e => ['hidden', 'clip'].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1)
        .map(e => e.outerHTML.slice(0, 120))"""
    return list(page.evaluate(script))


def moving(page: Page) -> list[str]:
    """What moves or would: running animations, and elements with a transition."""
    script = """() => [...document.querySelectorAll('*')]
        .filter(e => e.getAnimations().length || parseFloat(getComputedStyle(e).transitionDuration) > 0
                     || parseFloat(getComputedStyle(e).animationDuration) > 0
                     || getComputedStyle(e).scrollBehavior === 'smooth')
        .map(e => e.outerHTML.slice(0, 120))"""
    return list(page.evaluate(script))


def unmarked(page: Page) -> list[str]:
    """Controls of which forced colours leave neither a border nor an underline."""
    script = """() => [...document.querySelectorAll('main button, main a, main input:not([type=hidden])')]
        .filter(e => {
            const style = getComputedStyle(e);
            const border = parseFloat(style.borderBottomWidth) > 0 && style.borderBottomStyle !== 'none'
                && style.borderBottomColor !== style.backgroundColor && !/rgba.*, 0\\)$/.test(style.borderBottomColor);
            return !border && !style.textDecorationLine.includes('underline');
        })
        .map(e => e.outerHTML.slice(0, 120))"""
    return list(page.evaluate(script))


def rows(page: Page) -> list[tuple[str, str]]:
    """
    Each row of each table as a screen reader gets it from the browser: (role and name of the header, role of the cell).
    """
    session = page.context.new_cdp_session(page)
    nodes = {node["nodeId"]: node for node in session.send("Accessibility.getFullAXTree")["nodes"]}
    session.detach()

    def role(node: dict[str, Any]) -> str:
        return str(node.get("role", {}).get("value", ""))

    found = []
    for node in nodes.values():
        if role(node) == "row":
            cells = [nodes[id] for id in node["childIds"] if id in nodes and not nodes[id].get("ignored")]
            assert len(cells) == 2, [role(cell) for cell in cells]
            found.append((f"{role(cells[0])}: {cells[0]['name']['value']}", role(cells[1])))
    return found
