"""Reads all cases as people do without commcare_frames: requests, json_normalize, to_parquet."""

import json
import os

import pandas as pd
import requests

session = requests.Session()
session.headers["Authorization"] = f"ApiKey {os.environ['COMMCARE_USERNAME']}:{os.environ['COMMCARE_API_KEY']}"
url = f"{os.environ['COMMCARE_SERVER']}/a/{os.environ['COMMCARE_DOMAIN']}/api/case/v2/"
params = {"case_type": "patient", "limit": 5000}
records = []
while url:
    answer = session.get(url, params=params, timeout=60)
    answer.raise_for_status()
    page = answer.json()
    records += page["cases"]
    url, params = page.get("next"), None

frame = pd.json_normalize(records)
frame.to_parquet("patients.parquet")
print(json.dumps({"rows": len(frame)}))
