"""What the service really sends fits the patterns that it publishes for mail filters (M5)."""

import re

from ostiary.core.signins.mail_filters import address_pattern, code_pattern
from ostiary.core.signins.user_code import spaced
from ostiary.services.signins.complete_address import complete_address
from tests.services.door import Door


def test_a_real_code_and_a_real_address_are_found(door: Door) -> None:
    """A code that was issued, and the address that carries it."""
    door.open()
    code = door.started().user_code
    assert re.fullmatch(code_pattern(), spaced(code))
    assert re.fullmatch(address_pattern(door.house.settings.origin), complete_address(door.house, code))
