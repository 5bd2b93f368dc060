#!/usr/bin/env python3
"""Listens to a farm's webhook and believes only what the farm has signed. Usage: SECRET=whsec_… ./webhook.py [PORT]"""
import base64, hashlib, hmac, http.server, json, os, sys, time

key, seen = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_")), set()

class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        id, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        tag = "v1," + base64.b64encode(hmac.digest(key, f"{id}.{at}.".encode() + body, hashlib.sha256)).decode()
        signed = any(hmac.compare_digest(tag, one) for one in self.headers["webhook-signature"].split())
        true = signed and abs(time.time() - int(at)) < 300  # seconds: an old request is somebody's copy
        self.send_response(204 if true else 401)
        self.end_headers()
        if true and id not in seen:  # an event may come more than once, always under one id
            seen.add(id)
            event = json.loads(body)
            print(event["timestamp"], event["type"], json.dumps(event["data"]), flush=True)

http.server.ThreadingHTTPServer(("", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Hook).serve_forever()
