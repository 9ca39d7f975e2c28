"""
Ostiary: a device-code sign-in service that is closed by default.

Two towers stand on one core: the house (`app`, `web`, `services`, `store`, `outside`) and the headless side (`cli`,
`client`). `docs/house.md` is the map.
"""
