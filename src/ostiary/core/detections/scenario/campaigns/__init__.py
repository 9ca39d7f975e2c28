"""
The campaigns: one file each, listed here and nowhere else.

Made after what was published (facts of each in its file); names of groups and kits are those of the publications.
"""

from ostiary.core.detections.scenario.campaigns import (
    broker_then_device,
    click_time,
    fatigue,
    guessing,
    insider,
    mail_jumping,
    slow_and_low,
    storm_2372,
    token_resale,
    vishing,
)
from ostiary.core.detections.scenario.stage import Campaign

__all__ = ["CAMPAIGNS"]

CAMPAIGNS: tuple[Campaign, ...] = (
    storm_2372.CAMPAIGN,
    click_time.CAMPAIGN,
    broker_then_device.CAMPAIGN,
    vishing.CAMPAIGN,
    token_resale.CAMPAIGN,
    insider.CAMPAIGN,
    mail_jumping.CAMPAIGN,
    slow_and_low.CAMPAIGN,
    guessing.CAMPAIGN,
    fatigue.CAMPAIGN,
)
