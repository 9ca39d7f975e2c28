"""
The life of one device sign-in: its codes, its states, the pace of its polls, and how many there may be.

`issued → claimed → [awaiting_number] → ready → redeemed`; `denied | reported | expired` from any (R5). Pure: the caller
brings record and time.
"""
