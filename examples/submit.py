#!/usr/bin/env python3
"""Submits a screenplay to a klieg farm, polls it, and downloads the film. Needs only `requests`.
usage: KLIEG_SERVER=http://127.0.0.1:7421 KLIEG_TOKEN=… submit.py SCRIPT [QUALITY] [FILE]"""
import os, pathlib, sys, time
import requests

server, farm = os.environ["KLIEG_SERVER"], requests.Session()
farm.headers["Authorization"] = "Bearer " + os.environ["KLIEG_TOKEN"]
script = pathlib.Path(sys.argv[1])
wanted = {"script": script.read_text(), "file": script.name, "quality": sys.argv[2] if len(sys.argv) > 2 else "draft"}
answer = farm.post(server + "/api/v1/generate/film", json=wanted)
if not answer.ok:
    sys.exit(answer.json()["detail"])
job = answer.json()["job_id"]
while (status := farm.get(f"{server}/api/v1/generate/{job}/status").json())["status"] in ("queued", "running"):
    print(f"{job}: {status['progress']:.0f} %, {status['stage']}", flush=True)
    time.sleep(1)
if status["status"] != "succeeded":
    sys.exit(f"{job} {status['status']}: {status['reason']}")
film = next(output for output in status["result"]["outputs"] if output["media_type"].startswith("video/"))
target = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else film["name"])
with farm.get(server + film["url"], stream=True) as body, target.open("wb") as file:
    body.raise_for_status()
    for chunk in body.iter_content(1 << 20):
        file.write(chunk)
print(target)
