"""Receives the pages of all cases one after the other and does nothing with them: the server's own time."""

import json
import os
import re
import time

import requests

session = requests.Session()
session.headers["Authorization"] = f"ApiKey {os.environ['COMMCARE_USERNAME']}:{os.environ['COMMCARE_API_KEY']}"
url = f"{os.environ['COMMCARE_SERVER']}/a/{os.environ['COMMCARE_DOMAIN']}/api/case/v2/"
params = {"case_type": "patient", "limit": 5000}

start = time.perf_counter()
pages = 0
while url:
    body = session.get(url, params=params, timeout=60).content
    pages += 1
    following = re.search(rb'"next": "([^"]+)"\}$', body[-2000:])
    url, params = following and following[1].decode(), None
print(json.dumps({"call": time.perf_counter() - start, "pages": pages}))
