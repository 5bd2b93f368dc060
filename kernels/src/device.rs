//! Devices: which there are, which one is wanted, and the calls that all of them answer alike.

use std::fmt;
use std::str::FromStr;

use crate::convert::{Format, Frame};
use crate::cpu::{self, Cpu};
use crate::cuda::{self, Cuda};
use crate::error::KernelError;
use crate::rays::{Hit, Ray};
use crate::render::{Build, Finish, Layers, Picture, Settings, Stage};
use crate::scene::Geometry;
use crate::solid::Solid;
#[cfg(feature = "wgpu")]
use crate::wgpu::Wgpu;

/// The device that someone wants: `auto`, `cuda:N`, `vulkan:N` or `cpu`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The first CUDA device if there is one, else the first GPU with a Vulkan driver, else the CPU. A Vulkan driver that itself
    /// computes on the CPU is never taken unasked: the CPU does that faster.
    #[default]
    Auto,
    Cuda(u32),
    Vulkan(u32),
    Cpu,
}

impl FromStr for Choice {
    type Err = KernelError;

    fn from_str(asked: &str) -> Result<Self, KernelError> {
        let number = |n: &str| n.parse().ok().filter(|_| n.bytes().all(|b| b.is_ascii_digit()));
        let choice = match asked.split_once(':') {
            None if asked == "auto" => Some(Self::Auto),
            None if asked == "cpu" => Some(Self::Cpu),
            Some(("cuda", n)) => number(n).map(Self::Cuda),
            Some(("vulkan", n)) => number(n).map(Self::Vulkan),
            _ => None,
        };
        choice.ok_or_else(|| KernelError::Choice { asked: asked.into() })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
            Self::Vulkan(n) => write!(f, "vulkan:{n}"),
            Self::Cpu => f.write_str("cpu"),
        }
    }
}

/// What is known of a device before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// What to ask for to get it.
    pub choice: Choice,
    pub name: String,
    /// None where the driver does not say.
    pub memory_bytes: Option<u64>,
    /// Major, minor; of CUDA devices.
    pub compute_capability: Option<(u32, u32)>,
    /// And its version; of the CPU, the instruction set that its kernels use.
    pub driver: String,
}

/// What a machine has, and why it has no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devices {
    pub found: Vec<Info>,
    pub missing: Vec<KernelError>,
}

/// Something that kernels run on.
pub enum Device {
    Cpu(Box<Cpu>),
    Cuda(Box<Cuda>),
    #[cfg(feature = "wgpu")]
    Wgpu(Box<Wgpu>),
}

/// The call, of whichever device it is.
macro_rules! each {
    ($device:expr, $its:ident => $call:expr) => {
        match $device {
            Device::Cpu($its) => $call,
            Device::Cuda($its) => $call,
            #[cfg(feature = "wgpu")]
            Device::Wgpu($its) => $call,
        }
    };
}

impl Device {
    /// Opens a device; `threads` are the CPU's. `auto` takes the CPU where there is no CUDA device that this build can use.
    pub fn open(choice: Choice, threads: usize) -> Result<Self, KernelError> {
        match choice {
            Choice::Cpu => Ok(Self::Cpu(Box::new(Cpu::open(threads)?))),
            Choice::Cuda(index) => Ok(Self::Cuda(Box::new(Cuda::open(index)?))),
            Choice::Vulkan(index) => open_vulkan(index),
            Choice::Auto => match Self::open(Choice::Cuda(0), threads) {
                Err(error) if error.is_absence() => Self::open(real_vulkan().unwrap_or(Choice::Cpu), threads),
                answer => answer,
            },
        }
    }

    /// Every device that [`Device::open`] would open, the CPU last.
    pub fn list() -> Devices {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for devices in [cuda::list(), list_vulkan()] {
            match devices {
                Ok(devices) => found.extend(devices),
                Err(error) => missing.push(error),
            }
        }
        found.push(cpu::info());
        Devices { found, missing }
    }

    /// What it is.
    pub fn info(&self) -> Info {
        match self {
            Self::Cpu(_) => cpu::info(),
            Self::Cuda(cuda) => cuda.info().clone(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(wgpu) => vulkan_info(wgpu.index(), wgpu.adapter()),
        }
    }

    /// Checks geometry and builds its tree. Empty geometry is fine and never hit. A solid is good for every device.
    pub fn solid(&self, geometry: &Geometry, build: Build) -> Result<Solid, KernelError> {
        each!(self, its => its.solid(geometry, build))
    }

    /// Traces a stage.
    pub fn trace(&self, stage: &Stage<'_>, settings: &Settings) -> Result<Layers, KernelError> {
        each!(self, its => its.trace(stage, settings))
    }

    /// Smooths the noise in `color`, keeping edges of normal, depth and albedo. The other layers stay.
    pub fn denoise(&self, layers: &mut Layers) -> Result<(), KernelError> {
        each!(self, its => its.denoise(layers))
    }

    /// Makes a picture: bloom, exposure, decision list (ASC CDL), tone curve (Khronos PBR Neutral), vignette, sRGB, table, grain.
    pub fn develop<'a>(&self, layers: &Layers, finish: impl Into<Finish<'a>>, seed: u64) -> Result<Picture, KernelError> {
        each!(self, its => its.develop(layers, finish, seed))
    }

    /// Traces, denoises and develops, without the layers leaving the device.
    pub fn picture<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
    ) -> Result<Picture, KernelError> {
        each!(self, its => its.picture(stage, settings, finish, seed))
    }

    /// The picture in an encoder's format: what [`Device::convert`] makes of it, with nothing else leaving the device.
    pub fn frame<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
        format: Format,
    ) -> Result<Frame, KernelError> {
        each!(self, its => its.frame(stage, settings, finish, seed, format))
    }

    /// The first hit of each ray; panes of glass count, cut-out parts of textures don't.
    pub fn nearest(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<Option<Hit>>, KernelError> {
        each!(self, its => its.nearest(solids, rays))
    }

    /// The share of light, by colour, that passes along each ray: zero behind opaque triangles, tinted by panes.
    pub fn passed(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<[f32; 3]>, KernelError> {
        each!(self, its => its.passed(solids, rays))
    }
}

#[cfg(feature = "wgpu")]
fn open_vulkan(index: u32) -> Result<Device, KernelError> {
    Ok(Device::Wgpu(Box::new(Wgpu::open(index)?)))
}

#[cfg(feature = "wgpu")]
fn list_vulkan() -> Result<Vec<Info>, KernelError> {
    let adapters = Wgpu::list();
    if adapters.is_empty() {
        return Err(KernelError::NoDriver { target: "Vulkan" });
    }
    Ok(adapters.iter().enumerate().map(|(i, adapter)| vulkan_info(i as u32, adapter)).collect())
}

/// The first Vulkan device that isn't the CPU under another name.
#[cfg(feature = "wgpu")]
fn real_vulkan() -> Option<Choice> {
    // Loading every driver takes a while, and some write to standard error: on Linux a GPU has a render node.
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    if cfg!(target_os = "linux") && !nodes.into_iter().any(|node| node.file_name().to_string_lossy().starts_with("renderD")) {
        return None;
    }
    let at = Wgpu::list().iter().position(|adapter| !adapter.software)?;
    Some(Choice::Vulkan(at as u32))
}

#[cfg(feature = "wgpu")]
fn vulkan_info(index: u32, adapter: &crate::wgpu::Adapter) -> Info {
    Info {
        choice: Choice::Vulkan(index),
        name: adapter.name.clone(),
        memory_bytes: None,
        compute_capability: None,
        driver: adapter.driver.clone(),
    }
}

#[cfg(not(feature = "wgpu"))]
fn open_vulkan(_: u32) -> Result<Device, KernelError> {
    Err(KernelError::NoTarget { target: "WGSL" })
}

#[cfg(not(feature = "wgpu"))]
fn list_vulkan() -> Result<Vec<Info>, KernelError> {
    Err(KernelError::NoTarget { target: "WGSL" })
}

#[cfg(not(feature = "wgpu"))]
fn real_vulkan() -> Option<Choice> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_read_as_they_are_written() {
        for choice in [Choice::Auto, Choice::Cpu, Choice::Cuda(0), Choice::Cuda(17), Choice::Vulkan(3)] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for wrong in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:+1", "cuda:1.0", "cuda:99999999999", "CPU", "cpu:0", "auto:1"] {
            let error = wrong.parse::<Choice>().unwrap_err();
            assert_eq!(error, KernelError::Choice { asked: wrong.into() });
            assert!(error.to_string().contains("cuda:N"));
        }
    }

    #[test]
    fn what_is_listed_opens_and_what_is_not_says_why() {
        let devices = Device::list();
        for info in &devices.found {
            assert_eq!(Device::open(info.choice, 1).unwrap().info(), *info);
            assert!(info.memory_bytes.is_none_or(|bytes| bytes > 1 << 20) && !info.name.is_empty(), "{info:?}");
        }
        let cudas = devices.found.iter().filter(|d| matches!(d.choice, Choice::Cuda(_))).count() as u32;
        let error = Device::open(Choice::Cuda(cudas), 1).err().unwrap();
        assert!(devices.missing.contains(&error) || error == KernelError::NoDevice { target: "CUDA", asked: cudas, count: cudas });
        assert!(error.is_absence());
    }

    #[test]
    fn auto_always_opens_something() {
        let device = Device::open(Choice::Auto, 1).unwrap();
        let is_real = |info: &&Info| info.choice.to_string() != "cpu" && real_vulkan().is_none_or(|v| v == info.choice);
        let best = Device::list().found.iter().find(is_real).map_or(Choice::Cpu, |info| info.choice);
        assert!(device.info().choice == best || device.info().choice == Choice::Cpu);
    }
}
