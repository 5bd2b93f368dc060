//! Residency and batching: what stays in a device's memory, and which steps of which jobs run together. Knows no model.
