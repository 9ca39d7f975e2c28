"""
The process: one composition root, one configuration, the jobs that the clock calls, and the commands of
`ostiary-server`.

Owns how the house is put together and nothing of what it does. Top floor: it may import every other one of the house.
"""
