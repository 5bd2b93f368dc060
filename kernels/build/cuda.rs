//! What the program carries of the kernels for CUDA: each source as one file that NVRTC compiles, and beside it machine code
//! for sm_80 and sm_90 (and PTX for what comes after) where nvcc is at hand when klieg is built.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// As NVRTC gets them too (`src/cuda/nvrtc.rs`): sums round as on the CPU.
const OPTIONS: [&str; 3] = ["-std=c++17", "--fmad=false", "-O3"];
const TARGETS: [&str; 3] = ["arch=compute_80,code=sm_80", "arch=compute_90,code=sm_90", "arch=compute_90,code=compute_90"];

/// Writes `cuda_code.rs`: a list of sources, the kernels of each, and its machine code if there is any.
pub fn embed(kernels: &[&str]) -> Result<(), Box<dyn Error>> {
    for name in ["KLIEG_NVCC", "KLIEG_CUDA", "XDG_CACHE_HOME", "PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo says where to build")?);
    let nvcc = nvcc();
    if let Some(nvcc) = &nvcc {
        println!("cargo:rerun-if-changed={}", nvcc.display());
    }
    let mut list = String::from("[\n");
    for name in kernels {
        let source = inlined(Path::new("source"), &format!("{name}.cpp"), &mut BTreeSet::new())?;
        let file = out.join(format!("{name}.cu"));
        fs::write(&file, &source)?;
        let fatbin = nvcc.as_ref().and_then(|nvcc| compile(nvcc, &file));
        let fatbin = fatbin.map_or("None".into(), |f| format!("Some(include_bytes!({f:?}))"));
        let entries = entries(&source);
        writeln!(list, "Code {{ name: {name:?}, source: include_str!({file:?}), fatbin: {fatbin}, entries: &{entries:?} }},")?;
    }
    list.push(']');
    fs::write(out.join("cuda_code.rs"), list)?;
    Ok(())
}

/// From the environment, the path, or where `scripts/cuda-toolkit` puts it.
fn nvcc() -> Option<PathBuf> {
    if let Some(asked) = env::var_os("KLIEG_NVCC") {
        return (!asked.is_empty()).then(|| asked.into());
    }
    let on_path = env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join("nvcc")).find(|nvcc| nvcc.is_file());
    on_path.or_else(|| {
        let cache =
            env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cache")));
        let folder = env::var_os("KLIEG_CUDA").map(PathBuf::from).or_else(|| Some(cache?.join("klieg/cuda-13.0")))?;
        let nvcc = folder.join("nvidia/cu13/bin/nvcc");
        folder.join("complete").is_file().then_some(nvcc)
    })
}

/// Machine code of a source. When nvcc refuses it the program carries the source only, and the build says so.
fn compile(nvcc: &Path, file: &Path) -> Option<PathBuf> {
    let fatbin = file.with_extension("fatbin");
    let targets = TARGETS.iter().flat_map(|target| ["-gencode", target]);
    let run =
        Command::new(nvcc).args(["-x", "cu", "-fatbin"]).args(OPTIONS).args(targets).arg("-o").arg(&fatbin).arg(file).output();
    match run {
        Ok(run) if run.status.success() => Some(fatbin),
        Ok(run) => {
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            let first = said.lines().find(|line| line.contains("error")).unwrap_or_default();
            println!("cargo:warning={} doesn't compile for CUDA, so NVRTC has to at run time: {first}", file.display());
            None
        }
        Err(error) => {
            println!("cargo:warning={} doesn't run, so NVRTC has to compile at run time: {error}", nvcc.display());
            None
        }
    }
}

/// A source with its headers in place, each once.
fn inlined(folder: &Path, file: &str, seen: &mut BTreeSet<String>) -> io::Result<String> {
    let text = fs::read_to_string(folder.join(file))?;
    let mut all = String::new();
    for line in text.lines() {
        match line.strip_prefix("#include \"").and_then(|rest| rest.strip_suffix('"')) {
            // Never for CUDA, and full of what NVRTC hasn't.
            Some("compat_cpu.h") => {}
            Some(header) if seen.insert(header.into()) => all += &inlined(folder, header, seen)?,
            Some(_) => {}
            None if line == "#pragma once" => {}
            None => {
                all += line;
                all.push('\n');
            }
        }
    }
    Ok(all)
}

/// The kernels of a source, by `K_ITEMS(name, View)` and `K_PIXELS(name, View)`.
fn entries(source: &str) -> Vec<String> {
    let name = |line: &str| {
        let rest = line.strip_prefix("K_ITEMS(").or_else(|| line.strip_prefix("K_PIXELS("))?;
        Some(rest.split_once(',')?.0.to_string())
    };
    source.lines().filter_map(name).collect()
}
