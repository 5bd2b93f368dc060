//! The fleet's round: look at the backlog, look at the jobs, decide, do it. What cannot be seen is left as it is.

use crate::{
    Agent, Backlog, Decision, Memory, Rules, Server, Slurm, SlurmError, Stage, clock,
    decide::{decide, pause},
};
use klieg_nodes::remote::LinkError;
use serde::Serialize;
use std::time::Duration;

/// When rounds are, and whether they do anything.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the end of a round to the next.
    pub interval: Duration,
    /// One round only. What is too many is then stopped at once if `Rules::idle` is zero, and never otherwise.
    pub once: bool,
    /// Decide, and do nothing.
    pub dry: bool,
}

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    #[error(transparent)]
    Look(#[from] LinkError),
    #[error(transparent)]
    Slurm(#[from] SlurmError),
}

impl FleetError {
    /// Whether asking again cannot help.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Look(error) => error.is_usage(),
            Self::Slurm(error) => error.is_usage(),
        }
    }
}

/// What a round saw and did.
#[derive(Debug, Default, Serialize)]
pub struct Round {
    pub backlog: Backlog,
    /// Jobs of the fleet that have not ended.
    pub agents: Vec<Agent>,
    pub decision: Decision,
    /// Jobs that were started.
    pub started: Vec<u64>,
    /// What did not come about, in words.
    pub troubles: Vec<String>,
}

/// Follows the backlog until `stop` is ready, or for one round. `tell` hears of every round, `chance` gives random numbers in
/// 0..1. Agents are left as they are at the end: the next fleet of that name finds them.
///
/// # Errors
/// What asking again cannot help, and with `Pace::once` everything. Otherwise a round that fails is told of and made up for
/// after a pause that grows.
pub async fn follow(
    server: &Server,
    slurm: &Slurm,
    rules: &Rules,
    pace: Pace,
    chance: &mut (dyn FnMut() -> f64 + Send),
    tell: &mut (dyn FnMut(Result<&Round, &FleetError>) + Send),
    stop: impl Future<Output = ()>,
) -> Result<(), FleetError> {
    let begun = clock::now();
    let (mut memory, mut failures) = (Memory::default(), 0_u32);
    tokio::pin!(stop);
    loop {
        let round = round(server, slurm, rules, &memory, begun.elapsed(), pace.dry, chance());
        let seen = tokio::select! {
            seen = round => seen,
            () = &mut stop => return Ok(()),
        };
        let clean = match seen {
            Ok((round, after)) => {
                tell(Ok(&round));
                memory = after;
                round.troubles.is_empty()
            }
            Err(error) if pace.once || error.is_usage() => return Err(error),
            Err(error) => {
                tell(Err(&error));
                false
            }
        };
        if pace.once {
            return Ok(());
        }
        failures = if clean { 0 } else { failures.saturating_add(1) };
        let wait = if clean { pace.interval } else { pace.interval.max(pause(failures, rules, chance())) };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = &mut stop => return Ok(()),
        }
    }
}

async fn round(
    server: &Server,
    slurm: &Slurm,
    rules: &Rules,
    memory: &Memory,
    now: Duration,
    dry: bool,
    chance: f64,
) -> Result<(Round, Memory), FleetError> {
    let backlog = server.look().await?;
    let agents = slurm.agents().await?;
    let (decision, after) = decide(&backlog, &agents, rules, memory, now, chance);
    let mut round = Round { backlog, decision, ..Round::default() };
    round.agents = agents.into_iter().filter(|agent| !matches!(agent.stage, Stage::Ended { .. })).collect();
    for id in &round.decision.failed {
        round.troubles.push(format!("agent {id} failed as it started: its log is {}", slurm.log(*id).display()));
    }
    if !dry {
        act(slurm, &mut round).await;
    }
    Ok((round, after))
}

/// Does what was decided. The first start that fails ends them: the others would fail alike.
async fn act(slurm: &Slurm, round: &mut Round) {
    for _ in 0..round.decision.start {
        match slurm.start().await {
            Ok(id) => round.started.push(id),
            Err(error) => {
                round.troubles.push(format!("failed to {error}"));
                break;
            }
        }
    }
    for id in &round.decision.cancel {
        let done = slurm.cancel(*id).await;
        round.troubles.extend(done.err().map(|error| format!("failed to {error}")));
    }
    for id in &round.decision.drain {
        let done = slurm.drain(*id).await;
        round.troubles.extend(done.err().map(|error| format!("failed to {error}")));
    }
}
