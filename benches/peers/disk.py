"""What a durable commit cannot be quicker than: 8 KiB appended and synced, 500 times, in the folder that the rows work in; as one row."""

import json
import os
import sys
import tempfile
import time

times = []
with tempfile.TemporaryFile(dir=sys.argv[1]) as file:
    for _ in range(500):
        os.write(file.fileno(), bytes(8192))
        begin = time.perf_counter()
        os.fdatasync(file.fileno())
        times.append((time.perf_counter() - begin) * 1e3)
times.sort()
p50, p90, p99 = (times[int(len(times) * share)] for share in (0.5, 0.9, 0.99))
print(json.dumps({
    "what": "this disk: 8 KiB appended and fdatasync, p50 (p90, p99)", "figure": f"{p50:.2f} ms ({p90:.2f}, {p99:.2f} ms)", "goal": "", "met": None,
}))
