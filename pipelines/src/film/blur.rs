//! Box blur, and the softness of a card's background.

use klieg_kernels::Layers;

/// One box blur of `radius` pixels both ways, by running sums; past the border there is nothing.
pub fn blur(image: &[f32], width: usize, height: usize, radius: usize) -> Vec<f32> {
    let across = pass(image, (width, 1), (height, width), radius);
    pass(&across, (height, width), (width, 1), radius)
}

/// Blurs along lines of `length` values `step` apart; `count` lines start `stride` apart.
fn pass(input: &[f32], (length, step): (usize, usize), (count, stride): (usize, usize), radius: usize) -> Vec<f32> {
    let mut out = vec![0.0; input.len()];
    let share = 1.0 / (2 * radius + 1) as f64;
    for line in 0..count {
        let at = |i: usize| line * stride + i * step;
        let mut sum: f64 = (0..radius.min(length)).map(|i| f64::from(input[at(i)])).sum();
        for i in 0..length {
            if i + radius < length {
                sum += f64::from(input[at(i + radius)]);
            }
            if i > radius {
                sum -= f64::from(input[at(i - radius - 1)]);
            }
            out[at(i)] = (sum * share) as f32;
        }
    }
    out
}

/// Puts a traced picture far out of focus. A lens that wide would need hundreds of samples a pixel to come out clean; behind a
/// card nothing has to be read, so light is spread after the denoiser instead. Borders are divided by what the blur lost there.
pub fn soften(layers: &mut Layers) {
    let (width, height) = (layers.width as usize, layers.height as usize);
    let radius = (width / 90).max(1);
    let thrice = |mut plane: Vec<f32>| {
        for _ in 0..3 {
            plane = blur(&plane, width, height, radius);
        }
        plane
    };
    let kept = thrice(vec![1.0; width * height]);
    for channel in 0..3 {
        let plane = thrice(layers.color.iter().map(|c| c[channel]).collect());
        for ((color, soft), kept) in layers.color.iter_mut().zip(plane).zip(&kept) {
            color[channel] = soft / kept;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_box_of_the_same_sum() {
        let mut image = vec![0.0; 9 * 7];
        image[3 * 9 + 4] = 25.0;
        let blurred = blur(&image, 9, 7, 2);
        assert_eq!(blurred[3 * 9 + 4], 1.0);
        assert_eq!(blurred[9 + 2], 1.0);
        assert_eq!(blurred[9 + 1], 0.0);
        assert!((blurred.iter().sum::<f32>() - 25.0).abs() < 1e-4);
    }
}
