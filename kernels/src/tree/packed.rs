//! The tree as GPUs walk it: a third of the bytes, its boxes rounded outwards onto a grid of 255 steps an axis (Ylitie, Karras & Laine
//! 2017, "Efficient incoherent ray traversal on GPUs through compressed wide BVHs"). Children stand in the slots that rays of
//! each octant should visit in the order of the slot's number exclusive-or the octant's.

use crate::abi::{LEAF, NOTHING, Node, Packed};

const SLOTS: usize = 8;

/// The same tree, with the same blocks: for every ray, boxes that are entered wherever those of `nodes` are.
pub fn pack(nodes: &[Node]) -> Vec<Packed> {
    let mut packed = vec![Packed::default(); nodes.len().min(1)];
    let mut waiting: Vec<(usize, usize)> = nodes.first().map(|_| (0, 0)).into_iter().collect();
    while let Some((from, into)) = waiting.pop() {
        let node = &nodes[from];
        let slots = slots_of(node);
        let mut out = gridded(node, &slots);
        out.first_node = packed.len() as u32;
        out.first_block = blocks(node).min().unwrap_or(0);
        for (slot, child) in slots.iter().enumerate() {
            let Some(child) = child.map(|c| node.child[c]) else { continue };
            if child & LEAF == 0 {
                out.inner_and_grid |= 1 << slot;
                waiting.push((child as usize, packed.len()));
                packed.push(Packed::default());
            } else {
                out.leaves |= 1 << slot;
                out.ranks |= ((child & !LEAF) - out.first_block) << (4 * slot);
            }
        }
        packed[into] = out;
    }
    packed
}

fn blocks(node: &Node) -> impl Iterator<Item = u32> {
    node.child.iter().filter(|&&c| c != NOTHING && c & LEAF != 0).map(|c| c & !LEAF)
}

fn occupied(node: &Node) -> impl Iterator<Item = usize> {
    (0..SLOTS).filter(|&i| node.child[i] != NOTHING)
}

/// Which child stands in each slot: one after another, the pair of child and slot that lie farthest towards the same corner.
fn slots_of(node: &Node) -> [Option<usize>; SLOTS] {
    let middle = |i: usize| -> [f32; 3] { std::array::from_fn(|a| 0.5 * node.low[a][i] + 0.5 * node.high[a][i]) };
    let count = occupied(node).count().max(1) as f32;
    let centre = occupied(node).map(middle).fold([0.0; 3], |s, m| std::array::from_fn(|a| s[a] + m[a] / count));
    let mut slots = [None; SLOTS];
    let mut left: Vec<usize> = occupied(node).collect();
    while !left.is_empty() {
        let (mut best, mut farthest) = ((0, 0), f32::NEG_INFINITY);
        for (at, &child) in left.iter().enumerate() {
            let m = middle(child);
            for slot in (0..SLOTS).filter(|&s| slots[s].is_none()) {
                let along = |a: usize| if slot >> a & 1 == 1 { m[a] - centre[a] } else { centre[a] - m[a] };
                let far = along(0) + along(1) + along(2);
                if far > farthest {
                    (best, farthest) = ((at, slot), far);
                }
            }
        }
        slots[best.1] = Some(left.swap_remove(best.0));
    }
    slots
}

/// The boxes of a node on the coarsest grid of powers of two that holds them.
fn gridded(node: &Node, slots: &[Option<usize>; SLOTS]) -> Packed {
    let mut out = Packed { low: [[u8::MAX; SLOTS]; 3], ..Packed::default() };
    for axis in 0..3 {
        let origin = occupied(node).map(|i| node.low[axis][i]).fold(f32::INFINITY, f32::min);
        let top = occupied(node).map(|i| node.high[axis][i]).fold(f32::NEG_INFINITY, f32::max);
        let mut exponent = exponent_of((top - origin) / 255.0);
        let (low, high) = loop {
            let (low, high) = (&node.low[axis], &node.high[axis]);
            if let Some(found) = steps(origin, f32::from_bits(exponent << 23), slots, low, high) {
                break found;
            }
            exponent += 1;
        };
        (out.origin[axis], out.low[axis], out.high[axis]) = (origin, low, high);
        out.inner_and_grid |= exponent << (8 + 8 * axis);
    }
    out
}

/// The biased exponent of the largest power of two that isn't above `step`.
fn exponent_of(step: f32) -> u32 {
    (step.max(f32::MIN_POSITIVE).to_bits() >> 23).clamp(1, 254)
}

/// Bounds in steps of the grid, rounded outwards as the kernel will compute them; nothing where the grid is too small.
type Steps = ([u8; SLOTS], [u8; SLOTS]);
fn steps(origin: f32, step: f32, slots: &[Option<usize>; SLOTS], low: &[f32; 8], high: &[f32; 8]) -> Option<Steps> {
    let at = |q: u8| origin + f32::from(q) * step;
    let mut out = ([u8::MAX; SLOTS], [0; SLOTS]);
    for (slot, child) in slots.iter().enumerate() {
        let Some(child) = *child else { continue };
        let mut l = ((low[child] - origin) / step) as u8;
        while l > 0 && at(l) > low[child] {
            l -= 1;
        }
        let mut h = ((high[child] - origin) / step) as u8;
        while at(h) < high[child] {
            h = h.checked_add(1)?;
        }
        (out.0[slot], out.1[slot]) = (l, h);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::{Build, build};

    /// Each child of `packed`, with its box as the kernel computes it.
    fn children(packed: &Packed) -> Vec<(u32, [f32; 3], [f32; 3])> {
        let step = |axis: usize| f32::from_bits((packed.inner_and_grid >> (8 + 8 * axis) & 255) << 23);
        let at = |axis: usize, q: u8| packed.origin[axis] + f32::from(q) * step(axis);
        let mut node = packed.first_node;
        let mut out = Vec::new();
        for slot in 0..SLOTS {
            let child = if packed.inner_and_grid >> slot & 1 == 1 {
                node += 1;
                node - 1
            } else if packed.leaves >> slot & 1 == 1 {
                LEAF | (packed.first_block + (packed.ranks >> (4 * slot) & 15))
            } else {
                continue;
            };
            out.push((
                child,
                std::array::from_fn(|a| at(a, packed.low[a][slot])),
                std::array::from_fn(|a| at(a, packed.high[a][slot])),
            ));
        }
        out
    }

    /// Walks both trees at once: the same blocks in the same places, every box in its rounded form, and that not far larger.
    fn assert_holds(nodes: &[Node], packed: &[Packed]) -> Result<(), TestCaseError> {
        prop_assert_eq!(nodes.len(), packed.len());
        let mut waiting: Vec<(usize, usize)> = nodes.first().map(|_| (0, 0)).into_iter().collect();
        while let Some((a, b)) = waiting.pop() {
            let node = &nodes[a];
            let theirs = children(&packed[b]);
            prop_assert_eq!(theirs.len(), occupied(node).count());
            let mut unmet: Vec<usize> = occupied(node).collect();
            let size: [f32; 3] = std::array::from_fn(|x| {
                let top = occupied(node).map(|i| node.high[x][i]).fold(f32::NEG_INFINITY, f32::max);
                top - occupied(node).map(|i| node.low[x][i]).fold(f32::INFINITY, f32::min)
            });
            for (child, low, high) in theirs {
                let holds = |i: usize| (0..3).all(|x| low[x] <= node.low[x][i] && high[x] >= node.high[x][i]);
                // A block is known by its number; a node by its place: below it the same must hold.
                let found = unmet.iter().position(|&i| {
                    if child & LEAF != 0 {
                        node.child[i] == child
                    } else {
                        node.child[i] & LEAF == 0 && same(nodes, packed, node.child[i], child)
                    }
                });
                prop_assert!(found.is_some(), "a child is missing");
                let i = unmet.swap_remove(found.unwrap_or(0));
                prop_assert!(holds(i), "{:?}–{:?} doesn't hold child {}", low, high, i);
                for x in 0..3 {
                    let slack = 2.1 * size[x] / 127.0 + 4.0 * f32::EPSILON * low[x].abs().max(high[x].abs());
                    prop_assert!(node.low[x][i] - low[x] <= slack && high[x] - node.high[x][i] <= slack, "too large");
                }
                if child & LEAF == 0 {
                    waiting.push((node.child[i] as usize, child as usize));
                }
            }
        }
        Ok(())
    }

    /// Whether two subtrees reach the same block first, by the lowest number.
    fn same(nodes: &[Node], packed: &[Packed], a: u32, b: u32) -> bool {
        fn least(node: &Node, nodes: &[Node]) -> u32 {
            let of = |&c: &u32| if c & LEAF != 0 { c & !LEAF } else { least(&nodes[c as usize], nodes) };
            node.child.iter().filter(|&&c| c != NOTHING).map(of).min().unwrap_or(NOTHING)
        }
        fn least_packed(at: &Packed, packed: &[Packed]) -> u32 {
            let of = |c: u32| if c & LEAF != 0 { c & !LEAF } else { least_packed(&packed[c as usize], packed) };
            children(at).into_iter().map(|(c, ..)| of(c)).min().unwrap_or(NOTHING)
        }
        least(&nodes[a as usize], nodes) == least_packed(&packed[b as usize], packed)
    }

    /// Triangles of any size anywhere, and what degenerates: points, lines, planes along an axis, all in one place, far away.
    fn triangles() -> impl Strategy<Value = Vec<[[f32; 3]; 3]>> {
        let spread = prop_oneof![Just(1.0f32), Just(1e-6), Just(1e3), Just(0.0)];
        let place = prop_oneof![Just(0.0f32), Just(-7.5), Just(9.9e5)];
        let corner = || prop::array::uniform3(-1.0f32..1.0);
        (
            prop::array::uniform3(spread),
            prop::array::uniform3(place),
            1e-4f32..1.0,
            prop::collection::vec((corner(), corner(), corner()), 0..400),
        )
            .prop_map(|(spread, place, size, raw)| {
                let put = |c: [f32; 3], o: [f32; 3], k: f32| std::array::from_fn(|i| place[i] + spread[i] * (c[i] + k * o[i]));
                raw.into_iter().map(|(c, a, b)| [put(c, a, 0.0), put(c, a, size), put(c, b, size)]).collect()
            })
    }

    proptest! {
        #[test]
        fn every_box_lies_in_its_rounded_form(corners in triangles(), best in any::<bool>()) {
            let flags = vec![0; corners.len()];
            let tree = build(corners.into_iter(), &flags, if best { Build::Best } else { Build::Fast });
            assert_holds(&tree.nodes, &pack(&tree.nodes))?;
        }
    }
}
