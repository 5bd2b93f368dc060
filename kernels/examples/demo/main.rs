//! A small stage with most materials and lights, rendered to a PNG:
//! `cargo run --release -p klieg-kernels --example demo -- out.png [samples] [width] [noisy]`.

use klieg_kernels::scene::Look;
use klieg_kernels::{Build, Cpu, Settings};

mod stage;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let number = |at: usize, or: u32| args.get(at).and_then(|a| a.parse().ok()).unwrap_or(or);
    let (samples, width) = (number(2, 4), number(3, 640));
    let cpu = Cpu::new(1);
    let (set, cast) = (cpu.solid(&stage::set(90), Build::Best)?, cpu.solid(&stage::cast(24), Build::Fast)?);
    println!("{} + {} triangles", set.triangle_count(), cast.triangle_count());
    let world = stage::World::new();
    let settings = Settings { width, height: width * 9 / 16, samples, bounces: 1, seed: 1 };
    let mut layers = cpu.trace(&world.stage(&[&set, &cast]), &settings)?;
    if args.get(4).is_none_or(|a| a != "noisy") {
        cpu.denoise(&mut layers)?;
    }
    let picture = cpu.develop(&layers, &Look::default(), 1)?;
    let path = args.get(1).map_or("demo.png", String::as_str);
    image::save_buffer(path, &picture.rgb, picture.width, picture.height, image::ColorType::Rgb8)?;
    Ok(())
}
