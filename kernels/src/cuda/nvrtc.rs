//! Machine code made at run time, for programs that carry the source only and for devices that they carry no code for.

use std::ffi::{CStr, CString};
use std::fs;
use std::path::{Path, PathBuf};

use cudarc::nvrtc::{result, sys};
use libloading::Library;

use super::code::Code;
use crate::error::KernelError;

/// As `build/cuda.rs` gives them to nvcc: sums round as on the CPU.
const OPTIONS: [&str; 2] = ["--std=c++17", "--fmad=false"];

/// Machine code of a source for one architecture (`sm_90`), from the cache folder if it was made before.
pub fn cubin(code: &Code, architecture: &str, driver: &str) -> Result<Vec<u8>, KernelError> {
    let file = cache_folder().map(|folder| folder.join(format!("{}.cubin", key(code, architecture, driver))));
    if let Some(known) = file.as_ref().and_then(|file| fs::read(file).ok()).filter(|bytes| !bytes.is_empty()) {
        return Ok(known);
    }
    let made = compile(code, architecture)?;
    if let Some(file) = file {
        keep(&file, &made);
    }
    Ok(made)
}

/// Everything that the machine code depends on.
fn key(code: &Code, architecture: &str, driver: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [code.source, &OPTIONS.join(" "), architecture, driver] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn cache_folder() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "klieg")?.cache_dir().join("cubin"))
}

/// The cache is a convenience: a folder that can't be written only costs time.
fn keep(file: &PathBuf, cubin: &[u8]) {
    let part = file.with_extension(std::process::id().to_string());
    let written = file.parent().map(fs::create_dir_all).is_some_and(|made| made.is_ok()) && fs::write(&part, cubin).is_ok();
    if !written || fs::rename(&part, file).is_err() {
        let _ = fs::remove_file(&part);
    }
}

/// Compiles a source. Needs the library (libnvrtc), but neither driver nor device.
pub fn compile(code: &Code, architecture: &str) -> Result<Vec<u8>, KernelError> {
    let failed = |reason: String| KernelError::Kernel { name: code.name, reason };
    if !present() {
        return Err(failed("the program carries no machine code for this device, and libnvrtc isn't found to make it".into()));
    }
    let text = CString::new(code.source).map_err(|e| failed(e.to_string()))?;
    let program = result::create_program(&text, None).map_err(|e| failed(format!("{:?}", e.0)))?;
    let program = Program(program);
    let options: Vec<String> = OPTIONS.iter().map(|&o| o.into()).chain([format!("--gpu-architecture={architecture}")]).collect();
    // SAFETY: the program was created above, from a text that outlives it.
    unsafe { result::compile_program(program.0, &options) }.map_err(|e| failed(format!("{:?}: {}", e.0, program.log())))?;
    program.cubin().map_err(|e| failed(format!("{:?}", e.0)))
}

/// Whether the library is there: installed, or in the folder of `scripts/cuda-toolkit`. What was opened by its path is found again by
/// its name.
fn present() -> bool {
    // SAFETY: opening a library runs its initialisers, and NVRTC's are those of every CUDA program.
    let found = || unsafe { sys::is_culib_present() };
    let open = |folder: &Path, name: &str| {
        // SAFETY: as above.
        unsafe { Library::new(folder.join(name)) }.map(std::mem::forget)
    };
    let toolkit = || {
        let folder = toolkit_folder()?;
        open(&folder, "libnvrtc-builtins.so.13.0").and_then(|()| open(&folder, "libnvrtc.so.13")).ok()
    };
    found() || (toolkit().is_some() && found())
}

fn toolkit_folder() -> Option<PathBuf> {
    let usual = || Some(directories::BaseDirs::new()?.cache_dir().join("klieg/cuda-13.0"));
    let folder = std::env::var_os("KLIEG_CUDA").map(PathBuf::from).or_else(usual)?;
    Some(folder.join("nvidia/cu13/lib"))
}

struct Program(sys::nvrtcProgram);

impl Program {
    fn cubin(&self) -> Result<Vec<u8>, result::NvrtcError> {
        let mut size = 0;
        // SAFETY: the library writes one number, then so many bytes.
        unsafe {
            sys::nvrtcGetCUBINSize(self.0, &mut size).result()?;
            let mut cubin = vec![0u8; size];
            sys::nvrtcGetCUBIN(self.0, cubin.as_mut_ptr().cast()).result()?;
            Ok(cubin)
        }
    }

    /// The errors among what the compiler says.
    fn log(&self) -> String {
        // SAFETY: the program was compiled; its log ends with a zero.
        let log = unsafe { result::get_program_log(self.0) }.ok();
        let log =
            log.filter(|log| log.contains(&0)).map(|log| unsafe { CStr::from_ptr(log.as_ptr()) }.to_string_lossy().into_owned());
        log.unwrap_or_default().lines().filter(|line| line.contains("error")).take(4).collect::<Vec<_>>().join("; ")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: it was created and isn't used any more.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::code::CODE;

    /// The toolkit's library, as `make test` has put it there; no driver and no device take part.
    #[test]
    fn every_source_that_the_program_carries_compiles_at_run_time() {
        for code in CODE {
            for architecture in ["sm_80", "sm_90"] {
                let cubin = compile(code, architecture).unwrap();
                assert!(cubin.starts_with(b"\x7fELF"));
                for entry in code.entries {
                    let name = format!("klieg_{entry}\0");
                    assert!(cubin.windows(name.len()).any(|w| w == name.as_bytes()), "{entry}");
                }
            }
        }
    }

    #[test]
    fn what_does_not_compile_says_where() {
        let broken = Code { name: "broken", source: "void f() { nowhere(); }", fatbin: None, entries: &[] };
        let Err(KernelError::Kernel { name: "broken", reason }) = compile(&broken, "sm_90") else { panic!("it compiles") };
        assert!(reason.contains("nowhere"), "{reason}");
    }

    #[test]
    fn machine_code_is_kept_for_its_source_architecture_and_driver_alone() {
        let code = |source| Code { name: "a", source, fatbin: None, entries: &[] };
        let keys = [
            key(&code("x"), "sm_80", "1"),
            key(&code("y"), "sm_80", "1"),
            key(&code("x"), "sm_90", "1"),
            key(&code("x"), "sm_80", "2"),
        ];
        assert!(keys.iter().enumerate().all(|(i, k)| !keys[..i].contains(k)));
        assert_eq!(keys[0], key(&code("x"), "sm_80", "1"));
        let folder = std::env::temp_dir().join(format!("klieg-cubin-{}", std::process::id()));
        let file = folder.join("deep/a.cubin");
        keep(&file, b"code");
        assert_eq!(fs::read(&file).unwrap(), b"code");
        assert_eq!(file.parent().unwrap().read_dir().unwrap().count(), 1, "no part is left");
        fs::remove_dir_all(folder).unwrap();
    }
}
