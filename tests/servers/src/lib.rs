//! The servers of a cluster, and a browser, for tests and benchmarks: PostgreSQL, NATS and Chromium from Debian's packages, S3 in the same process. Each
//! listens on a free port of 127.0.0.1, keeps its files in a temporary folder, and ends with its value, with a panicking test,
//! and with a test process that is killed. Errors are panics: without its server a test has nothing to say.

mod chromium;
mod nats;
mod postgres;
mod process;
mod proxy;
mod s3;

pub use chromium::Chromium;
pub use nats::Nats;
pub use postgres::{Postgres, Sync};
pub use proxy::{Fault, Proxy};
pub use s3::S3;
