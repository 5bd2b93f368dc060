//! The farm with real worker processes: this test program starts itself as the worker, and as the whole farm to be killed.

mod help;
mod kind;

mod alone;
mod attempts;
mod devices;
mod drain;
mod full;
mod resume;
mod reuse;

/// Not a test: the worker process of the others.
#[test]
#[ignore = "the other tests start it as their worker"]
fn as_worker() {
    let code = klieg_nodes::worker::serve(&[&kind::Toy], &kind::NoMedia);
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

/// Not a test: a whole farm in a process of its own, that others kill.
#[test]
#[ignore = "the other tests start it as a farm to kill"]
fn as_farm() {
    help::block(resume::farm_process());
}

/// Not a test: a farm on a disk with little room.
#[test]
#[ignore = "another test starts it"]
fn as_farm_with_little_room() {
    help::block(full::farm_with_little_room());
}

/// Not a test: a farm whose task starts something that leaves its process group; another test kills it.
#[test]
#[ignore = "another test starts it"]
fn as_leaver() {
    help::block(alone::leaver_process());
}
