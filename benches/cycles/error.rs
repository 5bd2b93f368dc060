//! How far a picture is from a reference.

fn differences<'a>(a: &'a [[f32; 3]], b: &'a [[f32; 3]]) -> impl Iterator<Item = (f64, f64)> + 'a {
    a.as_flattened().iter().zip(b.as_flattened()).map(|(x, y)| (f64::from(*x), f64::from(*y)))
}

/// Root of the mean square difference, linear light.
pub fn rmse(picture: &[[f32; 3]], reference: &[[f32; 3]]) -> f64 {
    let sum: f64 = differences(picture, reference).map(|(x, y)| (x - y).powi(2)).sum();
    (sum / (3 * picture.len()) as f64).sqrt()
}

/// Mean of the square difference over the reference's square, which counts at least a hundredth of its mean square.
pub fn relative(picture: &[[f32; 3]], reference: &[[f32; 3]]) -> f64 {
    let count = (3 * picture.len()) as f64;
    let least = 0.01 * differences(reference, reference).map(|(x, _)| x * x).sum::<f64>() / count;
    differences(picture, reference).map(|(x, y)| (x - y).powi(2) / (y * y + least)).sum::<f64>() / count
}

/// Of the means of blocks of `side` × `side` pixels: how far they are apart (mean of absolute differences over the mean), and the
/// quotient of the pictures' means. Blocks forgive what pixel filters do at edges.
pub fn blocks(a: &[[f32; 3]], b: &[[f32; 3]], width: u32, side: usize) -> (f64, f64) {
    let width = width as usize;
    let mean = |p: &[[f32; 3]], x0: usize, y0: usize| {
        let rows = (y0..y0 + side).flat_map(|y| &p[y * width + x0..y * width + x0 + side]);
        rows.fold([0.0; 3], |sum: [f64; 3], c| std::array::from_fn(|i| sum[i] + f64::from(c[i])))
    };
    let (mut apart, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for y in (0..a.len() / width / side).map(|y| y * side) {
        for x in (0..width / side).map(|x| x * side) {
            let (p, q) = (mean(a, x, y), mean(b, x, y));
            apart += (0..3).map(|i| (p[i] - q[i]).abs()).sum::<f64>();
            of_a += p.iter().sum::<f64>();
            of_b += q.iter().sum::<f64>();
        }
    }
    (apart / of_b, of_a / of_b)
}
