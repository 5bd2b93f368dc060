//! Prints a screenplay's elements as JSON: `cargo run -p klieg-film-script --example elements -- FILE`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("which file?")?;
    let script = klieg_film_script::parse(&name, &std::fs::read(&name)?)?;
    println!("{:#}", script.to_json());
    Ok(())
}
