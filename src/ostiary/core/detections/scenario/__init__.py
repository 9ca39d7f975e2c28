"""
Made-up journals: honest traffic of an organisation, and campaigns against it, to measure what the rules see.

Owns the organisation, its days, the campaigns and the pen that writes them down as the service would. Knows no storage,
clock or randomness: everything follows from a seed. Comes in from `core/detections/score.py`.
"""
