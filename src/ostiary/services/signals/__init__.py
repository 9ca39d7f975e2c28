"""
Shared signals as deeds: streams and who may configure them, the journal's reader that finds out which sessions are
over, and the two ways in which events leave (push, poll).

Nothing here ends anything: the store has ended it before, and says so to whoever asks. Resource servers that do not ask
are told here.
"""
