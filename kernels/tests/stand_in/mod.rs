//! Builds the stand-in driver of `driver.cpp` around the CUDA form of every kernel, and opens it where the program looks for the real one.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::toolkit;

/// The kernels' folder, whichever crate's tests this is a part of.
fn kernels() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if root.join("kernels").is_dir() { root.join("kernels") } else { root.into() }
}

/// Puts the stand-in in the driver's place, for this process.
pub fn open() {
    static OPENED: OnceLock<()> = OnceLock::new();
    OPENED.get_or_init(|| {
        // SAFETY: the library was built here; opened by its path, it is found again by its name, which is the driver's.
        std::mem::forget(unsafe { libloading::Library::new(built()) }.unwrap());
    });
}

/// Built once for each state of the sources.
pub fn built() -> PathBuf {
    let here = &kernels();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let texts = [here.join("source"), here.join("tests/stand_in")].map(|f| f.read_dir().unwrap());
    let mut files: Vec<_> = texts.into_iter().flatten().map(|f| f.unwrap().path()).filter(|f| f.is_file()).collect();
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(&fs::read(file).unwrap());
    }
    let library = folder.join(format!("stand-in-{}.so", &hasher.finalize().to_hex()[..16]));
    // One process builds, the others wait.
    let lock = fs::File::create(library.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !library.is_file() {
        let part = library.with_extension("part");
        build(here, &part);
        fs::rename(part, &library).unwrap();
    }
    library
}

fn build(here: &Path, library: &Path) {
    let (mut units, mut tables) = (Vec::new(), String::from("#include \"cuda_on_host.h\"\n"));
    let mut list = String::new();
    for (source, kernels) in toolkit::sources(&here.join("source")) {
        let name = source.file_stem().unwrap().to_str().unwrap();
        let mut text = format!("#include \"cuda_on_host.h\"\n#include \"{}\"\n", source.display());
        writeln!(text, "extern const Entry table_{name}[] = {{").unwrap();
        for k in kernels {
            writeln!(text, "    {{\"klieg_{k}\", [](void** a) {{ launch(klieg_{k}, a); }}}},").unwrap();
        }
        text += "    {nullptr, nullptr},\n};\n";
        let unit = library.with_extension(format!("{name}.cpp"));
        fs::write(&unit, text).unwrap();
        units.push(unit);
        writeln!(tables, "extern const Entry table_{name}[];").unwrap();
        write!(list, "table_{name}, ").unwrap();
    }
    writeln!(tables, "extern const Entry* const tables[] = {{{list}nullptr}};").unwrap();
    let unit = library.with_extension("tables.cpp");
    fs::write(&unit, tables).unwrap();
    units.push(unit);
    units.push(here.join("tests/stand_in/driver.cpp"));
    let run = Command::new("g++")
        .args(["-std=c++17", "-O2", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-shared", "-Wl,-soname,libcuda.so"])
        .arg("-I")
        .arg(here.join("tests/stand_in"))
        .args(&units)
        .arg("-o")
        .arg(library)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    for unit in &units[..units.len() - 1] {
        fs::remove_file(unit).unwrap();
    }
}
