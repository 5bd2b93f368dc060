//! What is done to each value or to each row: activations, softmax, layer norm.

use crate::activation::Activation;
use crate::lanes::Lanes;

/// Floats of the widest vector.
const WIDEST: usize = 16;

/// `each` of every value; a rest that fills no vector is done in a padded one.
#[inline(always)]
unsafe fn map<L: Lanes>(x: &mut [f32], each: impl Fn(L) -> L) {
    let mut whole = x.chunks_exact_mut(L::N);
    for chunk in &mut whole {
        unsafe { each(L::load(chunk.as_ptr())).store(chunk.as_mut_ptr()) }
    }
    let rest = whole.into_remainder();
    if !rest.is_empty() {
        let mut padded = [0.0; WIDEST];
        padded[..rest.len()].copy_from_slice(rest);
        unsafe { each(L::load(padded.as_ptr())).store(padded.as_mut_ptr()) }
        rest.copy_from_slice(&padded[..rest.len()]);
    }
}

/// The vectors of a row folded into one value, the rest padded with `empty`: in one order, whatever the row.
#[inline(always)]
unsafe fn fold<L: Lanes>(x: &[f32], empty: f32, join: impl Fn(L, L) -> L, last: impl Fn(f32, f32) -> f32) -> f32 {
    let mut all = unsafe { L::splat(empty) };
    let whole = x.chunks_exact(L::N);
    let rest = whole.remainder();
    for chunk in whole {
        all = join(all, unsafe { L::load(chunk.as_ptr()) });
    }
    let mut padded = [empty; WIDEST];
    padded[..rest.len()].copy_from_slice(rest);
    all = join(all, unsafe { L::load(padded.as_ptr()) });
    let mut lanes = [empty; WIDEST];
    unsafe { all.store(lanes.as_mut_ptr()) };
    lanes[..L::N].iter().copied().fold(empty, last)
}

#[inline(always)]
pub(super) unsafe fn activate<L: Lanes>(activation: Activation, x: &mut [f32]) {
    unsafe {
        match activation {
            Activation::Identity => {}
            Activation::Relu => map::<L>(x, |x| L::splat(0.0).max(x)),
            Activation::Gelu => map::<L>(x, |x| gelu(x)),
            Activation::GeluTanh => map::<L>(x, |x| gelu_tanh(x)),
            Activation::QuickGelu => map::<L>(x, |x| x.mul(sigmoid(x.mul(L::splat(1.702))))),
            Activation::Silu => map::<L>(x, |x| x.mul(sigmoid(x))),
            Activation::Tanh => map::<L>(x, |x| tanh(x)),
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
            [
                -2.726_142_3e-10,
                2.770_681_4e-8,
                -2.101_024e-6,
                -5.692_506_4e-5,
                -7.349_906e-4,
                -2.954_6e-3,
                -1.609_603_3e-2,
            ],
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
        let peak = fold::<L>(row, f32::NEG_INFINITY, |a, b| a.max(b), f32::max);
        let peak = L::splat(peak);
        map::<L>(row, |x| exp(x.sub(peak)));
        let sum = fold::<L>(row, 0.0, |a, b| a.add(b), |a, b| a + b);
        let share = L::splat(1.0 / sum);
        map::<L>(row, |x| x.mul(share));
    }
}

#[inline(always)]
pub(super) unsafe fn normalise<L: Lanes>(row: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
    unsafe {
        let count = row.len() as f32;
        let mean = fold::<L>(row, 0.0, |a, b| a.add(b), |a, b| a + b) / count;
        for (out, x) in out.iter_mut().zip(row) {
            *out = x - mean;
        }
        let squares = fold::<L>(out, 0.0, |a, b| b.fma(b, a), |a, b| a + b);
        let scale = 1.0 / (squares / count + eps).sqrt();
        for ((out, w), b) in out.iter_mut().zip(weight).zip(bias) {
            *out = *out * scale * w + b;
        }
    }
}
