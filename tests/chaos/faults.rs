//! What is done to the farm.

use crate::{dice::Dice, stage::Stage};
use klieg_servers::Fault as Wire;
use nix::sys::signal::{Signal, kill};
use std::{thread::sleep, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A scheduler dies, and is started again.
    KillServer,
    KillNode,
    /// A scheduler stands still, longer than its lease at times: a zombie that thinks it leads.
    PauseServer,
    PauseNode,
    KillWorker,
    /// As a failed assertion in a driver would.
    AbortWorker,
    /// A connection between agent or user and server is cut, its answer lost, or it hangs.
    CutHttp,
    /// An agent is asked to leave, and comes back.
    Drain,
    FullNode,
    FullServer,
    /// The same as `CutHttp` between scheduler and database.
    CutStore,
    CrashStore,
    CrashBus,
    /// The bus forgets everything. Once.
    WipeBus,
    FailBlobs,
}

/// What goes wrong on one machine comes first, in a cluster last; what is between goes wrong everywhere.
const ALL: [Fault; 15] = [
    Fault::FullServer,
    Fault::KillServer,
    Fault::KillNode,
    Fault::PauseServer,
    Fault::PauseNode,
    Fault::KillWorker,
    Fault::AbortWorker,
    Fault::CutHttp,
    Fault::Drain,
    Fault::FullNode,
    Fault::CutStore,
    Fault::CrashStore,
    Fault::CrashBus,
    Fault::WipeBus,
    Fault::FailBlobs,
];

impl Fault {
    pub fn of(stage: &Stage) -> &'static [Self] {
        if stage.backing.is_some() { &ALL[1..] } else { &ALL[..10] }
    }

    /// Does it, and undoes what does not heal by itself. False when it cannot be done here now.
    pub fn strike(self, stage: &mut Stage, dice: &mut Dice) -> bool {
        let (server, node) = (dice.below(stage.servers.len()), dice.below(stage.nodes.len()));
        match self {
            Self::KillServer => {
                stage.servers[server].crash();
                sleep(dice.pause(0.0, 3.0));
                stage.servers[server].start();
            }
            Self::KillNode => {
                stage.nodes[node].crash();
                sleep(dice.pause(0.0, 3.0));
                stage.nodes[node].start();
            }
            Self::PauseServer => pause(&stage.servers[server], dice.pause(0.5, 5.0)),
            Self::PauseNode => pause(&stage.nodes[node], dice.pause(0.5, 12.0)),
            Self::KillWorker => return worker(stage, node, dice, Signal::SIGKILL),
            Self::AbortWorker => return worker(stage, node, dice, Signal::SIGABRT),
            Self::CutHttp => {
                let asks: [&[u8]; 5] =
                    [b"POST /v1/nodes", b"PUT /v1/artifacts", b"GET /v1/artifacts", b"POST /api/v1/jobs", b"GET /api/v1/jobs"];
                stage.doors[server].on(asks[dice.below(asks.len())], wire(dice));
            }
            Self::Drain => {
                stage.nodes[node].signal(Signal::SIGTERM);
                sleep(dice.pause(0.1, 2.0));
                // It may still be finishing: two of one name would push each other out.
                stage.nodes[node].crash();
                stage.nodes[node].start();
            }
            Self::FullNode => return full(&stage.node_disks[node], dice),
            Self::FullServer => return full(&stage.server_disk, dice),
            Self::CutStore => return with(stage, |backing| backing.store_door.on(b"COMMIT", wire(dice))),
            Self::CrashStore => {
                return with(stage, |backing| {
                    backing.postgres.crash();
                    sleep(dice.pause(0.0, 2.0));
                    backing.postgres.restart();
                });
            }
            Self::CrashBus => {
                return with(stage, |backing| {
                    backing.nats.crash();
                    sleep(dice.pause(0.0, 2.0));
                    backing.nats.restart();
                });
            }
            Self::WipeBus => {
                return with(stage, |backing| {
                    if !std::mem::replace(&mut backing.wiped, true) {
                        backing.nats.wipe();
                    }
                });
            }
            Self::FailBlobs => return with(stage, |backing| backing.s3.fail_next(1 + u32::try_from(dice.below(20)).unwrap_or(0))),
        }
        true
    }
}

fn wire(dice: &mut Dice) -> Wire {
    *dice.pick(&[Wire::Cut, Wire::CutAnswer, Wire::Stall])
}

fn with(stage: &mut Stage, act: impl FnOnce(&mut crate::stage::Backing)) -> bool {
    stage.backing.as_mut().map(act).is_some()
}

fn pause(seat: &crate::seat::Seat, time: Duration) {
    seat.signal(Signal::SIGSTOP);
    sleep(time);
    seat.signal(Signal::SIGCONT);
}

/// Two for each film: a task whose worker ends three times is quarantined, and rightly.
const WORKERS_MAX: u32 = 2;

fn worker(stage: &mut Stage, node: usize, dice: &mut Dice, signal: Signal) -> bool {
    let (film, ended) = stage.ended;
    let ended = if film == stage.film { ended } else { 0 };
    let strikes = ended < WORKERS_MAX && stage.nodes[node].worker(dice.below(100)).is_some_and(|pid| kill(pid, signal).is_ok());
    stage.ended = (stage.film, ended + u32::from(strikes));
    strikes
}

fn full(disk: &crate::disk::Disk, dice: &mut Dice) -> bool {
    if disk.small() {
        disk.fill();
        sleep(dice.pause(0.5, 4.0));
        disk.free();
    }
    disk.small()
}
