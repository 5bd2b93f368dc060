//! The batch script that runs an agent.

use crate::slurm::SlurmError;
use std::ffi::{OsStr, OsString};

/// The script around an agent's command. The first SIGTERM is handed on, and drains the agent; an agent that hears a second
/// one ends at once, so that one is kept from it: the fleet may have to say it twice.
pub fn batch(command: &[OsString]) -> Result<String, SlurmError> {
    let words = command.iter().map(|word| quoted(word)).collect::<Result<Vec<_>, _>>()?.join(" ");
    Ok(format!(
        r#"#!/bin/bash
{words} --name "${{SLURMD_NODENAME:-$(hostname -s)}}-$SLURM_JOB_ID" &
agent=$!
trap 'trap "" TERM; kill -TERM "$agent"' TERM
wait "$agent"
while kill -0 "$agent" 2>/dev/null; do wait "$agent"; done
wait "$agent"
"#
    ))
}

fn quoted(word: &OsStr) -> Result<String, SlurmError> {
    let bad = || SlurmError::Word(word.to_owned());
    let word = word.to_str().ok_or_else(bad)?;
    shlex::try_quote(word).map(|word| word.into_owned()).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_agent_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let heard = folder.path().join("heard");
        // The agent writes down what it is called with, a NUL after each.
        let agent = ["bash", "-c", r#"printf '%s\0' "${@:2}" >"$1""#, "agent"].map(OsString::from);
        let words = ["plain", "two words", "it's", "$(reboot)", "\"`;&|\n\t*?", "", "größe"].map(OsString::from);
        let command: Vec<OsString> = agent.into_iter().chain([heard.clone().into()]).chain(words.clone()).collect();
        let script = folder.path().join("job");
        std::fs::write(&script, batch(&command).unwrap()).unwrap();
        let job = std::process::Command::new("bash").arg(&script).env("SLURM_JOB_ID", "7").env("SLURMD_NODENAME", "n1").status();
        assert!(job.unwrap().success());
        let heard = std::fs::read_to_string(heard).unwrap();
        let heard: Vec<&str> = heard.split_terminator('\0').collect();
        let expected: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).chain(["--name", "n1-7"]).collect();
        assert_eq!(heard, expected);
    }

    #[test]
    fn the_agents_end_is_the_jobs() {
        let script = batch(&["bash", "-c", "exit 3", "agent"].map(OsString::from)).unwrap();
        let job = std::process::Command::new("bash").arg("-c").arg(script).env("SLURM_JOB_ID", "1").status().unwrap();
        assert_eq!(job.code(), Some(3));
    }

    #[test]
    fn a_word_with_a_nul_is_refused() {
        assert!(matches!(batch(&["a\0b".into()]), Err(SlurmError::Word(_))));
    }
}
