//! Shows the coded phrases of a lexicon or of the cases (`-- FILE`), or codes phrases of standard input, one a line (no file).

use klieg_moderation::text::{code, decode};
use std::io::{BufRead, Read};

fn main() -> std::io::Result<()> {
    let Some(path) = std::env::args().nth(1) else {
        for line in std::io::stdin().lock().lines() {
            println!("{}", code(&line?));
        }
        return Ok(());
    };
    let mut text = String::new();
    std::fs::File::open(path)?.read_to_string(&mut text)?;
    for line in text.lines() {
        let coded = line.trim().trim_end_matches([',', '"']).rsplit([' ', '\t']).next().unwrap_or_default();
        match decode(coded).filter(|_| coded.len() >= 4 && coded.len().is_multiple_of(4)) {
            Some(plain) => println!("{}", line.replace(coded, &plain)),
            None => println!("{line}"),
        }
    }
    Ok(())
}
