//! Where a file comes from: C2PA manifests written and read.
