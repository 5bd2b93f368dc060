//! What is done to each value or to each row: activations, softmax, layer norm.

use crate::activation::Activation;
use crate::lanes::Lanes;

/// Floats of the widest vector.
const WIDEST: usize = 16;

// Macros and no closures: a closure is a function of its own, and compiled without the vectors' instructions.

/// Every vector `$v` of `$x` becomes `$each`; a rest that fills none is done in a padded one.
macro_rules! map {
    ($x:expr, $lanes:ty, $v:ident => $each:expr) => {{
        let mut whole = $x.chunks_exact_mut(<$lanes>::N);
        for chunk in &mut whole {
            let $v = <$lanes>::load(chunk.as_ptr());
            $each.store(chunk.as_mut_ptr());
        }
        let rest = whole.into_remainder();
        if !rest.is_empty() {
            let mut padded = [0.0; WIDEST];
            padded[..rest.len()].copy_from_slice(rest);
            let $v = <$lanes>::load(padded.as_ptr());
            $each.store(padded.as_mut_ptr());
            rest.copy_from_slice(&padded[..rest.len()]);
        }
    }};
}

/// All vectors `$v` of `$x` joined into `$all`, then its lanes by `$last`: in one order, whatever the row. The rest is padded.
macro_rules! fold {
    ($x:expr, $lanes:ty, $empty:expr, ($all:ident, $v:ident) => $join:expr, $last:expr) => {{
        let mut $all = <$lanes>::splat($empty);
        let whole = $x.chunks_exact(<$lanes>::N);
        let mut padded = [$empty; WIDEST];
        padded[..whole.remainder().len()].copy_from_slice(whole.remainder());
        for chunk in whole {
            let $v = <$lanes>::load(chunk.as_ptr());
            $all = $join;
        }
        let $v = <$lanes>::load(padded.as_ptr());
        $all = $join;
        $all.store(padded.as_mut_ptr());
        padded[..<$lanes>::N].iter().copied().fold($empty, $last)
    }};
}

#[inline(always)]
pub(super) unsafe fn activate<L: Lanes>(activation: Activation, x: &mut [f32]) {
    unsafe {
        match activation {
            Activation::Identity => {}
            Activation::Relu => map!(x, L, v => L::splat(0.0).max(v)),
            Activation::Gelu => map!(x, L, v => gelu(v)),
            Activation::GeluTanh => map!(x, L, v => gelu_tanh(v)),
            Activation::QuickGelu => map!(x, L, v => v.mul(sigmoid(v.mul(L::splat(1.702))))),
            Activation::Silu => map!(x, L, v => v.mul(sigmoid(v))),
            Activation::Tanh => map!(x, L, v => tanh(v)),
        }
    }
}

/// Coefficients, highest power first, in Horner's form.
#[inline(always)]
unsafe fn polynomial<L: Lanes, const N: usize>(x: L, coefficients: [f32; N]) -> L {
    unsafe {
        let mut sum = L::splat(coefficients[0]);
        for c in &coefficients[1..] {
            sum = sum.fma(x, L::splat(*c));
        }
        sum
    }
}

/// eˣ to within 2 units in the last place, from e⁻⁸⁷·³ to e⁸⁸ (Cephes, `expf`). NaN stays NaN.
#[inline(always)]
unsafe fn exp<L: Lanes>(x: L) -> L {
    unsafe {
        let x = L::splat(-87.3).max(L::splat(88.0).min(x));
        let n = x.mul(L::splat(std::f32::consts::LOG2_E)).round();
        // ln 2 in two parts, the first exact in few bits.
        let r = n.fma(L::splat(-0.693_359_4), x);
        let r = n.fma(L::splat(2.121_944_4e-4), r);
        let p = polynomial(r, [1.987_569_2e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5]);
        let p = p.fma(r.mul(r), r.add(L::splat(1.0)));
        p.mul(n.power_of_two())
    }
}

#[inline(always)]
unsafe fn sigmoid<L: Lanes>(x: L) -> L {
    unsafe {
        let one = L::splat(1.0);
        one.div(one.add(exp(L::splat(0.0).sub(x))))
    }
}

#[inline(always)]
unsafe fn tanh<L: Lanes>(x: L) -> L {
    unsafe {
        let one = L::splat(1.0);
        one.sub(L::splat(2.0).div(one.add(exp(x.add(x)))))
    }
}

/// x·Φ(x) = max(x, 0) - |x|/2 · erfc(|x|/√2), with erf by the rational form of Eigen and XLA, whose error is below 7e-8.
#[inline(always)]
unsafe fn gelu<L: Lanes>(x: L) -> L {
    unsafe {
        let zero = L::splat(0.0);
        let size = x.max(zero.sub(x));
        // erf is 1 in f32 from here on.
        let z = L::splat(4.0).min(size.mul(L::splat(std::f32::consts::FRAC_1_SQRT_2)));
        let z2 = z.mul(z);
        let p = polynomial(
            z2,
            [-2.726_142_3e-10, 2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906e-4, -2.954_6e-3, -1.609_603_3e-2],
        );
        let q = polynomial(z2, [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_473_9e-2]);
        let erf = z.mul(p).div(q);
        // Beyond 6 nothing of it is left but the rounding of erf, which must not grow with x.
        let left = L::splat(6.0).min(size).mul(L::splat(-0.5));
        left.fma(L::splat(1.0).sub(erf), zero.max(x))
    }
}

#[inline(always)]
unsafe fn gelu_tanh<L: Lanes>(x: L) -> L {
    unsafe {
        let cubic = x.mul(x).fma(L::splat(0.044_715), L::splat(1.0));
        let inner = x.mul(cubic).mul(L::splat(0.797_884_6));
        // x/2 · (1 + tanh u) = x · σ(2u)
        x.mul(sigmoid(inner.add(inner)))
    }
}

#[inline(always)]
pub(super) unsafe fn softmax<L: Lanes>(row: &mut [f32]) {
    unsafe {
        let peak = fold!(row, L, f32::NEG_INFINITY, (all, v) => all.max(v), f32::max);
        let peak = L::splat(peak);
        map!(row, L, v => exp(v.sub(peak)));
        let sum = fold!(row, L, 0.0, (all, v) => all.add(v), |a: f32, b: f32| a + b);
        let share = L::splat(1.0 / sum);
        map!(row, L, v => v.mul(share));
    }
}

#[inline(always)]
pub(super) unsafe fn normalise<L: Lanes>(row: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
    unsafe {
        let count = row.len() as f32;
        let mean = fold!(row, L, 0.0, (all, v) => all.add(v), |a: f32, b: f32| a + b) / count;
        for (out, x) in out.iter_mut().zip(row) {
            *out = x - mean;
        }
        let squares = fold!(out, L, 0.0, (all, v) => v.fma(v, all), |a: f32, b: f32| a + b);
        let scale = 1.0 / (squares / count + eps).sqrt();
        for ((out, w), b) in out.iter_mut().zip(weight).zip(bias) {
            *out = *out * scale * w + b;
        }
    }
}
