//! The farm's speed table, some rows at a time: `rows NAME [--quick]`. `benches/farm` runs all of them and prints the table.

mod clock;
mod fleet;
mod house;
mod killed;
mod load;
mod million;
mod node;
mod noop;
mod overload;
mod row;
mod work;

use noop::Size;
use std::{process::ExitCode, time::Duration};
use work::Load;

const NAMES: &str = "sqlite postgres http workers million load-sqlite load-postgres killed fleet overload";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.first().is_some_and(|arg| arg == "worker") {
        return house::worker();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(run(&args))
}

async fn run(args: &[String]) -> ExitCode {
    if let Some(done) = house::part(args).await {
        return done;
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let size = Size::of(quick);
    let load = Load { jobs: if quick { 100 } else { 1_000 }, tasks_a_job: 1_000 };
    match args.first().map_or("", String::as_str) {
        "sqlite" => noop::rows(false, size).await,
        "postgres" => noop::rows(true, size).await,
        "http" => noop::over_http(size).await,
        "workers" => {
            noop::by_workers(2, size).await;
            noop::by_workers(16, size).await;
        }
        "million" => million::rows(load, 1_200),
        "load-sqlite" => load::rows(load, false).await,
        "load-postgres" => load::rows(load, true).await,
        "killed" => killed::rows(if quick { 1 } else { 5 }).await,
        "fleet" => fleet::rows(if quick { 200 } else { 1_200 }).await,
        "overload" => overload::rows(Duration::from_secs(if quick { 3 } else { 15 })).await,
        other => {
            eprintln!("usage: rows NAME [--quick]; {other:?} is none of: {NAMES}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
