"""Measures one peer with two worker processes and prints one line of JSON."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

WORKERS = 2
WARM_TASKS = 200
TASKS = 800 if os.environ.get("QUICK") else 4000
HALF_LOAD_S = 2 if os.environ.get("QUICK") else 10


@contextlib.contextmanager
def process(command, **kwargs):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def celery(folder, durable):
    port = free_port()
    redis = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
    redis += ["--appendonly", "yes", "--appendfsync", "always"] if durable else []
    os.environ["REDIS"] = f"redis://127.0.0.1:{port}/0"
    if durable:
        os.environ["DURABLE"] = "1"
    worker = [sys.executable, "-m", "celery", "-A", "noop", "worker", "--concurrency", str(WORKERS), "--pool", "prefork"]
    worker += ["--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with process(redis):
        with contextlib.closing(socket.socket()) as probe:
            until(lambda: probe.connect_ex(("127.0.0.1", port)) == 0)
        with process(worker):
            from noop import noop

            noop.delay().get(timeout=60)
            yield noop.delay, lambda handles: [handle.get(timeout=120) for handle in handles]


@contextlib.contextmanager
def dask(folder):
    from distributed import Client, LocalCluster

    options = dict(n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=folder)
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        yield lambda: client.submit(time.time, pure=False), client.gather


@contextlib.contextmanager
def ray(folder):
    import ray

    ray.init(num_cpus=WORKERS, include_dashboard=False, logging_level="ERROR", log_to_driver=False, _temp_dir=folder)
    noop = ray.remote(lambda: time.time())
    try:
        yield noop.remote, ray.get
    finally:
        ray.shutdown()


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("the peer did not start")
        time.sleep(0.05)


def rate(submit, results):
    begun = time.monotonic()
    results([submit() for _ in range(TASKS)])
    return TASKS / (time.monotonic() - begun)


def delays(submit, results, load):
    """Submits at a steady rate, whatever comes back; gives the milliseconds from each submission to its start, sorted."""
    submitted, handles, begun = [], [], time.monotonic()
    while (elapsed := time.monotonic() - begun) < HALF_LOAD_S:
        while len(handles) < elapsed * load:
            submitted.append(time.time())
            handles.append(submit())
        time.sleep(0.0005)
    return sorted(1000 * (started - at) for at, started in zip(submitted, results(handles)))


PEERS = {
    "celery": ("Celery + Redis", "no: Redis writes to disk now and then", lambda folder: celery(folder, False)),
    "celery-durable": ("Celery + Redis, late acks", "append-only file, fsync always", lambda folder: celery(folder, True)),
    "dask": ("Dask", "no: memory", dask),
    "ray": ("Ray", "no: memory", ray),
}


def main():
    name, durable, start = PEERS[sys.argv[1]]
    folder = os.path.join(sys.argv[2], sys.argv[1])
    os.makedirs(folder)
    with start(folder) as (submit, results):
        results([submit() for _ in range(WARM_TASKS)])
        tasks = rate(submit, results)
        found = delays(submit, results, tasks / 2)
    at = lambda part: round(found[int((len(found) - 1) * part)], 2)
    row = {"peer": name, "durable": durable, "tasks_per_s": round(tasks), "p50_ms": at(0.5), "p99_ms": at(0.99)}
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
