//! The benchmark's rows of a GPU, on the driver that stands in for one: they run through, and their figures are numbers. How fast they are
//! means nothing here.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use klieg_kernels::{Cuda, Device};

#[path = "../benches/devices/cuda.rs"]
mod cuda;
#[path = "../examples/demo/stage.rs"]
mod stage;
mod stand_in;
mod toolkit;

#[test]
fn every_row_of_a_gpu_is_measured() {
    stand_in::open();
    let device = Cuda::open_poisoned(0).unwrap();
    let extent = cuda::Extent { detail: 6, rays: 500, size: (33, 21), samples: 2, runs: 2 };
    let rows = cuda::rows(&device, &extent).unwrap();
    assert_eq!(rows.len(), cuda::WHAT.len());
    for row in rows {
        let number: String = row.figure.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        assert!(
            number.parse::<f64>().is_ok_and(|x| x >= 0.0) && !row.figure.contains("inf"),
            "{}: {} of {}",
            row.what,
            row.figure,
            row.goal
        );
    }
}

#[test]
fn the_interior_has_half_a_million_triangles_and_no_way_out() {
    let (set, cast) = cuda::interior(cuda::Extent::FULL.detail);
    let count = set.triangles.len() + cast.triangles.len();
    assert!((480_000..560_000).contains(&count), "{count}");
    let device = Device::open(klieg_kernels::Choice::Cpu, 1).unwrap();
    let solid = device.solid(&cuda::interior(12).0, klieg_kernels::Build::Fast).unwrap();
    let hits = device.nearest(&[&solid], &cuda::scattered(2000)).unwrap();
    assert!(hits.iter().all(Option::is_some));
}
