//! Solids as signed distance fields, and their surfaces as quads.
//!
//! The meshing is naive surface nets (Gibson 1998, "Constrained elastic surface nets"): one vertex in every cell that the
//! surface crosses, at the mean of the crossings on the cell's edges; one quad for every edge that it crosses.

use glam::Vec3;

/// Signed distance to a cone with round ends, its cross-section scaled in depth (z) about its axis.
pub(crate) fn cone(p: Vec3, a: Vec3, b: Vec3, ra: f32, rb: f32, depth: f32) -> f32 {
    let (pa, ba) = (p - a, b - a);
    let pa = Vec3::new(pa.x, pa.y, pa.z / depth);
    let ba = Vec3::new(ba.x, ba.y, ba.z / depth);
    let t = if ba.length_squared() < 1e-12 { 0.0 } else { (pa.dot(ba) / ba.length_squared()).clamp(0.0, 1.0) };
    let away = pa - ba * t;
    let length = away.length();
    let g = away / length.max(1e-6);
    // First-order correction of the stretched space's distance.
    let slope = Vec3::new(g.x, g.y, g.z / depth).length().max(1e-3);
    (length - (ra + (rb - ra) * t)) / slope
}

/// Signed distance (to first order) to an ellipsoid.
pub(crate) fn ellipsoid(p: Vec3, centre: Vec3, radii: Vec3) -> f32 {
    let q = p - centre;
    let k0 = (q / radii).length();
    let k1 = (q / (radii * radii)).length();
    if k1 < 1e-6 { -radii.min_element() } else { k0 * (k0 - 1.0) / k1 }
}

/// Smooth union over a blend width `k`.
pub(crate) fn join(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k.max(1e-6);
    a.min(b) - h * h * k * 0.25
}

/// `a` without `b`, the edge rounded over `k`.
pub(crate) fn carve(a: f32, b: f32, k: f32) -> f32 {
    -join(-a, b, k)
}

/// What `a` and `b` share, the edge rounded over `k`.
pub(crate) fn meet(a: f32, b: f32, k: f32) -> f32 {
    -join(-a, -b, k)
}

/// Hermite step from 0 at `low` to 1 at `high` (which may be lower than `low`).
pub(crate) fn step(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Unit gradient by central differences over `h`.
pub(crate) fn gradient(field: &impl Fn(Vec3) -> f32, p: Vec3, h: f32) -> Vec3 {
    Vec3::new(
        field(p + Vec3::X * h) - field(p - Vec3::X * h),
        field(p + Vec3::Y * h) - field(p - Vec3::Y * h),
        field(p + Vec3::Z * h) - field(p - Vec3::Z * h),
    )
    .normalize_or(Vec3::Y)
}

/// How far from `from` along `along` (unit) the outermost surface within `reach` is, looking inwards; 0 when there is none.
pub(crate) fn outermost(field: &impl Fn(Vec3) -> f32, from: Vec3, along: Vec3, reach: f32) -> f32 {
    let mut t = reach;
    for _ in 0..64 {
        let d = field(from + along * t);
        if d < 2e-4 {
            return t;
        }
        t -= (d * 0.8).max(3e-4);
        if t <= 0.0 {
            return 0.0;
        }
    }
    t.max(0.0)
}

/// Moves `p` to where the field is `offset`; with `outwards` only if it lies deeper.
pub(crate) fn onto(field: &impl Fn(Vec3) -> f32, mut p: Vec3, offset: f32, outwards: bool) -> Vec3 {
    for _ in 0..6 {
        let d = field(p) - offset;
        if d.abs() < 5e-4 || (outwards && d > 0.0) {
            break;
        }
        p -= gradient(field, p, 2e-3) * d * 0.9;
    }
    p
}

/// A surface of quads.
pub(crate) struct Net {
    pub positions: Vec<Vec3>,
    pub normals: Vec<Vec3>,
    pub quads: Vec<[u32; 4]>,
}

/// Meshes the zero set of `field` inside the box at cell size `cell`.
pub(crate) fn net(field: &impl Fn(Vec3) -> f32, low: Vec3, high: Vec3, cell: f32) -> Net {
    let n = ((high - low) / cell).ceil().as_uvec3() + 1;
    let (nx, ny, nz) = (n.x as usize, n.y as usize, n.z as usize);
    let at = |x: usize, y: usize, z: usize| (z * ny + y) * nx + x;
    let samples = sample(field, low, cell, (nx, ny, nz));
    let mut out = Net { positions: Vec::new(), normals: Vec::new(), quads: Vec::new() };
    let mut index = vec![u32::MAX; nx * ny * nz];
    for z in 0..nz - 1 {
        for y in 0..ny - 1 {
            for x in 0..nx - 1 {
                let corner = |i: usize| samples[at(x + (i & 1), y + (i >> 1 & 1), z + (i >> 2))];
                if let Some(inside) = crossing(corner) {
                    index[at(x, y, z)] = out.positions.len() as u32;
                    let p = low + (Vec3::new(x as f32, y as f32, z as f32) + inside) * cell;
                    let normal = gradient(field, p, cell * 0.3);
                    // One Newton step puts the vertex on the surface, so that coarse nets stay smooth.
                    let d = field(p).clamp(-cell * 0.4, cell * 0.4);
                    out.positions.push(p - normal * d);
                    out.normals.push(normal);
                }
            }
        }
    }
    for z in 1..nz - 1 {
        for y in 1..ny - 1 {
            for x in 1..nx - 1 {
                let here = samples[at(x, y, z)] < 0.0;
                let mut edge = |far: f32, around: [usize; 4]| {
                    if here != (far < 0.0) {
                        let q = around.map(|i| index[i]);
                        out.quads.push(if here { q } else { [q[3], q[2], q[1], q[0]] });
                    }
                };
                edge(samples[at(x + 1, y, z)], [at(x, y - 1, z - 1), at(x, y, z - 1), at(x, y, z), at(x, y - 1, z)]);
                edge(samples[at(x, y + 1, z)], [at(x - 1, y, z - 1), at(x - 1, y, z), at(x, y, z), at(x, y, z - 1)]);
                edge(samples[at(x, y, z + 1)], [at(x - 1, y - 1, z), at(x, y - 1, z), at(x, y, z), at(x - 1, y, z)]);
            }
        }
    }
    out
}

/// The field on the lattice; blocks that the surface can't reach are filled from their middle.
fn sample(field: &impl Fn(Vec3) -> f32, low: Vec3, cell: f32, (nx, ny, nz): (usize, usize, usize)) -> Vec<f32> {
    const BLOCK: usize = 4;
    let mut samples = vec![1.0f32; nx * ny * nz];
    let reach = cell * BLOCK as f32 * 0.87 * 1.6 + cell;
    for bz in (0..nz).step_by(BLOCK) {
        for by in (0..ny).step_by(BLOCK) {
            for bx in (0..nx).step_by(BLOCK) {
                let middle = field(low + (Vec3::new(bx as f32, by as f32, bz as f32) + (BLOCK as f32 - 1.0) * 0.5) * cell);
                let far = middle.abs() > reach;
                for z in bz..(bz + BLOCK).min(nz) {
                    for y in by..(by + BLOCK).min(ny) {
                        for x in bx..(bx + BLOCK).min(nx) {
                            let p = low + Vec3::new(x as f32, y as f32, z as f32) * cell;
                            samples[(z * ny + y) * nx + x] = if far { middle } else { field(p) };
                        }
                    }
                }
            }
        }
    }
    samples
}

/// Mean of the crossings on the twelve edges of a unit cell, if it is crossed.
fn crossing(corner: impl Fn(usize) -> f32) -> Option<Vec3> {
    let mut sum = Vec3::ZERO;
    let mut count = 0.0;
    for i in 0..8usize {
        for axis in [1usize, 2, 4] {
            if i & axis == 0 {
                let (a, b) = (corner(i), corner(i | axis));
                if (a < 0.0) != (b < 0.0) {
                    let t = a / (a - b);
                    let unit = |i: usize| Vec3::new((i & 1) as f32, (i >> 1 & 1) as f32, (i >> 2) as f32);
                    sum += unit(i).lerp(unit(i | axis), t);
                    count += 1.0;
                }
            }
        }
    }
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ball_is_meshed_closed_and_round() {
        let ball = |p: Vec3| p.length() - 0.1;
        let net = net(&ball, Vec3::splat(-0.13), Vec3::splat(0.13), 0.017);
        assert!(net.positions.iter().all(|p| (p.length() - 0.1).abs() < 1e-3));
        assert!(net.positions.iter().zip(&net.normals).all(|(p, n)| p.normalize().dot(*n) > 0.99));
        // Euler: V − E + F = 2 with E = 2F for a closed quad mesh.
        assert_eq!(net.positions.len() as i64 - net.quads.len() as i64, 2);
        assert!(net.quads.iter().flatten().all(|i| (*i as usize) < net.positions.len()));
    }

    #[test]
    fn outermost_finds_the_far_side() {
        let ball = |p: Vec3| p.length() - 0.1;
        let t = outermost(&ball, Vec3::ZERO, Vec3::X, 0.5);
        assert!((t - 0.1).abs() < 1e-3, "{t}");
    }
}
