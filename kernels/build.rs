//! Compiles every kernel source for the CPU, once for each instruction set that the program chooses from at run time, and for
//! CUDA where nvcc is at hand.

use std::path::Path;

#[path = "build/cuda.rs"]
mod cuda;

const KERNELS: &[&str] =
    &["trace", "denoise", "film", "convert", "scale", "hash", "grade", "composite", "attention", "norm", "geglu", "mel", "top"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Not the folder: what is in `source/wgsl` is none of this compiler's business.
    for file in std::fs::read_dir("source")?.filter_map(|file| Some(file.ok()?.path())).filter(|path| path.is_file()) {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    println!("cargo:rustc-check-cfg=cfg(klieg_wide)");
    let x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    compile("plain", &[]);
    if x86 {
        let avx2 = ["-mavx2", "-mbmi", "-mbmi2", "-mlzcnt"];
        compile("avx2", &avx2);
        // Twice the registers and masked lanes; eight lanes stay eight, as the tree's nodes have them.
        let avx512 = ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mprefer-vector-width=256"];
        compile("avx512", &[&avx2[..], &avx512].concat());
        println!("cargo:rustc-cfg=klieg_wide");
    }
    cuda::embed(KERNELS)
}

/// Contraction into fused multiply-add stays off: with it, pixels would depend on the instruction set.
fn compile(set: &str, flags: &[&str]) {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").opt_level(3).cpp_link_stdlib(None).warnings(true).define("KLIEG_SET", set);
    for flag in [
        "-ffp-contract=off",
        "-fno-exceptions",
        "-fno-rtti",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-fno-semantic-interposition",
        "-Wno-psabi",
    ] {
        build.flag_if_supported(flag);
    }
    for flag in flags {
        build.flag(flag);
    }
    for kernel in KERNELS {
        build.file(Path::new("source").join(kernel).with_extension("cpp"));
    }
    build.compile(&format!("klieg_kernels_{set}"));
}
