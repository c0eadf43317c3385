"""Reads all submissions of a form with commcare_frames: `forms_ours.py FORM`."""

import json
import sys
import time

import commcare_frames as ccf

ccf.connect()
start = time.perf_counter()
forms = ccf.read_forms(sys.argv[1])
print(json.dumps({"call": time.perf_counter() - start, "rows": len(forms)}))
