//! What the models give beside what transformers gave: every block, every head, every picture; the table of it stands in models/README.md.

mod golden;
mod models;
mod readme;

use golden::Row;

/// Asserts each row's gate and prints it.
fn hold(rows: Vec<Row>) {
    for row in &rows {
        println!("{row}");
    }
    let missed: Vec<String> = rows.iter().filter(|row| !row.holds()).map(ToString::to_string).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn bert_equals_transformers() {
    hold(models::bert());
}

#[test]
fn heads_of_bert_equal_transformers() {
    hold(models::bert_heads());
}

#[test]
fn xlm_roberta_equals_transformers() {
    hold(models::xlm_roberta());
}

#[test]
fn deberta_equals_transformers() {
    hold(models::deberta());
}

#[test]
fn clip_equals_transformers() {
    hold(models::clip());
}

#[test]
fn siglip_equals_transformers() {
    hold(models::siglip());
}

#[test]
fn vit_equals_transformers() {
    hold(models::vit());
}

#[test]
fn pictures_are_resized_as_pillow_does() {
    hold(models::pictures());
}

#[test]
fn minilm_with_its_real_weights_equals_sentence_transformers() {
    hold(models::minilm());
}

#[test]
fn the_readme_has_this_table() {
    readme::holds(&models::all());
}
