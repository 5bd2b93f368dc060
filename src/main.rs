//! klieg: scripts into films on every GPU you own.

mod cli;
mod deliver;
mod house;
mod kinds;
mod seal;
mod show;
mod signals;

use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

// Ten thousand connections hold small and large pieces side by side; this allocator packs them closer than the C library's, and gives
// back what a large job has left.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Pages that nobody uses go back to the system after a second.
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_OPTIONS: &[u8; 40] = b"dirty_decay_ms:1000,muzzy_decay_ms:1000\0";

fn main() -> ExitCode {
    match cli::parse() {
        Ok(klieg) => cli::run(klieg),
        Err(code) => code,
    }
}
