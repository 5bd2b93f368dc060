//! The batch script that runs an agent.

use crate::slurm::SlurmError;
use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// The script around an agent's command.
///
/// The first SIGTERM is handed on, and drains the agent; an agent that hears a second one ends at once, so that one is kept
/// from it: the fleet may have to say it twice. Agents on one machine have a cache each, and one that follows another finds
/// what that one left: the cache is the first that nobody has locked. `cache` is the folder for them; without it one of the user's
/// in the machine's temporary folder.
pub fn batch(command: &[OsString], cache: Option<&Path>) -> Result<String, SlurmError> {
    let words = command.iter().map(|word| quoted(word)).collect::<Result<Vec<_>, _>>()?.join(" ");
    let cache = cache.map_or_else(|| Ok(r#""${TMPDIR:-/tmp}/klieg-$(id -u)""#.to_owned()), |folder| quoted(folder.as_os_str()))?;
    Ok(format!(
        r#"#!/bin/bash
cache={cache}
mkdir -p -m 700 "$cache" && [ -O "$cache" ] || {{ echo "klieg: $cache is not this user's" >&2; exit 1; }}
for slot in {{1..1024}}; do
  exec 9>"$cache/$slot.lock" || exit
  flock --nonblock 9 && break
done
{words} --name "${{SLURMD_NODENAME:-$(hostname -s)}}-$SLURM_JOB_ID" --cache "$cache/$slot" 9>&- &
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
    use std::{
        fs,
        process::{Child, Command},
    };

    fn job(script: &str, number: &str) -> Child {
        Command::new("bash").args(["-c", script]).env("SLURM_JOB_ID", number).env("SLURMD_NODENAME", "n1").spawn().unwrap()
    }

    fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
        words.map(OsString::from).into()
    }

    #[test]
    fn words_reach_the_agent_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (heard, cache) = (folder.path().join("heard"), folder.path().join("its cache"));
        // The agent writes down what it is called with, a NUL after each.
        let mut command = words(["bash", "-c", r#"printf '%s\0' "${@:2}" >"$1""#, "agent", heard.to_str().unwrap()]);
        let odd = ["plain", "two words", "it's", "$(reboot)", "\"`;&|\n\t*?", "", "größe"];
        command.extend(words(odd));
        assert!(job(&batch(&command, Some(&cache)).unwrap(), "7").wait().unwrap().success());
        let heard = fs::read_to_string(heard).unwrap();
        let heard: Vec<&str> = heard.split_terminator('\0').collect();
        let slot = cache.join("1");
        let expected: Vec<&str> = odd.into_iter().chain(["--name", "n1-7", "--cache", slot.to_str().unwrap()]).collect();
        assert_eq!(heard, expected);
    }

    #[test]
    fn agents_side_by_side_have_a_cache_each_and_leave_it_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_str().unwrap();
        // It notes its cache and stays as long as there is a file of that name.
        let stays = r#"echo "${@: -1}" >"$0/$2"; while [ -e "$0/stay" ]; do sleep 0.05; done"#;
        let script = batch(&words(["bash", "-c", stays, at]), Some(folder.path())).unwrap();
        fs::write(folder.path().join("stay"), "").unwrap();
        let noted = |number: &str| {
            let note = folder.path().join(format!("n1-{number}"));
            std::iter::repeat_with(|| fs::read_to_string(&note).unwrap_or_default()).find(|text| text.ends_with('\n')).unwrap()
        };
        let mut first = job(&script, "1");
        assert_eq!(noted("1").trim(), format!("{at}/1"));
        let mut second = job(&script, "2");
        assert_eq!(noted("2").trim(), format!("{at}/2"));
        fs::remove_file(folder.path().join("stay")).unwrap();
        assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
        assert!(job(&script, "3").wait().unwrap().success());
        assert_eq!(noted("3").trim(), format!("{at}/1"));
    }

    #[test]
    fn the_agents_end_is_the_jobs() {
        let folder = tempfile::tempdir().unwrap();
        let script = batch(&words(["bash", "-c", "exit 3"]), Some(folder.path())).unwrap();
        assert_eq!(job(&script, "1").wait().unwrap().code(), Some(3));
    }

    #[test]
    fn a_word_with_a_nul_is_refused() {
        assert!(matches!(batch(&["a\0b".into()], None), Err(SlurmError::Word(_))));
    }
}
