"""
Pictures of the main pages for docs/pages.md: ``make pictures``, then look at the difference.

The same walk as axe's, with a camera: on a phone and on a wide screen, light and dark. Codes and times differ from run
to run, so this is run by hand when pages changed.
"""

from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page

from tests.journeys import axe
from tests.journeys.browser import desk
from tests.journeys.walk import walk
from tests.server import running

DOCS = Path(__file__).resolve().parents[2] / "docs"
MODES = ("light, phone", "dark, phone", "light, wide", "dark, wide")
CONSOLE_MODES = ("dark, phone", "light, wide")

SHOWN = {
    "sign-in": ("Sign in", "A person proves who they are before anything is said of a code."),
    "device page": ("The code", "Nothing is filled in; case, dash and spaces are forgiven."),
    "request": (
        "The request",
        "What is odd comes first, then *Deny*; what the machine says of itself is marked.",
    ),
    "request that is bound": (
        "A bound request",
        "Where it is demanded, the person types what only they know (M17).",
    ),
    "number": ("The number", "Two digits that the person types on the machine (M16)."),
    "approved": ("Approved", "What was given, to whom, and until when."),
    "reported": ("I did not start this", "The sign-in and what else that machine has open is over."),
    "blocked": ("Blocked", "The rule, a reference, and the next step."),
    "start ticket taken": ("A start ticket", "Taken in the own browser, typed on the machine that asks (M15)."),
    "account with a device": ("One's account", "What is signed in, and how to end it."),
    "approval": ("An approval", "Who asks for an exemption, for what, and what is odd about it; *Deny* comes first."),
    "approval given": ("After an approval", "Who decided, and the button that ends it again."),
    "asking for an exemption": ("Asking for an exemption", "With the fields that the rules want."),
    "drill approved": ("After a drill", "What the signs were (M13)."),
    "/about": ("About", "What a device sign-in is, and when to refuse."),
}
"""Pages of the walk, with their headings and what they show."""
CONSOLE = {
    "console": (
        "Overview",
        "The state of the guardrails, who is open now, what was found, and a day in figures.",
    ),
    "console: signins": ("Sign-ins", "Every list has a search, choices, pages and an export."),
    "console: a device sign-in": ("One sign-in", "Its whole story: who, from where, what each policy said, each step."),
    "console: one of exemptions": ("One exemption", "Who asked, who allowed it and why, what was done; and *end now*."),
    "console: findings": ("Findings", "What looked like abuse."),
    "console: one of findings": ("One finding", "Why, on what evidence, what was done about it, and the word on it."),
    "console: one of policies": ("One policy", "In words, as a document, and who changed what."),
    "console: a policy that was checked": ("Writing a policy", "What it changes, and whom it would have kept out."),
    "console: what policy would say": ("What if", "A decision, and each policy's part in it."),
    "console: one of audit": ("One entry of the log", "As it is sealed."),
    "console: settings": ("Settings", "How this house is set; what may be changed here, is."),
}
"""Those of the console, in the same way."""


def modes_of(name: str) -> tuple[str, ...]:
    """In which modes a page is shown."""
    return CONSOLE_MODES if name in CONSOLE else MODES


def take(page: Page, name: str, folder: Path) -> None:
    """*page* in its modes."""
    browser = page.context.new_cdp_session(page)
    for mode in axe.modes(page):
        if mode not in modes_of(name):
            continue
        size = browser.send("Page.getLayoutMetrics")["cssContentSize"]
        shot = browser.send(
            "Page.captureScreenshot",
            # a quarter of what PNG takes
            {"format": "webp", "quality": 50, "captureBeyondViewport": True, "clip": {**size, "scale": 1}},
        )
        (folder / picture(name, mode)).write_bytes(b64decode(shot["data"]))
    browser.detach()


def picture(name: str, mode: str) -> str:
    """The file of a page in a mode."""
    return f"{name.strip('/').replace(': ', '-').replace(' ', '-')}-{mode.replace(', ', '-')}.webp"


def text() -> str:
    """docs/pages.md."""
    parts = [
        "# The pages\n\nThe main ones, of the sample organisation, at 360 and 1280 pixels, light and dark. Made by "
        "`make pictures`; none needs\nJavaScript, except passkeys.\n"
    ]
    for name, (heading, says) in (SHOWN | CONSOLE).items():
        if name == next(iter(CONSOLE)):
            parts.append("\n# The console\n\nFor administrators and auditors, at `/console`.\n")
        parts.append(f"\n## {heading}\n\n{says}\n\n")
        for mode in modes_of(name):
            size = "20" if mode.endswith("phone") else "45"
            parts.append(f'<img src="pictures/{picture(name, mode)}" alt="{heading}: {mode}" width="{size}%">\n')
    return "".join(parts)


def main() -> None:
    """Walk, and write all anew."""
    folder = DOCS / "pictures"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    with TemporaryDirectory() as temporary:
        place = Path(temporary)
        with running(place / "data") as server, desk(place / "browser", server.authority) as chromium:

            def story() -> None:
                page = chromium.context().new_page()
                for name in walk(page, server):
                    if name in SHOWN or name in CONSOLE:
                        take(page, name, folder)

            chromium.run(story)
    (DOCS / "pages.md").write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
