"""
The configuration file: read strictly, changed gently.
"""

import stat
from pathlib import Path

import pytest

from ostiary.client.errors import Misused, StorageFailed
from ostiary.client.machine import Machine
from ostiary.client.profiles import changed, places, read_profile, remember

OWN = """# mine
[profiles.default]   # the usual one
server = "https://id.example.com"
# store = "plaintext"

[profiles.other]
store = "memory"
"""


def write(folder: Path, text: str) -> Path:
    """The file in *folder* with *text*."""
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(text)
    return folder


def test_a_profile_is_read(tmp_path: Path) -> None:
    """What it says is there, the rest is None; a profile that is not there says nothing."""
    folder = write(tmp_path, OWN)
    assert read_profile(folder, "default").server == "https://id.example.com"
    assert read_profile(folder, "other").store == "memory"
    assert read_profile(folder, "new").server is None
    assert read_profile(tmp_path / "nowhere", "default").store is None


@pytest.mark.parametrize(
    "text",
    [
        "[profiles.default]\nsever = 'x'\n",
        "[profiles.default]\nserver = 7\n",
        "profiles = 3\n",
        "[profile.default]\n",
        "[profiles]\ndefault = 1\n",
        "not toml",
    ],
)
def test_what_is_not_understood_is_an_error(tmp_path: Path, text: str) -> None:
    """A typo must not silently mean the default."""
    with pytest.raises(Misused, match=r"config\.toml"):
        read_profile(write(tmp_path, text), "default")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "x" * 41, ".hidden"])
def test_a_profile_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    """It becomes part of file names."""
    with pytest.raises(Misused):
        read_profile(tmp_path, name)


def test_a_choice_is_put_into_the_table_and_the_rest_stays() -> None:
    """Comments, order and other profiles are the person's."""
    new = changed(OWN.replace("   # the usual one", ""), "default", "store", "file")
    assert new.splitlines()[:3] == ["# mine", "[profiles.default]", 'store = "file"']
    assert new.endswith('[profiles.other]\nstore = "memory"\n')
    again = changed(new, "default", "store", "keyring")
    assert again == new.replace('"file"', '"keyring"')


def test_a_choice_makes_a_table_where_there_is_none() -> None:
    """An empty file, or one without this profile; a name with a dot is quoted."""
    assert changed("", "default", "store", "file") == '[profiles.default]\nstore = "file"\n'
    assert changed("", "a.b", "store", "file") == '[profiles."a.b"]\nstore = "file"\n'


@pytest.mark.parametrize("text", [OWN, "profiles = {default = {store = 'x'}}", "broken ["])
def test_a_file_that_a_line_does_not_fit_into_is_left_alone(text: str) -> None:
    """Rather an error than a file that says something else."""
    with pytest.raises(StorageFailed):
        changed(text, "default", "store", "file")


def test_the_file_is_written_whole_and_private(tmp_path: Path) -> None:
    """0600, like everything of ours."""
    remember(tmp_path / "config", "default", "store", "file")
    path = tmp_path / "config" / "config.toml"
    assert read_profile(path.parent, "default").store == "file"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_folders_follow_the_xdg_variables(tmp_path: Path) -> None:
    """A relative path counts as unset; OSTIARY_CONFIG_DIR wins; no runtime folder means no memory store."""
    given = {"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "relative", "XDG_RUNTIME_DIR": "/run/user/7"}
    found = places(Machine(environ=given, home=tmp_path))
    assert found.config == Path("/c/ostiary")
    assert found.state == tmp_path / ".local/state/ostiary"
    assert found.memory == Path("/run/user/7/ostiary")
    bare = places(Machine(environ={"OSTIARY_CONFIG_DIR": "/mine"}, home=tmp_path))
    assert (bare.config, bare.memory) == (Path("/mine"), None)
