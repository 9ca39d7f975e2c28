"""
A Containerfile, carried out step by step under bubblewrap: there is no container engine here.

Owns reading the file and doing what each word says. The base image is this machine's own system and Python, read-only;
what the steps write goes into a layer, and only the layer is what a later stage can copy. Builds have no network:
packages come from a folder. A word that is not known here is an error, so nothing of the file is passed over.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What container engines give the root of a build (and take from the process that runs in the end).
BUILD_CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER")
PYTHON = Path(sys.base_prefix)
ETC = ("alternatives", "group", "hosts", "ld.so.cache", "localtime", "nsswitch.conf", "passwd", "resolv.conf", "ssl")
IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info")


@dataclass
class Image:
    """What a stage has become."""

    layer: Path
    """What its steps wrote, as a root file system with holes where the base image is."""
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"})
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each word with the rest of its line, comments and continuations resolved."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        yield word.upper(), rest.strip()


def build(containerfile: Path, packages: Path, folder: Path) -> Image:
    """Carry out *containerfile* with the wheels in *packages*; the last stage."""
    stages: dict[str, Image] = {}
    image: Image | None = None
    for word, rest in instructions(containerfile.read_text("utf-8")):
        if word == "FROM":
            name = rest.partition(" AS ")[2] or str(len(stages))
            image = stages[name] = Image(_base(folder / name))
        elif image is None:
            raise ValueError(f"{word} before FROM")
        else:
            _step(image, stages, packages, word, rest)
    assert image is not None
    return image


def bare(layer: Path, *places: str) -> Image:
    """The base image alone, with empty folders at *places* for what will be mounted there."""
    image = Image(_base(layer))
    for place in places:
        (layer / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return image


def _step(image: Image, stages: Mapping[str, Image], packages: Path, word: str, rest: str) -> None:
    if word == "COPY":
        _copy(image, stages, rest)
    elif word == "RUN":
        _run(image, packages, rest)
    elif word == "ENV":
        for pair in rest.split():
            name, _, value = pair.partition("=")
            image.environ[name] = value.replace("$PATH", image.environ["PATH"])
    elif word == "USER":
        image.user = rest
    elif word == "VOLUME":
        image.volumes.append(rest)
    elif word == "ENTRYPOINT":
        image.entrypoint = json.loads(rest)
    elif word == "CMD":
        image.command = json.loads(rest)
    elif word not in ("EXPOSE", "STOPSIGNAL"):
        raise ValueError(f"this builder does not know {word}")


def _copy(image: Image, stages: Mapping[str, Image], rest: str) -> None:
    *sources, target = rest.split()
    origin = ROOT
    if sources[0].startswith("--from="):
        origin = stages[sources.pop(0).removeprefix("--from=")].layer
    for source in sources:
        there = origin / source.lstrip("/")
        into = image.layer / target.lstrip("/") / (there.name if target.endswith("/") else "")
        into.parent.mkdir(parents=True, exist_ok=True)
        if there.is_dir():
            shutil.copytree(there, into, symlinks=True, dirs_exist_ok=True, ignore=IGNORED)
        else:
            shutil.copy(there, into)


def _run(image: Image, packages: Path, shell: str) -> None:
    assert image.user == "0:0", "no step of ours runs as anybody else"
    environ = {**image.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/mnt", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    words = [*sandbox(image, writable=True), "--ro-bind", str(packages), "/mnt", "--unshare-net"]
    for name in BUILD_CAPABILITIES:
        words += ["--cap-add", name]
    done = subprocess.run(
        [*words, "/bin/sh", "-ec", shell], env=environ, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, (shell, done.stdout[-3000:], done.stderr[-3000:])


def sandbox(image: Image, *, writable: bool) -> list[str]:
    """bubblewrap with the image's root, and nothing else of this machine."""
    words = ["bwrap", "--bind" if writable else "--ro-bind", str(image.layer), "/"]
    for path in _machine():
        if not path.is_symlink():  # those stand in the layer
            words += ["--ro-bind", str(path), str(path)]
    if Path("/usr") != PYTHON:
        words += ["--ro-bind", str(PYTHON), "/usr/local"]  # where the images of Python have it
    return [*words, "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--die-with-parent", "--unshare-pid"]


def _machine() -> list[Path]:
    """What stands for the base image: the system without what a container would not have, and the Python."""
    usr = [path for path in Path("/usr").iterdir() if path.name not in ("lib", "local", "src", "games")]
    lib = [path for path in Path("/usr/lib").iterdir() if path.name != "ostiary"]
    tops = [path for path in map(Path, ("/bin", "/sbin", "/lib", "/lib64")) if path.exists()]
    etc = [path for path in (Path("/etc", name) for name in ETC) if path.exists()]
    return [*tops, *usr, *lib, *etc, *([PYTHON] if Path("/usr") != PYTHON else [])]


def _base(layer: Path) -> Path:
    """An empty layer with the places where the machine's own parts go, and its Python by the name that images have."""
    for path in _machine():
        here = layer / path.relative_to("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            here.symlink_to(os.readlink(path))
        elif path.is_dir():
            here.mkdir(parents=True, exist_ok=True)
        else:
            here.touch()
    for name in ("dev", "proc", "tmp", "mnt", "run/secrets", "etc/ostiary", "usr/local/bin", "var/lib"):
        (layer / name).mkdir(parents=True, exist_ok=True)
    (layer / "usr/local/bin/python").symlink_to("/usr/bin/python3")  # unless a Python of its own is put over it
    return layer
