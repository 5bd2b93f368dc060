"""What scripts/check-api tells schemathesis: how bytes that belong at an offset are written."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
