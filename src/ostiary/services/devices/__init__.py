"""
Deeds about the inventory of machines: looking, admitting, changing, revoking, and what others say of compliance.

Asking for admission is `services/signins/enrolment.py`, which needs a person's ticket; what a device is to a decision,
`services/access/gather.py` gathers.
"""
