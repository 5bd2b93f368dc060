//! The kernels' sources, for tests.

use std::path::{Path, PathBuf};

/// Every kernel source of a folder with its kernels, by `K_ITEMS` and `K_PIXELS`.
pub fn sources(folder: &Path) -> Vec<(PathBuf, Vec<String>)> {
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "cpp"));
    files.sort();
    let entry = |line: &str| {
        let rest = line.strip_prefix("K_ITEMS(").or_else(|| line.strip_prefix("K_PIXELS("))?;
        Some(rest.split_once(',')?.0.to_string())
    };
    let with_kernels = |f: PathBuf| {
        let kernels = std::fs::read_to_string(&f).unwrap().lines().filter_map(entry).collect();
        (f, kernels)
    };
    files.into_iter().map(with_kernels).collect()
}
