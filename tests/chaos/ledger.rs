//! What was ordered, what came, and whether it is what a run without faults gives.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A film that is as small as a film can be; `n` makes it another one.
pub fn script(n: usize) -> String {
    let tea = ["Tea", "Coffee", "Water", "Juice", "Milk", "Soup"][n % 6];
    format!(
        "Title: Chaos {n}\nAuthor: nobody\n\nINT. KITCHEN - DAY\n\nANNA (30s) stands at the table. BEN (30s), her brother, sits.\n\n\
         ANNA\n{tea} number {n}?\n\nBEN\nYes, please.\n"
    )
}

/// `klieg render` of a script with the settings of this test.
pub fn render(script: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klieg"));
    command.arg("render").arg(script).args(["--size", "320x180", "--spp", "2", "--quiet", "--out"]).arg(out);
    command.stdin(Stdio::null());
    command
}

/// Every delivered file but the manifest, which tells times and costs too, by its digest; and what the manifest says of outputs.
pub fn delivered(out: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![out.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("read {}: {e}", folder.display())).flatten() {
            let path: PathBuf = entry.path();
            let name = path.strip_prefix(out).expect("it is in there").display().to_string();
            if path.is_dir() {
                open.push(path);
            } else if name == "manifest.json" {
                let manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("a manifest");
                found.insert("outputs of the manifest".into(), manifest["outputs"].to_string());
            } else {
                found.insert(name, blake3::hash(&fs::read(&path).expect("read")).to_hex().to_string());
            }
        }
    }
    assert!(found.contains_key("film.mp4"), "no film in {}: {found:?}", out.display());
    found
}
