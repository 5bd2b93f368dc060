//! Every kernel compiles for CUDA, on any machine, and `ptxas.md` says what of a GPU it takes.
//!
//! `KLIEG_UPDATE=1` writes the table anew, keeping the reasons.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

mod toolkit;

const ARCHITECTURES: [&str; 2] = ["sm_80", "sm_90"];

/// What a kernel and the functions that it calls take of each thread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Use {
    registers: u32,
    stack: u32,
    /// Bytes stored and loaded.
    spills: u32,
}

/// Past these a table counts as stale: compilers of one version give the same figures on every machine.
const MORE_REGISTERS: u32 = 8;
const MORE_STACK: u32 = 256;

/// nvcc, put into the cache folder if it isn't there yet.
fn nvcc() -> PathBuf {
    if let Some(asked) = std::env::var_os("KLIEG_NVCC") {
        return asked.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/cuda-toolkit");
    let run = Command::new(&script).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().trim().into()
}

fn compile(nvcc: &Path, source: &Path, architecture: &str) -> String {
    let out =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.{architecture}.cubin", source.file_stem().unwrap().display()));
    let run = Command::new(nvcc)
        .args([
            "-x",
            "cu",
            "-std=c++17",
            "--fmad=false",
            "-O3",
            "-cubin",
            "-Xptxas",
            "-v",
            "-Werror",
            "all-warnings",
            "-diag-suppress",
            "177",
        ])
        .args(["-arch", architecture, "-o"])
        .arg(&out)
        .arg(source)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned() + &String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{} for {architecture}:\n{said}", source.display());
    said
}

fn number_before(line: &str, what: &str) -> u32 {
    line.split(what).next().and_then(|l| l.split_whitespace().next_back()).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Of each kernel in what ptxas says.
fn uses(said: &str) -> BTreeMap<String, Use> {
    let mut all = BTreeMap::new();
    let mut now = String::new();
    for line in said.lines() {
        if let Some(name) = line.split("entry function '").nth(1).and_then(|rest| rest.split('\'').next()) {
            now = name.trim_start_matches("klieg_").into();
            all.insert(now.clone(), Use::default());
        }
        let Some(here) = all.get_mut(&now) else { continue };
        if line.contains("bytes stack frame") {
            here.stack = here.stack.max(number_before(line, " bytes stack frame"));
            here.spills += number_before(line, " bytes spill stores") + number_before(line, " bytes spill loads");
        }
        if line.contains("Used ") && line.contains(" registers") {
            here.registers = number_before(line, " registers");
        }
    }
    all
}

/// The table's rows: kernel, the use for each architecture, the reason.
fn table() -> BTreeMap<String, (Vec<Use>, String)> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_string()).collect::<Vec<_>>();
    let row = |line: &str| {
        let cells = cells(line);
        let numbers: Vec<u32> = cells.get(1..7)?.iter().filter_map(|c| c.parse().ok()).collect();
        let uses = numbers.chunks_exact(3).map(|n| Use { registers: n[0], stack: n[1], spills: n[2] }).collect::<Vec<_>>();
        (uses.len() == 2).then(|| (cells[0].clone(), (uses, cells.get(7).cloned().unwrap_or_default())))
    };
    text.lines().filter_map(row).collect()
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ptxas.md")
}

fn write(found: &BTreeMap<String, Vec<Use>>, old: &BTreeMap<String, (Vec<Use>, String)>) {
    let mut text = "# What the kernels take of a GPU's threads\n\n\
        As ptxas of CUDA 13.0 says; stack in bytes, spills in bytes stored and loaded, called functions included. Written by\n\
        `KLIEG_UPDATE=1 cargo nextest run --release -p klieg-kernels --test cuda_compiles`; the test fails where a kernel is missing,\n\
        where it takes more than this, and where one spills without a reason.\n\n\
        | kernel | sm_80 registers | stack | spills | sm_90 registers | stack | spills | why |\n\
        |---|---|---|---|---|---|---|---|\n"
        .to_string();
    for (name, uses) in found {
        let cells: Vec<_> = uses.iter().map(|u| format!("{} | {} | {}", u.registers, u.stack, u.spills)).collect();
        text += &format!("| {name} | {} | {} |\n", cells.join(" | "), old.get(name).map_or("", |(_, why)| why));
    }
    std::fs::write(file(), text).unwrap();
}

#[test]
fn every_kernel_compiles_and_takes_what_the_table_says() {
    let nvcc = nvcc();
    let mut found: BTreeMap<String, Vec<Use>> = BTreeMap::new();
    for (source, kernels) in toolkit::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("source")) {
        for architecture in ARCHITECTURES {
            let uses = uses(&compile(&nvcc, &source, architecture));
            let missing: Vec<_> = kernels.iter().filter(|k| !uses.contains_key(*k)).collect();
            assert!(missing.is_empty() && !uses.is_empty(), "{}: {missing:?}", source.display());
            for (name, used) in uses {
                assert!(used.registers > 0, "{name}");
                found.entry(name).or_default().push(used);
            }
        }
    }
    let old = table();
    if std::env::var_os("KLIEG_UPDATE").is_some() {
        write(&found, &old);
    }
    let table = self::table();
    assert_eq!(table.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "kernels of the table, and of the sources");
    for (name, uses) in found {
        let (said, why) = &table[&name];
        for ((now, then), architecture) in uses.iter().zip(said).zip(ARCHITECTURES) {
            assert!(now.registers <= then.registers + MORE_REGISTERS, "{name} {architecture}: {now:?}, the table says {then:?}");
            assert!(now.stack <= then.stack + MORE_STACK, "{name} {architecture}: {now:?}, the table says {then:?}");
            assert!(now.spills <= then.spills, "{name} {architecture}: {now:?}, the table says {then:?}");
            assert!(now.spills == 0 || !why.is_empty(), "{name} spills {} bytes for {architecture} without a reason", now.spills);
        }
    }
}

#[test]
fn what_ptxas_says_is_understood() {
    let said = "ptxas info    : 0 bytes gmem\n\
        ptxas info    : Compiling entry function 'klieg_a' for 'sm_80'\n\
        ptxas info    : Function properties for klieg_a\n    24 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n\
        ptxas info    : Used 255 registers, used 0 barriers, 368 bytes cmem[0]\n\
        ptxas info    : Function properties for called\n    32 bytes stack frame, 1 bytes spill stores, 2 bytes spill loads\n\
        ptxas info    : Compiling entry function 'klieg_b' for 'sm_80'\n\
        ptxas info    : Used 7 registers, used 0 barriers\n";
    let wanted = [("a", Use { registers: 255, stack: 32, spills: 15 }), ("b", Use { registers: 7, stack: 0, spills: 0 })];
    assert_eq!(uses(said), wanted.map(|(name, used)| (name.to_string(), used)).into());
}
