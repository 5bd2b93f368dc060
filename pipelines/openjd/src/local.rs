//! One session of several steps, here and now: what the reference's `openjd run` does.

use crate::{
    select::Selection,
    share::{Tasks, shares},
    sitting::{Setup, Sitting, Stopper, Tale},
    template::Prepared,
};
use openjd_model::{TaskParameterSet, build_symbol_table, convert_environment_with_symtab, job::Step};
use std::{path::PathBuf, sync::Arc};

/// How a session went.
pub struct Ran {
    /// What went wrong first.
    pub failed: Option<String>,
    /// Tasks, or chunks of them, that were begun.
    pub tasks: u64,
    /// Where it worked.
    pub folder: PathBuf,
}

/// Which tasks of the chosen step are run.
pub enum Wanted {
    /// So many at most; `None`: all.
    First(Option<u64>),
    These(Vec<TaskParameterSet>),
}

/// Runs steps in one session. `stoppable` is given what stops it. An error when it cannot be opened.
pub async fn run(
    prepared: &Prepared,
    selection: &Selection,
    wanted: &Wanted,
    setup: Setup,
    stoppable: impl FnOnce(Stopper),
) -> Result<Ran, String> {
    let mut sitting = Sitting::open(prepared, setup, Arc::new(|_: Tale| {})).map_err(|e| e.to_string())?;
    stoppable(sitting.stopper());
    let folder = sitting.folder().to_owned();
    let symbols = build_symbol_table(&prepared.values).map_err(|e| e.to_string())?;
    let beside = prepared.environments.iter();
    let beside: Vec<_> = beside.map(|beside| convert_environment_with_symtab(&beside.environment, Some(&symbols))).collect();
    sitting.enter(&beside, None).await;
    sitting.enter(prepared.job.job_environments.as_deref().unwrap_or_default(), None).await;
    for at in &selection.steps {
        let all = Wanted::First(None);
        let wanted = if selection.chosen == Some(*at) { wanted } else { &all };
        step(&mut sitting, &prepared.job.steps[*at], wanted).await;
        if sitting.failure().is_some() {
            break;
        }
    }
    sitting.exit_to(0).await;
    let ran = Ran { failed: sitting.failure().map(str::to_owned), tasks: sitting.ran, folder };
    sitting.close();
    Ok(ran)
}

async fn step(sitting: &mut Sitting, step: &Step, wanted: &Wanted) {
    let outside = sitting.depth();
    sitting.enter(step.step_environments.as_deref().unwrap_or_default(), step.resolved_symtab.as_ref()).await;
    match wanted {
        Wanted::These(sets) => {
            for set in sets {
                if sitting.failure().is_some() || !sitting.task(step, Some(set)).await {
                    break;
                }
            }
        }
        Wanted::First(most) => all(sitting, step, *most).await,
    }
    sitting.exit_to(outside).await;
}

/// Runs a step's tasks, `most` of them.
async fn all(sitting: &mut Sitting, step: &Step, most: Option<u64>) {
    let shares = match shares(step, true, Some(1)) {
        Ok(shares) => shares,
        Err(why) => return sitting.fail(why.to_string()),
    };
    let before = sitting.ran;
    for share in shares {
        let left = most.map(|most| most.saturating_sub(sitting.ran - before));
        match Tasks::of(step, &share) {
            Ok(mut tasks) => sitting.tasks(step, &mut tasks, left).await,
            Err(why) => sitting.fail(why.to_string()),
        }
    }
}
