"""
The benchmark: our server and its peers, side by side, on one machine.

`python -m bench` starts each server in turn (A B A B), loads it over loopback from one process of its own, and writes
docs/benchmarks.md. `load` is the load generator, `servers` starts processes and reads their CPU time, `stacks` says how
each server is started and what a piece of work is on its wire, `report` turns samples into words. Nothing here is
part of the product, and the product knows nothing of it.
"""
