"""Reads all submissions of a form as people do without commcare_frames: `forms_by_hand.py XMLNS`."""

import json
import os
import sys

import pandas as pd
import requests

session = requests.Session()
session.headers["Authorization"] = f"ApiKey {os.environ['COMMCARE_USERNAME']}:{os.environ['COMMCARE_API_KEY']}"
url = f"{os.environ['COMMCARE_SERVER']}/a/{os.environ['COMMCARE_DOMAIN']}/api/form/v1/"
params = {"xmlns": sys.argv[1], "limit": 1000, "order_by": "received_on", "offset": 0}
records = []
while True:
    answer = session.get(url, params=params, timeout=60)
    answer.raise_for_status()
    page = answer.json()
    records += page["objects"]
    if not page["meta"]["next"]:
        break
    params["offset"] += len(page["objects"])

frame = pd.json_normalize(records)
for name in frame.select_dtypes(object).columns:
    frame[name] = [value if value is None or isinstance(value, str) else json.dumps(value) for value in frame[name]]
frame.to_parquet("forms.parquet")
print(json.dumps({"rows": len(frame)}))
