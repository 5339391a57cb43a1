"""How long a comparison took over all its sessions."""

import time

from recurra.comparison.sessions import Sessions


def test_earlier_sessions_count_up_to_what_they_noted(tmp_path):
    first = Sessions(tmp_path, time.monotonic() - 100)
    assert 100 <= first.total_s < 110
    first.note()
    first.note()  # the same session, further on
    again = Sessions(tmp_path, time.monotonic() - 10)
    assert 110 <= again.total_s < 125
    again.note()
    assert Sessions(tmp_path, time.monotonic()).total_s >= 110
