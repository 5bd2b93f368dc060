//! How fast and how large: see below.
