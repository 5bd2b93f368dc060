//! The eight-wide tree over triangles: obvhs builds a binary one, which is collapsed here into nodes that one vector test covers.

use obvhs::{Boundable, BvhBuildParams, aabb::Aabb, bvh2::Bvh2, bvh2::builder::build_bvh2};

use crate::abi::{Block, LEAF, NOTHING, Node};
use collapse::{Child, Collapse};

mod collapse;
pub mod packed;
mod refit;

/// How long a tree may take to build, against how fast rays walk it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// For what stands still: a tree with reinsertion, some 2 µs a triangle.
    Best,
    /// For what moves each pose: a plain bottom-up tree.
    Fast,
}

pub struct Tree {
    pub nodes: Vec<Node>,
    pub blocks: Vec<Block>,
}

/// The deepest tree that the walk's stack holds (192 entries, seven pushed a level).
const DEPTH_MAX: usize = 26;
const LEAF_TRIANGLES: usize = 4;

struct Corners([[f32; 3]; 3]);

impl Boundable for Corners {
    fn aabb(&self) -> Aabb {
        let [a, b, c] = self.0;
        let low = std::array::from_fn::<f32, 3, _>(|i| a[i].min(b[i]).min(c[i]));
        let high = std::array::from_fn::<f32, 3, _>(|i| a[i].max(b[i]).max(c[i]));
        Aabb::new(low.into(), high.into())
    }
}

/// Builds the tree over triangles given as corners; `flags` are or-ed into the ids of the blocks.
pub fn build(corners: impl Iterator<Item = [[f32; 3]; 3]>, flags: &[u32], how: Build) -> Tree {
    build_over(corners.map(Corners).collect(), flags, how)
}

/// The tree of the same triangles elsewhere: `rest` with its boxes moved along where that stays good, else a new one.
pub fn posed(rest: &Tree, corners: impl Iterator<Item = [[f32; 3]; 3]>, flags: &[u32]) -> Tree {
    let corners: Vec<Corners> = corners.map(Corners).collect();
    refit::refit(rest, &corners, flags).unwrap_or_else(|| build_over(corners, flags, Build::Fast))
}

fn build_over(corners: Vec<Corners>, flags: &[u32], how: Build) -> Tree {
    if corners.is_empty() {
        return Tree { nodes: Vec::new(), blocks: Vec::new() };
    }
    if crowded(&corners) {
        return balanced(&corners, flags);
    }
    let mut params = match how {
        Build::Best => BvhBuildParams::medium_build(),
        Build::Fast => BvhBuildParams { reinsertion_batch_ratio: 0.0, ..BvhBuildParams::fast_build() },
    };
    params.max_prims_per_leaf = 1;
    params.pre_split = false;
    let binary = build_bvh2(&corners, params, &mut Default::default());
    let (tree, deepest) = wide(&binary, &corners, flags);
    if deepest <= DEPTH_MAX { tree } else { balanced(&corners, flags) }
}

/// Boxes in one place past which the bottom-up builder slows down badly: it looks at all of them for each.
const CROWD: u32 = 400;

/// Whether many triangles may share one centre, by a table of counts that a hash of the centre picks from.
fn crowded(corners: &[Corners]) -> bool {
    let mut counts = vec![0u32; 1 << 14];
    let most = CROWD + (corners.len() >> 14) as u32 * 4;
    corners.iter().any(|c| {
        let centre: [u32; 3] = std::array::from_fn(|i| (c.0[0][i] + c.0[1][i] + c.0[2][i]).to_bits());
        let hash = centre.iter().fold(0u32, |h, &x| (h ^ x).wrapping_mul(0x9e37_79b1).rotate_left(13));
        let count = &mut counts[(hash.wrapping_mul(0x85eb_ca6b) >> 18) as usize];
        *count += 1;
        *count > most
    })
}

/// Lays out the wide tree from the root down, the children of a node side by side; and how deep it is.
fn wide(binary: &Bvh2, corners: &[Corners], flags: &[u32]) -> (Tree, usize) {
    let collapse = Collapse::new(binary);
    let mut tree = Tree { nodes: vec![EMPTY], blocks: Vec::new() };
    let mut waiting = vec![(0, 0, 1)];
    let mut deepest = 0;
    while let Some((from, into, depth)) = waiting.pop() {
        deepest = deepest.max(depth);
        let children = collapse.children(from);
        let mut node = EMPTY;
        node.count = children.len() as u32;
        for (slot, child) in children.into_iter().enumerate() {
            let bounds = match child {
                Child::Node(at) => {
                    tree.nodes.push(EMPTY);
                    node.child[slot] = tree.nodes.len() as u32 - 1;
                    waiting.push((at, tree.nodes.len() - 1, depth + 1));
                    *binary.nodes[at].aabb()
                }
                Child::Block(prims, count) => {
                    node.child[slot] = LEAF | add_block(&mut tree.blocks, &prims[..count], corners, flags);
                    bounds_of(&prims[..count], corners)
                }
            };
            set_bounds(&mut node, slot, bounds.min.to_array(), bounds.max.to_array());
        }
        tree.nodes[into] = node;
    }
    (tree, deepest)
}

const EMPTY: Node =
    Node { low: [[f32::INFINITY; 8]; 3], high: [[f32::NEG_INFINITY; 8]; 3], child: [NOTHING; 8], count: 0, spare: [0; 7] };

fn set_bounds(node: &mut Node, slot: usize, low: [f32; 3], high: [f32; 3]) {
    for axis in 0..3 {
        node.low[axis][slot] = low[axis];
        node.high[axis][slot] = high[axis];
    }
}

fn add_block(blocks: &mut Vec<Block>, prims: &[u32], corners: &[Corners], flags: &[u32]) -> u32 {
    blocks.push(block_of(prims, corners, flags));
    blocks.len() as u32 - 1
}

/// Vacant lanes have edges of zero, which no ray hits.
fn block_of(prims: &[u32], corners: &[Corners], flags: &[u32]) -> Block {
    let mut block = Block { corner: [[0.0; 4]; 3], edge1: [[0.0; 4]; 3], edge2: [[0.0; 4]; 3], id: [NOTHING; 4] };
    for (lane, &prim) in prims.iter().enumerate() {
        let [a, b, c] = corners[prim as usize].0;
        for axis in 0..3 {
            block.corner[axis][lane] = a[axis];
            block.edge1[axis][lane] = b[axis] - a[axis];
            block.edge2[axis][lane] = c[axis] - a[axis];
        }
        block.id[lane] = prim | flags[prim as usize];
    }
    block
}

/// A tree of halves by the median, never deeper than log₈: for input on which the bottom-up tree degenerates.
fn balanced(corners: &[Corners], flags: &[u32]) -> Tree {
    let mut order: Vec<u32> = (0..corners.len() as u32).collect();
    let mut tree = Tree { nodes: vec![EMPTY], blocks: Vec::new() };
    let mut waiting = vec![(0, order.len(), 0usize)];
    while let Some((first, end, into)) = waiting.pop() {
        let mut parts = vec![(first, end)];
        while parts.len() < 8 {
            let Some(at) =
                (0..parts.len()).filter(|&i| parts[i].1 - parts[i].0 > LEAF_TRIANGLES).max_by_key(|&i| parts[i].1 - parts[i].0)
            else {
                break;
            };
            let (a, b) = parts[at];
            let middle = halve(&mut order[a..b], corners) + a;
            parts[at] = (a, middle);
            parts.push((middle, b));
        }
        let mut node = EMPTY;
        node.count = parts.len() as u32;
        for (slot, &(a, b)) in parts.iter().enumerate() {
            let bounds = bounds_of(&order[a..b], corners);
            set_bounds(&mut node, slot, bounds.min.to_array(), bounds.max.to_array());
            node.child[slot] = if b - a <= LEAF_TRIANGLES {
                LEAF | add_block(&mut tree.blocks, &order[a..b], corners, flags)
            } else {
                tree.nodes.push(EMPTY);
                waiting.push((a, b, tree.nodes.len() - 1));
                tree.nodes.len() as u32 - 1
            };
        }
        tree.nodes[into] = node;
    }
    tree
}

fn bounds_of(prims: &[u32], corners: &[Corners]) -> Aabb {
    prims.iter().map(|&p| corners[p as usize].aabb()).reduce(|a, b| a.union(&b)).unwrap_or_default()
}

fn halve(prims: &mut [u32], corners: &[Corners]) -> usize {
    let size = bounds_of(prims, corners).diagonal().to_array();
    let axis = (0..3).max_by(|&a, &b| size[a].total_cmp(&size[b])).unwrap_or(0);
    let middle = prims.len() / 2;
    let key = |p: u32| corners[p as usize].0.iter().map(|c| c[axis]).sum::<f32>();
    prims.select_nth_unstable_by(middle, |&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
    middle
}
