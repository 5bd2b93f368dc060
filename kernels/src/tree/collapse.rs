//! From a binary tree to one of eight children a node, the cheapest of all by the surface area heuristic: dynamic programming over
//! how many children may stand for each subtree (Ylitie, Karras & Laine 2017, "Efficient incoherent ray traversal on GPUs
//! through compressed wide BVHs", section 3).

use obvhs::bvh2::{Bvh2, node::Bvh2Node};

/// What a visit to a node takes, beside a visit to a block of four triangles, in time.
pub const NODE_COST: f32 = 1.0;
pub const BLOCK_COST: f32 = 0.6;
/// Most triangles of a block.
const BLOCK: usize = 4;
const WIDE: usize = 8;

/// A child of a wide node: the root of a binary subtree that becomes a node of its own, or the triangles of one block.
pub enum Child {
    Node(usize),
    Block([u32; BLOCK], usize),
}

/// The best ways for one subtree of the binary tree.
#[derive(Clone, Copy, Default)]
struct Ways {
    /// Triangles, counted no further than one past a block.
    triangles: u8,
    /// Whether it is a block, when one child stands for it.
    block: bool,
    /// By the number of children, less one, that stand for it: how many of them for its left half; 0: one child fewer serves better.
    /// The last is that of its own node.
    left: [u8; WIDE],
    /// What that costs.
    cost: [f32; WIDE],
}

pub struct Collapse<'a> {
    binary: &'a Bvh2,
    ways: Vec<Ways>,
}

impl<'a> Collapse<'a> {
    /// `binary` has one triangle a leaf.
    pub fn new(binary: &'a Bvh2) -> Self {
        let mut ways = vec![Ways::default(); binary.nodes.len()];
        for &at in down(binary).iter().rev() {
            let node = &binary.nodes[at];
            let area = node.aabb().half_area();
            ways[at] = match halves(node) {
                None => Ways { triangles: 1, block: true, left: [0; WIDE], cost: [area * BLOCK_COST; WIDE] },
                Some((l, r)) => joined(&ways[l], &ways[r], area),
            };
        }
        Self { binary, ways }
    }

    /// The children of the node that a binary subtree becomes.
    pub fn children(&self, of: usize) -> Vec<Child> {
        let mut children = Vec::with_capacity(WIDE);
        let Some((l, r)) = halves(&self.binary.nodes[of]) else {
            return vec![self.block(of)];
        };
        let left = usize::from(self.ways[of].left[WIDE - 1]);
        let mut waiting = vec![(r, WIDE - left), (l, left)];
        while let Some((at, mut most)) = waiting.pop() {
            let ways = &self.ways[at];
            while most > 1 && ways.left[most - 1] == 0 {
                most -= 1;
            }
            match halves(&self.binary.nodes[at]) {
                Some((l, r)) if most > 1 => {
                    let left = usize::from(ways.left[most - 1]);
                    waiting.extend([(r, most - left), (l, left)]);
                }
                _ if ways.block => children.push(self.block(at)),
                _ => children.push(Child::Node(at)),
            }
        }
        children
    }

    fn block(&self, at: usize) -> Child {
        let (mut triangles, mut count) = ([0; BLOCK], 0);
        let mut waiting = vec![at];
        while let Some(at) = waiting.pop() {
            let node = &self.binary.nodes[at];
            if let Some((l, r)) = halves(node) {
                waiting.extend([r, l]);
            } else {
                triangles[count] = self.binary.primitive_indices[node.first_index as usize];
                count += 1;
            }
        }
        Child::Block(triangles, count)
    }
}

fn halves(node: &Bvh2Node) -> Option<(usize, usize)> {
    let first = node.first_index as usize;
    (!node.is_leaf()).then_some((first, first + 1))
}

/// All nodes, parents before their children.
fn down(binary: &Bvh2) -> Vec<usize> {
    let mut order = vec![0];
    let mut at = 0;
    while let Some(&node) = order.get(at) {
        if let Some((l, r)) = halves(&binary.nodes[node]) {
            order.extend([l, r]);
        }
        at += 1;
    }
    order
}

fn joined(l: &Ways, r: &Ways, area: f32) -> Ways {
    let triangles = (l.triangles + r.triangles).min(BLOCK as u8 + 1);
    let mut ways = Ways { triangles, ..Ways::default() };
    for count in 2..=WIDE {
        let share = |left: usize| l.cost[left - 1] + r.cost[count - left - 1];
        let mut best = 1;
        for left in 2..count {
            if share(left) < share(best) {
                best = left;
            }
        }
        (ways.left[count - 1], ways.cost[count - 1]) = (best as u8, share(best));
    }
    let (node, block) = (ways.cost[WIDE - 1] + area * NODE_COST, area * BLOCK_COST);
    ways.block = usize::from(triangles) <= BLOCK && block <= node;
    ways.cost[0] = if ways.block { block } else { node };
    for i in 1..WIDE - 1 {
        if ways.cost[i] >= ways.cost[i - 1] {
            (ways.left[i], ways.cost[i]) = (0, ways.cost[i - 1]);
        }
    }
    ways
}
