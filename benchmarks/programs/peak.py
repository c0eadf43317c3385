"""Reads all cases, `peak.py frame|cache`, and tells the most memory that it took, and what the DataFrame takes."""

import json
import resource
import sys

import commcare_frames as ccf

read = {"frame": ccf.read_cases, "cache": ccf.scan_cases}[sys.argv[1]]
ccf.connect()
cases = read("patient")

unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
frame = int(cases.memory_usage(deep=True).sum()) if sys.argv[1] == "frame" else 0
print(json.dumps({"peak": peak, "frame": frame}))
