"""Times a first pull from a server that takes its time, against that server's own time.

    python benchmarks/latency.py [--cases 50000] [--rounds 3]

Every answer takes 0.3 s and 0.5 ms a record, about what CommCare HQ takes. The server's own time is that of a
program which receives page after page and does nothing with them.
"""

from __future__ import annotations

from _common import alternately, at_least, at_most, parser, ratio, run, said, sandbox, whole

PER_REQUEST = 0.3
PER_RECORD = 0.0005


def main() -> None:
    asked = parser(__doc__, cases=50_000).parse_args()
    with sandbox(asked.cases) as server:
        server.be_slow(per_request=PER_REQUEST, per_record=PER_RECORD)
        runs = alternately(
            asked.rounds,
            receive=lambda: run("receive", server),
            one=lambda: run("ours", server, "frame"),
            four=lambda: run("ours", server, "frame", 4),
        )
    receive, one, four = runs["receive"], runs["one"], runs["four"]
    at_most("read_cases, against the server's own time", ratio(said(one, "call"), said(receive, "call")), 1.1)
    at_most("the same, whole processes", ratio(whole(one), whole(receive)), 1.1)
    at_least("4 connections, against one", ratio(said(one, "call"), said(four, "call")), 2)


if __name__ == "__main__":
    main()
