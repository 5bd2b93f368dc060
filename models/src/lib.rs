//! What models a machine holds: files of weights read and checked, their records, adding, verifying, pulling.
