"""Reads all cases with commcare_frames: `ours.py frame|cache [connections]`; tells what the call alone took."""

import json
import sys
import time

import commcare_frames as ccf

read = {"frame": ccf.read_cases, "cache": ccf.scan_cases}[sys.argv[1]]
connections = int(sys.argv[2]) if sys.argv[2:] else 1
ccf.connect()

start = time.perf_counter()
cases = read("patient", connections=connections)
seconds = time.perf_counter() - start

rows = len(cases) if sys.argv[1] == "frame" else cases.count_rows()
print(json.dumps({"call": seconds, "rows": rows}))
