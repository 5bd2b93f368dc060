"""What every peer runs: a task that tells when it began."""

import os
import time

from celery import Celery

app = Celery("noop", broker=os.environ.get("REDIS"), backend=os.environ.get("REDIS"))
if os.environ.get("DURABLE"):
    # The message stays in Redis until its task has ended.
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)
app.conf.update(worker_prefetch_multiplier=16, task_serializer="json", result_expires=600)


@app.task
def noop():
    return time.time()
