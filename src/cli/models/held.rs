//! Which models an agent says that it holds, and where its workers find them.

use crate::cli::Common;
use klieg_models::Shelf;
use klieg_nodes::AgentOptions;
use klieg_protocol::Tools;

/// An agent's options with this machine's models: tasks that need one come to agents that give it. Models that are added later
/// are told when the agent starts again.
pub fn offer(common: &Common, mut options: AgentOptions) -> AgentOptions {
    let Ok(shelf) = common.shelf() else { return options };
    tell(&shelf, &mut options.tools);
    if let Ok(folder) = std::path::absolute(shelf.folder()) {
        options.worker.extend(["--models".into(), folder.into()]);
    }
    options
}

/// Adds every model that is as it was when it was last verified. What is wrong with another is logged.
fn tell(shelf: &Shelf, tools: &mut Tools) {
    let each = match shelf.each() {
        Ok(each) => each,
        Err(error) => {
            tracing::warn!("no models are offered: failed to {error}");
            return;
        }
    };
    for one in each {
        match one.and_then(|record| shelf.stands(&record).map(|()| record)) {
            Ok(record) => {
                tools.gives.push(record.needs());
                tools.models.push(record.name);
            }
            Err(error) => tracing::warn!("a model is not offered: failed to {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_models::{Entry, Family, Keep, Part, Progress};
    use klieg_protocol::{Digest, Incarnation};

    #[test]
    fn an_offer_names_the_models_that_stand() {
        let (source, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let shelf = Shelf::open(folder.path());
        for name in ["stands", "gone"] {
            let root = source.path().join(name);
            std::fs::create_dir(&root).expect("make the folder");
            std::fs::write(root.join("w"), name).expect("write");
            let files = vec![Part { path: "w".into(), bytes: name.len() as u64, digest: Digest::of(name.as_bytes()) }];
            let entry = Entry { name: name.into(), family: Family::Bert, root, files };
            shelf.put(&entry, Keep::Link, &Progress::default()).expect("put");
        }
        std::fs::remove_file(source.path().join("gone/w")).expect("remove");
        std::fs::create_dir(folder.path().join("broken")).expect("make the folder");
        std::fs::write(folder.path().join("broken/model.json"), "{").expect("write");
        let common = Common { farm: None, models: Some(folder.path().into()), json: false, quiet: true };
        let options = offer(&common, AgentOptions::here(vec!["klieg".into()]));
        let sent = options.offer(Incarnation::default());
        let needs = shelf.get("stands").expect("the model").needs();
        assert_eq!(sent.tools.gives, std::slice::from_ref(&needs));
        assert_eq!(sent.tools.models, ["stands"]);
        assert!(sent.tools.meets(&[needs]) && !sent.tools.meets(&[shelf.get("gone").expect("a record").needs()]));
        assert_eq!(options.worker[1..], ["--models", folder.path().to_str().expect("UTF-8")]);
    }
}
