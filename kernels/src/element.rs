//! Numbers as tensors store them: 32 bits, or 16 of IEEE's or Google's kind. Sums are always of 32 bits.

use half::{bf16, f16};

use crate::target::{Kernel, Plain};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

/// `f32`, [`f16`] or [`bf16`].
pub trait Element: Plain + Send + Sync + sealed::Sealed {
    /// Which of a kernel's forms works on it: those for `f32`, `f16` and `bf16`.
    #[doc(hidden)]
    fn form<V>(of: [Kernel<V>; 3]) -> Kernel<V>;
}

impl Element for f32 {
    fn form<V>([single, _, _]: [Kernel<V>; 3]) -> Kernel<V> {
        single
    }
}
impl Element for f16 {
    fn form<V>([_, half, _]: [Kernel<V>; 3]) -> Kernel<V> {
        half
    }
}
impl Element for bf16 {
    fn form<V>([_, _, brain]: [Kernel<V>; 3]) -> Kernel<V> {
        brain
    }
}
