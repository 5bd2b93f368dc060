//! Prints what klieg understands of a script: `cargo run --example story -- script.fountain`.

use klieg_film_words::story::Beat;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("name a script")?;
    let script = klieg_film_script::parse(&file, &std::fs::read(&file)?)?;
    let story = klieg_film_analyse::analyse(&script, &file)?;
    println!("{} / {}", story.title, story.credits.join(" / "));
    for c in &story.cast {
        let dress: Vec<String> = c
            .dress
            .iter()
            .map(|g| {
                format!("{} {} {}", g.colour.as_deref().unwrap_or(""), g.material.as_deref().unwrap_or(""), g.name)
                    .trim()
                    .to_owned()
            })
            .collect();
        println!(
            "  {} {:?} {:?} {:?} {:?} {:?} {:?} {} [{}]",
            c.name,
            c.age,
            c.gender,
            c.build,
            c.culture,
            c.period,
            c.occasion,
            c.language,
            dress.join("; ")
        );
    }
    let name = |id: usize| story.cast[id].name.as_str();
    for s in &story.scenes {
        println!(
            "{} {:?} int={} {:?} {:?} {:?} {:?} {:?} {:?} {:?} silent={} extras={}",
            s.id, s.place, s.interior, s.place_name, s.time, s.weather, s.culture, s.period, s.mood, s.occasion, s.silent, s.extras
        );
        println!(
            "   present {:?} props {:?} sounds {:?}",
            s.present.iter().map(|p| name(*p)).collect::<Vec<_>>(),
            s.props.iter().map(|p| &p.name).collect::<Vec<_>>(),
            s.sounds
        );
        for beat in &s.beats {
            match beat {
                Beat::Line(l) => println!(
                    "   {:3} {} -> {:?} {:?}{}{} {:?}",
                    l.line,
                    name(l.speaker),
                    l.to.map(name),
                    l.mood,
                    if l.off_screen { " OFF" } else { "" },
                    if l.dual { " DUAL" } else { "" },
                    l.text
                ),
                Beat::Action(a) => println!(
                    "   {:3} * {} {:?} -> {:?} with {:?} {:?}   | {}",
                    a.line,
                    name(a.who),
                    a.verb,
                    a.to.map(name),
                    a.prop,
                    a.mood,
                    a.text
                ),
                Beat::Describe { text, line } => println!("   {line:3} . {text}"),
            }
        }
    }
    for i in story.inferences.iter().filter(|_| std::env::args().nth(2).is_some()) {
        println!("{} {} = {} ({:.2}) line {} because {:?}", i.about, i.what, i.value, i.confidence, i.line, i.because);
    }
    Ok(())
}
