//! The same tree around triangles that have moved: boxes are computed anew from the blocks up, nothing is chosen anew.

use obvhs::aabb::Aabb;

use super::collapse::{BLOCK_COST, NODE_COST};
use super::{Corners, Tree, block_of, bounds_of, set_bounds};
use crate::abi::{Block, ID, LEAF, NOTHING, Node};

/// How much dearer a tree may become, by the surface area heuristic, than in the pose that it was built for. Of the wedding's
/// puppets, a plain tree (`Build::Fast`) costs 1.8 times what one of `Build::Best` does.
const DEARER: f32 = 1.5;

/// `rest` around the same triangles elsewhere, unless it has become too dear to walk.
pub fn refit(rest: &Tree, corners: &[Corners], flags: &[u32]) -> Option<Tree> {
    let members: Vec<Vec<u32>> = rest.blocks.iter().map(members).collect();
    let blocks = members.iter().map(|m| block_of(m, corners, flags)).collect();
    let mut tree = Tree { nodes: rest.nodes.clone(), blocks };
    let mut bounds = vec![Aabb::empty(); tree.nodes.len()];
    // Children stand after their parents.
    for at in (0..tree.nodes.len()).rev() {
        let node = &mut tree.nodes[at];
        for slot in 0..node.child.len() {
            let child = node.child[slot];
            if child == NOTHING {
                continue;
            }
            let index = (child & !LEAF) as usize;
            let held = if child & LEAF == 0 { bounds[index] } else { bounds_of(&members[index], corners) };
            set_bounds(node, slot, held.min.to_array(), held.max.to_array());
            bounds[at] = bounds[at].union(&held);
        }
    }
    (cost(&tree) <= DEARER * cost(rest)).then_some(tree)
}

/// The triangles of a block.
fn members(block: &Block) -> Vec<u32> {
    block.id.iter().filter(|&&id| id != NOTHING).map(|id| id & ID).collect()
}

/// What a ray through the whole takes on average: areas of boxes in shares of the root's; not a number where that has none.
fn cost(tree: &Tree) -> f32 {
    let of = |node: &Node, i: usize| {
        let side: [f32; 3] = std::array::from_fn(|axis| node.high[axis][i] - node.low[axis][i]);
        let area = side[0] * side[1] + side[1] * side[2] + side[2] * side[0];
        area * if node.child[i] & LEAF == 0 { NODE_COST } else { BLOCK_COST }
    };
    let children = |node: &Node| -> f64 { (0..8).filter(|&i| node.child[i] != NOTHING).map(|i| f64::from(of(node, i))).sum() };
    let sum: f64 = tree.nodes.iter().map(children).sum();
    let whole = tree.nodes.first().map_or(Aabb::empty(), |n| {
        let least = |b: [f32; 8]| b.into_iter().fold(f32::INFINITY, f32::min);
        let most = |b: [f32; 8]| b.into_iter().fold(f32::NEG_INFINITY, f32::max);
        Aabb::new(n.low.map(least).into(), n.high.map(most).into())
    });
    (sum / f64::from(whole.half_area())) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::{Build, build};

    type Corner = [f32; 3];

    fn triangles() -> impl Strategy<Value = Vec<[Corner; 3]>> {
        let corner = || prop::array::uniform3(-1.0f32..1.0);
        prop::collection::vec((corner(), corner(), corner()), 1..300).prop_map(|all| {
            let near = |a: Corner, o: Corner| std::array::from_fn(|i| 4.0 * a[i] + 0.2 * o[i]);
            all.into_iter().map(|(a, u, v)| [near(a, [0.0; 3]), near(a, u), near(a, v)]).collect()
        })
    }

    /// Whether each box is that of what stands below it.
    fn is_tight(tree: &Tree, corners: &[Corners]) -> bool {
        fn held(tree: &Tree, corners: &[Corners], child: u32) -> Aabb {
            if child & LEAF != 0 {
                return bounds_of(&members(&tree.blocks[(child & !LEAF) as usize]), corners);
            }
            let children = tree.nodes[child as usize].child.iter().filter(|&&c| c != NOTHING);
            children.map(|&c| held(tree, corners, c)).reduce(|a, b| a.union(&b)).unwrap_or_default()
        }
        let tight = |node: &Node, i: usize| {
            let b = held(tree, corners, node.child[i]);
            (0..3).all(|axis| node.low[axis][i] == b.min[axis] && node.high[axis][i] == b.max[axis])
        };
        tree.nodes.iter().all(|n| (0..8).filter(|&i| n.child[i] != NOTHING).all(|i| tight(n, i)))
    }

    fn blocks_hold(tree: &Tree, corners: &[Corners]) -> bool {
        let mut seen = vec![0; corners.len()];
        for block in &tree.blocks {
            for (lane, &id) in block.id.iter().enumerate().filter(|(_, id)| **id != NOTHING) {
                let [a, b, _] = corners[(id & ID) as usize].0;
                seen[(id & ID) as usize] += 1;
                if (0..3).any(|x| block.corner[x][lane] != a[x] || block.edge1[x][lane] != b[x] - a[x]) {
                    return false;
                }
            }
        }
        seen.iter().all(|&n| n == 1)
    }

    proptest! {
        #[test]
        fn boxes_follow_their_triangles(all in triangles(), turn in -0.2f32..0.2, bend in -0.02f32..0.02) {
            let flags = vec![0; all.len()];
            let rest = build(all.iter().copied(), &flags, Build::Best);
            let moved = |p: Corner| [p[0] + turn * p[1], p[1] * (1.0 + bend * p[2]), p[2] - turn];
            let corners: Vec<Corners> = all.iter().map(|t| Corners(t.map(moved))).collect();
            let tree = refit(&rest, &corners, &flags);
            prop_assert!(tree.is_some(), "a slight bend makes a tree too dear");
            let tree = tree.unwrap();
            prop_assert!(is_tight(&tree, &corners) && blocks_hold(&tree, &corners));
            prop_assert_eq!(tree.nodes.len(), rest.nodes.len());
        }
    }

    #[test]
    fn a_pose_that_mixes_everything_up_is_refused() {
        let at = |i: u32| [(i % 16) as f32, (i / 16 % 16) as f32, (i / 256) as f32];
        let triangle = |p: Corner| [p, [p[0] + 0.3, p[1], p[2]], [p[0], p[1] + 0.3, p[2]]];
        let rest = build((0..4096).map(|i| triangle(at(i))), &[0; 4096], Build::Best);
        let posed = |f: &dyn Fn(u32) -> u32| (0..4096).map(|i| Corners(triangle(at(f(i))))).collect::<Vec<_>>();
        assert!(refit(&rest, &posed(&|i| i), &[0; 4096]).is_some());
        assert!(refit(&rest, &posed(&|i| i.wrapping_mul(2_654_435_761) >> 7 & 4095), &[0; 4096]).is_none());
    }
}
