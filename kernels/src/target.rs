//! Where kernels run, as their faces see it: lists that kernels read and write, and launches.
//!
//! A face is one function over any [`Target`]; `faces!` makes it a method of [`crate::Cpu`], [`crate::Cuda`] and [`crate::Device`].
//! On the CPU lists are the caller's own memory, on a CUDA device copies of it.

use crate::abi::{self, Kernels, Launch};
use crate::error::KernelError;

/// Records without padding that mean the same on every target.
///
/// # Safety
/// Any bytes that a kernel writes must be a valid value, zeros among them.
pub unsafe trait Plain: Copy + 'static {}
macro_rules! plain {
    ($($record:ty),* $(,)?) => { $(unsafe impl Plain for $record {})* };
}
plain!(u8, u32, f32, [f32; 3], half::f16, half::bf16, crate::norm::Moments, crate::rays::Ray, crate::rays::RawHit);
plain!(abi::Image, abi::SolidView, abi::Lamp, abi::LampTable, abi::Packed, abi::Block, abi::Vertex, abi::Triangle, abi::Surfacing);

/// A kernel and the record that it takes: its name, which CUDA knows it by, and where the CPU has its launch function.
pub struct Kernel<V> {
    pub name: &'static str,
    pub of: fn(&Kernels) -> Launch<V>,
}

impl<V> Clone for Kernel<V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V> Copy for Kernel<V> {}

/// The kernel of that name in `kernels!` of `abi.rs`.
macro_rules! kernel {
    ($name:ident) => {
        $crate::target::Kernel { name: stringify!($name), of: |kernels| kernels.$name }
    };
}
pub(crate) use kernel;

/// What a launch counts: items in a line, or pixels in rows; on a GPU one thread each.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// From, to.
    Items(u32, u32),
    /// Width, height.
    Pixels(u32, u32),
}

/// A list that kernels see.
pub trait List<T> {
    /// Where it begins, for kernels only. Those that a target was lent for reading aren't written.
    fn at(&self) -> *mut T;
}

pub trait Target {
    type List<'a, T: Plain>: List<T>;

    /// Rows of a picture that are kept between two passes over it: so few that a core's cache holds them.
    const BAND: u32;

    /// A list for kernels to read.
    fn lend<'a, T: Plain>(&self, values: &'a [T]) -> Result<Self::List<'a, T>, KernelError>;

    /// A list for kernels to read and write; the caller has it again after [`Target::give_back`].
    fn lend_mut<'a, T: Plain>(&self, values: &'a mut [T]) -> Result<Self::List<'a, T>, KernelError>;

    /// Room for kernels to write, with anything in it.
    fn room<T: Plain>(&self, len: usize) -> Result<Self::List<'static, T>, KernelError>;

    /// What kernels have written into room.
    fn take<T: Plain>(&self, room: Self::List<'static, T>) -> Result<Vec<T>, KernelError>;

    /// Ends the loan of a list that was lent for writing.
    fn give_back<T: Plain>(&self, list: Self::List<'_, T>) -> Result<(), KernelError>;

    /// Runs a kernel after all that were asked for before. A thread of the CPU takes `at_once` items or rows at a time.
    ///
    /// # Safety
    /// What the view points at are lists of this target that hold what the kernel reads and writes for each item, and no two items
    /// write the same place.
    unsafe fn run<V>(&self, kernel: Kernel<V>, view: &V, extent: Extent, at_once: u32) -> Result<(), KernelError>;
}

/// Makes a function over any target a method of `Cpu`, `Cuda` and `Device`. On a Vulkan device it is an error that says so, unless
/// it is written in WGSL too (`also wgsl`), as a method of `Wgpu`.
macro_rules! faces {
    ($(#[$doc:meta])* fn $name:ident $(<$element:ident>)? ($($arg:ident: $type:ty),* $(,)?) -> $out:ty; also wgsl) => {
        $crate::target::faces!(@ [$(#[$doc])*] $name [$($element)?] [$($arg: $type),*] $out, its => its.$name($($arg),*));
    };
    ($(#[$doc:meta])* fn $name:ident $(<$element:ident>)? ($($arg:ident: $type:ty),* $(,)?) -> $out:ty) => {
        $crate::target::faces!(@ [$(#[$doc])*] $name [$($element)?] [$($arg: $type),*] $out, _its => {
            Err($crate::KernelError::NotHere { what: stringify!($name), target: "Vulkan" })
        });
    };
    (@ [$($doc:tt)*] $name:ident [$($element:ident)?] [$($arg:ident: $type:ty),*] $out:ty, $its:ident => $wgsl:expr) => {
        impl $crate::Cpu {
            $($doc)*
            pub fn $name $(<$element: $crate::element::Element>)? (&self, $($arg: $type),*) -> Result<$out, $crate::KernelError> {
                $name(self, $($arg),*)
            }
        }
        impl $crate::Cuda {
            $($doc)*
            pub fn $name $(<$element: $crate::element::Element>)? (&self, $($arg: $type),*) -> Result<$out, $crate::KernelError> {
                $name(self, $($arg),*)
            }
        }
        impl $crate::Device {
            $($doc)*
            pub fn $name $(<$element: $crate::element::Element>)? (&self, $($arg: $type),*) -> Result<$out, $crate::KernelError> {
                match self {
                    $crate::Device::Cpu(its) => its.$name($($arg),*),
                    $crate::Device::Cuda(its) => its.$name($($arg),*),
                    #[cfg(feature = "wgpu")]
                    $crate::Device::Wgpu($its) => $wgsl,
                }
            }
        }
    };
}
pub(crate) use faces;
