//! What an error of NVIDIA's driver means for the GPU. Source: NVIDIA, "Analyzing Xid Errors with the Xid Catalog" (Ampere and newer),
//! the column "Resolution Bucket (Immediate Action)": <https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html>.

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// IGNORE: or what follows is told by another error beside it.
    Nothing,
    /// RESTART_APP: what ran failed, by itself or by what it computed; its own report says so. The GPU is well.
    Application,
    /// RESET_GPU, but what runs is not touched by it.
    Drain(&'static str),
    /// RESET_GPU or more, and what runs cannot go on or cannot be trusted.
    Fault(&'static str),
}

/// What an error means. One that is not known is taken for the GPU's fault, as NVIDIA's own device plugin for Kubernetes does.
pub fn verdict(number: u64) -> Verdict {
    use Verdict::{Application, Drain, Fault, Nothing};
    match number {
        // GPU stopped processing (follows another error); cleanup after another error; a row of memory was replaced; many
        // corrected memory errors.
        43 | 45 | 63 | 92 => Nothing,
        // Push buffer, graphics engine exception, page fault, video engine, contained memory error.
        8 | 11 | 13 | 25 | 31 | 32 | 68 | 69 | 94 => Application,
        64 => Drain("a bad row of memory could not be replaced"),
        74 => Drain("an NVLink failed"),
        46 => Fault("the GPU stopped processing"),
        48 => Fault("a memory error could not be corrected"),
        62 => Fault("a microcontroller of the GPU halted"),
        79 => Fault("the GPU has fallen off the bus"),
        95 => Fault("a memory error could not be contained"),
        109 => Fault("the GPU did not switch to another context in time"),
        119 | 120 => Fault("the GPU's system processor does not answer"),
        140 => Fault("a memory error was not recovered from"),
        143 => Fault("the GPU could not be initialised"),
        _ => Fault("an error that klieg does not know"),
    }
}
