//! Things for the hand, at natural size: the grip is at the origin, +Y is up, +Z is the front.

use crate::dressing::pot;
use crate::kit::{Dice, Model, at, at_turned, p, pitch, roll};
use crate::stuff::*;
use glam::Vec3;
use klieg_film_words::story::{Culture, Region};
use klieg_kernels::scene::{Geometry, Material, Rgb};

type Make = fn(&mut Model, Culture, &mut Dice);

/// Words that name a prop, and how it is made. The first entry that a name contains wins, so longer names stand first.
const PROPS: &[(&[&str], Make)] = &[
    (&["oil lamp", "diya", "agal", "deepam", "lamp", "vilakku"], lamp),
    (&["lantern"], hand_lantern),
    (&["candle"], candle),
    (&["garland", "mala", "wreath", "jasmine"], garland),
    (&["blossom", "branch", "twig"], branch),
    (&["petal", "flower", "rose", "lotus", "bouquet", "marigold", "tulip"], flower),
    (&["teapot", "tea pot", "kettle"], teapot),
    (&["tea bowl", "chawan", "bowl"], bowl),
    (&["teacup", "coffee", "cup", "mug", "tumbler"], coffee),
    (&["revolver", "pistol", "gun", "rifle", "weapon"], gun),
    (&["syringe", "needle"], syringe),
    (&["stethoscope"], stethoscope),
    (&["clipboard", "chart", "file", "folder"], clipboard),
    (&["photograph", "photo", "picture", "portrait"], photograph),
    (&["envelope", "letter", "note", "invitation", "telegram", "ticket", "card", "map", "document", "paper"], letter),
    (&["newspaper", "magazine"], newspaper),
    (&["scroll"], scroll),
    (&["book", "diary", "journal", "ledger", "bible"], book),
    (&["tablet", "datapad", "screen", "laptop"], tablet),
    (&["phone", "telephone", "mobile", "radio", "walkie"], phone),
    (&["camera"], camera),
    (&["microphone", "mic"], microphone),
    (&["parasol", "umbrella"], umbrella),
    (&["cigarette", "cigar", "beedi", "pipe"], cigarette),
    (&["bottle", "whisky", "whiskey", "wine", "sake", "medicine", "vial"], bottle_prop),
    (&["glass", "goblet", "drink"], glass_prop),
    (&["sickle", "scythe"], sickle),
    (&["sword", "katana", "sabre", "spear"], sword),
    (&["knife", "dagger", "blade"], knife),
    (&["fan"], fan),
    (&["tray", "thali", "platter"], tray),
    (&["plate", "dish", "banana leaf"], plate),
    (&["basket"], basket_prop),
    (&["suitcase", "briefcase", "trunk", "luggage"], suitcase),
    (&["handbag", "purse", "satchel", "bag", "sack"], bag),
    (&["bell"], bell),
    (&["keyring", "keys", "key"], key),
    (&["coin", "money", "cash"], coin),
    (&["ring", "bangle", "bracelet", "necklace", "thali chain", "mangalsutra"], ring),
    (&["fedora", "turban", "hat", "cap", "helmet"], hat),
    (&["walking stick", "stick", "cane", "staff", "crook"], stick),
    (&["drum", "dhol", "mridangam", "tabla"], drum),
    (&["flute", "shakuhachi", "recorder"], flute),
    (&["wrench", "spanner", "screwdriver", "hammer", "tool", "torch", "flashlight"], tool),
    (&["paintbrush", "pen", "pencil", "brush"], brush),
    (&["rope", "cord", "thread"], rope),
    (&["wheat", "sheaf", "rice", "grain", "corn", "hay"], sheaf),
    (&["doll", "puppet", "toy", "teddy"], doll),
    (&["ball"], ball),
    (&["gift", "present", "parcel", "package"], gift),
    (&["casket", "chest", "crate", "box"], box_prop),
    (&["coconut", "mango", "apple", "fruit", "orange", "banana"], fruit),
    (&["handkerchief", "cloth", "shawl", "scarf", "towel"], handkerchief),
    (&["pot", "kalash", "kudam", "vase", "jug", "jar", "pitcher"], pot_prop),
    (&["spoon", "ladle", "fork", "chopstick"], spoon),
    (&["broom", "rake", "hoe", "shovel"], broom),
];

fn maker(name: &str) -> Option<Make> {
    let name = name.to_lowercase();
    let hit = |word: &str| {
        name == word
            || name.split([' ', '-']).any(|w| w == word || w.strip_suffix('s') == Some(word))
            || (word.contains(' ') && name.contains(word))
    };
    PROPS.iter().find(|(words, _)| words.iter().any(|w| hit(w))).map(|(_, make)| *make)
}

/// Whether [`prop`] can make it.
pub fn knows_prop(name: &str) -> bool {
    maker(name).is_some()
}

/// A hand prop at natural size, its grip at the origin, +Y up; `None` when nobody here knows how to make it.
pub fn prop(name: &str, culture: Culture, seed: u64) -> Option<Geometry> {
    let make = maker(name)?;
    let mut dice = Dice::new(seed);
    Some(Model::of(|m| make(m, culture, &mut dice)))
}

fn indian(c: Culture) -> bool {
    matches!(c.region(), Region::SouthIndian | Region::NorthIndian)
}
fn east(c: Culture) -> bool {
    matches!(c.region(), Region::Japanese | Region::Chinese | Region::Korean)
}
fn flame(m: &mut Model, foot: Vec3, tall: f32) {
    let path: Vec<Vec3> = (0..6).map(|i| foot + p(0.0, tall * i as f32 / 5.0, 0.0)).collect();
    m.tube(&glow([9.0, 4.4, 1.1]), &path, |t| tall * 0.2 * ((1.0 - t) * (t * 2.6 + 0.35)).max(0.02), 7);
}

fn lamp(m: &mut Model, c: Culture, _: &mut Dice) {
    if !indian(c) {
        return hand_lantern(m, c, &mut Dice::new(0));
    }
    m.lathe(
        &brass(),
        &[
            (0.035, -0.05),
            (0.03, -0.04),
            (0.012, -0.03),
            (0.012, 0.02),
            (0.05, 0.035),
            (0.085, 0.06),
            (0.09, 0.07),
            (0.07, 0.06),
            (0.0, 0.05),
        ],
        16,
    );
    flame(m, p(0.0, 0.06, 0.07), 0.07);
}
fn hand_lantern(m: &mut Model, c: Culture, _: &mut Dice) {
    let ring: Vec<Vec3> =
        (0..=10).map(|i| i as f32 / 10.0 * std::f32::consts::PI).map(|a| p(a.cos() * 0.06, a.sin() * 0.05 - 0.04, 0.0)).collect();
    m.tube(&iron(), &ring, |_| 0.005, 5);
    if east(c) {
        m.lathe(&glow([2.2, 1.1, 0.4]), &[(0.05, -0.3), (0.1, -0.26), (0.11, -0.18), (0.1, -0.1), (0.05, -0.06)], 14);
    } else {
        m.lathe(&iron(), &[(0.08, -0.32), (0.08, -0.28), (0.06, -0.27)], 12);
        m.lathe(&glass(), &[(0.06, -0.27), (0.065, -0.2), (0.06, -0.12)], 12);
        m.lathe(&iron(), &[(0.07, -0.12), (0.03, -0.06), (0.0, -0.04)], 12);
        flame(m, p(0.0, -0.25, 0.0), 0.08);
    }
}
fn candle(m: &mut Model, _: Culture, _: &mut Dice) {
    m.lathe(&brass(), &[(0.06, -0.03), (0.065, -0.02), (0.02, -0.02), (0.02, 0.01)], 14);
    m.lathe(&wax("#EADFC2"), &[(0.018, -0.02), (0.017, 0.14), (0.0, 0.14)], 10);
    flame(m, p(0.0, 0.145, 0.0), 0.05);
}
fn garland(m: &mut Model, c: Culture, _: &mut Dice) {
    let (hex, tints): (&str, [Rgb; 2]) =
        if indian(c) { ("#EE9A24", [[1.0; 3], [1.08, 0.6, 0.35]]) } else { ("#EFE6D6", [[1.0; 3], [1.0, 0.6, 0.66]]) };
    let left: Vec<Vec3> = (0..=28)
        .map(|i| i as f32 / 28.0 * std::f32::consts::TAU)
        .map(|a| p(a.sin() * 0.17, -0.36 + a.cos() * 0.36, 0.02 * a.sin()))
        .collect();
    for (i, pair) in left.windows(2).enumerate() {
        m.tinted(tints[i / 2 % 2], |m| m.garland(&petal(hex), pair[0], pair[1], 0.0, 0.034, &[[1.0; 3]]));
    }
    m.leaf_cloud(&petal("#C8342B"), p(0.0, -0.74, 0.0), p(0.06, 0.06, 0.05), 50, 0.04, &mut Dice::new(1));
    m.string(&petal("#F3EEDC"), p(0.0, -0.78, 0.0), 0.12, 0.02, &[[1.0; 3]]);
}
fn branch(m: &mut Model, c: Culture, dice: &mut Dice) {
    m.tube(&bark("#4E3B34"), &[p(0.0, -0.12, 0.0), p(0.02, 0.12, 0.0), p(-0.04, 0.34, 0.03)], |t| 0.01 * (1.3 - t), 6);
    m.tube(&bark("#4E3B34"), &[p(0.02, 0.12, 0.0), p(0.12, 0.26, -0.02)], |t| 0.006 * (1.3 - t), 5);
    let bloom = petal(if c.region() == Region::Chinese { "#D9546A" } else { "#F1BFCB" });
    for at in [p(-0.03, 0.3, 0.02), p(0.11, 0.25, -0.02), p(0.02, 0.18, 0.0)] {
        m.leaf_cloud(&bloom, at, p(0.07, 0.06, 0.06), 34, 0.035, dice);
    }
}
fn flower(m: &mut Model, c: Culture, dice: &mut Dice) {
    let hex = if indian(c) { dice.pick(&["#E3A72F", "#D9546A", "#EE9A24"]) } else { dice.pick(&["#C8342B", "#E0708E", "#EFE6D6"]) };
    m.tube(&leaf("#5E8A3A"), &[p(0.0, -0.14, 0.0), p(0.0, 0.05, 0.01), p(0.01, 0.16, 0.02)], |_| 0.005, 5);
    for k in 0..3 {
        m.within(at_turned(0.005, 0.17 + 0.012 * k as f32, 0.02, 40.0 * k as f32), |m| {
            for i in 0..6 {
                m.paddle(&petal(hex), Vec3::ZERO, i as f32 * 1.047, 0.07 - 0.017 * k as f32, 0.022, 1.0 + 0.5 * k as f32);
            }
        });
    }
    m.ball(&petal("#E3C24A"), p(0.005, 0.19, 0.02), Vec3::splat(0.012), 8);
    m.paddle(&leaf("#5E8A3A"), p(0.0, 0.0, 0.0), 0.6, 0.1, 0.02, 1.0);
}
fn teapot(m: &mut Model, c: Culture, _: &mut Dice) {
    let body = if east(c) { iron() } else { lacquer("#C7D3D1") };
    m.lathe(
        &body,
        &[(0.05, -0.17), (0.08, -0.15), (0.09, -0.1), (0.07, -0.05), (0.03, -0.04), (0.012, -0.03), (0.014, -0.015), (0.0, -0.01)],
        18,
    );
    m.tube(&body, &[p(0.0, -0.13, 0.08), p(0.0, -0.1, 0.13), p(0.0, -0.05, 0.15)], |t| 0.02 * (1.2 - t * 0.6), 8);
    let arc: Vec<Vec3> = (0..=10)
        .map(|i| i as f32 / 10.0 * std::f32::consts::PI)
        .map(|a| p(0.0, -0.055 + a.sin() * 0.06, a.cos() * 0.075))
        .collect();
    m.tube(&wood("#8A7A4A"), &arc, |_| 0.008, 6);
}
fn bowl(m: &mut Model, c: Culture, _: &mut Dice) {
    let glaze = if east(c) { lacquer("#5E5A4E") } else { lacquer("#8A5A3E") };
    m.lathe(
        &glaze,
        &[
            (0.0, -0.045),
            (0.03, -0.045),
            (0.03, -0.035),
            (0.055, -0.01),
            (0.063, 0.03),
            (0.058, 0.03),
            (0.05, -0.005),
            (0.0, -0.02),
        ],
        18,
    );
    m.lathe(&Material { coat: 0.6, ..paint("#7A9A4A") }, &[(0.055, 0.012), (0.0, 0.012)], 16);
}
fn coffee(m: &mut Model, c: Culture, _: &mut Dice) {
    if indian(c) {
        let steel = metal("#C9CBCE", 0.25);
        m.lathe(&steel, &[(0.0, -0.05), (0.03, -0.05), (0.038, 0.05), (0.042, 0.055), (0.036, 0.045), (0.03, -0.03)], 16);
        m.lathe(&paint("#6B4630"), &[(0.034, 0.035), (0.0, 0.035)], 14);
        return;
    }
    m.lathe(
        &lacquer("#E8E2D4"),
        &[(0.0, -0.05), (0.032, -0.05), (0.042, -0.03), (0.043, 0.045), (0.038, 0.045), (0.036, -0.03), (0.0, -0.035)],
        16,
    );
    m.lathe(&paint("#4A2E20"), &[(0.038, 0.03), (0.0, 0.03)], 14);
    let ear: Vec<Vec3> =
        (0..=8).map(|i| (i as f32 / 8.0 - 0.5) * 2.8).map(|a| p(0.042 + a.cos() * 0.024, a.sin() * 0.03, 0.0)).collect();
    m.tube(&lacquer("#E8E2D4"), &ear, |_| 0.006, 6);
}
fn gun(m: &mut Model, _: Culture, _: &mut Dice) {
    let steel = Material { coat: 0.5, ..metal("#4A4C50", 0.32) };
    m.within(pitch(14.0), |m| m.block(&wood("#5A3A26"), p(0.0, -0.03, 0.0), p(0.03, 0.11, 0.045), 0.012));
    m.block(&steel, p(0.0, 0.045, 0.05), p(0.028, 0.05, 0.11), 0.008);
    m.bar(&steel, p(0.0, 0.055, 0.08), p(0.0, 0.055, 0.23), 0.011);
    m.bar(&steel, p(0.0, 0.045, 0.03), p(0.0, 0.045, 0.085), 0.022);
    m.block(&steel, p(0.0, 0.072, 0.22), p(0.006, 0.014, 0.014), 0.0);
    m.block(&steel, p(0.0, 0.075, -0.012), p(0.01, 0.024, 0.016), 0.003);
    let guard: Vec<Vec3> = (0..=8)
        .map(|i| i as f32 / 8.0 * std::f32::consts::PI)
        .map(|a| p(0.0, 0.015 - a.sin() * 0.03, 0.055 - a.cos() * 0.03))
        .collect();
    m.tube(&steel, &guard, |_| 0.004, 5);
}
fn syringe(m: &mut Model, _: Culture, _: &mut Dice) {
    m.within(pitch(90.0), |m| {
        m.lathe(&bottle("#C9DCE0"), &[(0.009, -0.05), (0.009, 0.05), (0.003, 0.055)], 10);
        m.bar(&chrome(), p(0.0, 0.055, 0.0), p(0.0, 0.11, 0.0), 0.0012);
        m.bar(&paint("#E8E8E4"), p(0.0, -0.1, 0.0), p(0.0, -0.02, 0.0), 0.005);
        m.block(&paint("#E8E8E4"), p(0.0, -0.1, 0.0), p(0.024, 0.004, 0.016), 0.001);
    });
}
fn stethoscope(m: &mut Model, _: Culture, _: &mut Dice) {
    let tube = paint("#2F4A5E");
    m.tube(&tube, &[p(0.0, 0.0, 0.0), p(0.02, -0.2, 0.02), p(0.0, -0.34, 0.03)], |_| 0.006, 6);
    for s in [-1.0, 1.0] {
        m.tube(&tube, &[p(0.0, 0.0, 0.0), p(s * 0.04, 0.1, 0.0), p(s * 0.06, 0.2, 0.0), p(s * 0.03, 0.26, 0.0)], |_| 0.005, 6);
    }
    m.within(at(0.0, -0.35, 0.035) * pitch(90.0), |m| {
        m.lathe(&chrome(), &[(0.0, -0.008), (0.024, -0.008), (0.024, 0.006), (0.0, 0.01)], 14)
    });
}
fn clipboard(m: &mut Model, _: Culture, dice: &mut Dice) {
    m.block(&wood("#8A6238"), p(0.0, 0.08, 0.0), p(0.23, 0.32, 0.008), 0.003);
    m.block(&paper("#ECE6D6"), p(0.0, 0.07, 0.006), p(0.2, 0.28, 0.003), 0.0);
    m.block(&chrome(), p(0.0, 0.225, 0.01), p(0.09, 0.03, 0.012), 0.004);
    for i in 0..8 {
        m.block(&paint("#4A5058"), p(-0.02, 0.17 - 0.026 * i as f32, 0.009), p(dice.range(0.08, 0.15), 0.005, 0.001), 0.0);
    }
}
fn photograph(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&paper("#E6DDC6"), p(0.0, 0.05, 0.0), p(0.13, 0.17, 0.002), 0.0);
    m.block(&paint("#8A7A66"), p(0.0, 0.055, 0.002), p(0.11, 0.14, 0.001), 0.0);
    for (x, hex) in [(-0.022, "#4A3A30"), (0.024, "#6B5442")] {
        m.ball(&paint("#B9977A"), p(x, 0.075, 0.003), p(0.014, 0.017, 0.001), 10);
        m.ball(&paint(hex), p(x, 0.03, 0.003), p(0.022, 0.03, 0.001), 10);
    }
}
fn letter(m: &mut Model, _: Culture, dice: &mut Dice) {
    m.block(&paper("#E8DEC4"), p(0.0, 0.05, 0.0), p(0.2, 0.13, 0.003), 0.0);
    m.slab(&paper("#DDD0B0"), &[(-0.1, 0.115), (0.0, 0.05), (0.1, 0.115)], 0.002, 0.004);
    m.ball(&wax("#A8322A"), p(0.0, 0.055, 0.005), p(0.014, 0.014, 0.003), 10);
    for i in 0..3 {
        m.block(&paint("#3A3F4A"), p(0.0, 0.03 - 0.014 * i as f32, 0.0025), p(dice.range(0.06, 0.12), 0.004, 0.001), 0.0);
    }
}
fn newspaper(m: &mut Model, _: Culture, dice: &mut Dice) {
    for s in [-1.0f32, 1.0] {
        m.within(at_turned(0.0, 0.1, 0.0, s * 14.0), |m| {
            m.block(&paper("#DAD2BE"), p(s * 0.17, 0.0, 0.0), p(0.34, 0.46, 0.003), 0.0);
            m.block(&paint("#2E2E30"), p(s * 0.17, 0.18, 0.003), p(0.26, 0.03, 0.001), 0.0);
            for i in 0..24 {
                let (u, v) = (i % 3, i / 3);
                m.block(
                    &paint("#6A6660"),
                    p(s * 0.17 - 0.1 + 0.1 * u as f32, 0.13 - 0.042 * v as f32, 0.003),
                    p(dice.range(0.06, 0.085), 0.018, 0.001),
                    0.0,
                );
            }
        });
    }
}
fn scroll(m: &mut Model, _: Culture, _: &mut Dice) {
    for y in [-0.06, 0.26] {
        m.bar(&paper("#E6D9B8"), p(-0.11, y, 0.0), p(0.11, y, 0.0), 0.018);
        m.bar(&wood("#5A3A26"), p(-0.14, y, 0.0), p(0.14, y, 0.0), 0.009);
    }
    m.block(&paper("#E6D9B8"), p(0.0, 0.1, 0.0), p(0.21, 0.32, 0.002), 0.0);
    for i in 0..5 {
        m.block(&paint("#33302E"), p(-0.07 + 0.035 * i as f32, 0.1, 0.002), p(0.009, 0.22 - 0.03 * (i % 3) as f32, 0.001), 0.0);
    }
}
fn book(m: &mut Model, _: Culture, dice: &mut Dice) {
    let cover = cloth(dice.pick(&["#7A2E2B", "#2F4A5E", "#56623B", "#43365A"]));
    m.block(&paper("#E6DCC2"), p(0.0, 0.06, 0.0), p(0.14, 0.2, 0.03), 0.0);
    for z in [-0.018, 0.018] {
        m.block(&cover, p(0.0, 0.06, z), p(0.152, 0.212, 0.005), 0.002);
    }
    m.block(&cover, p(-0.074, 0.06, 0.0), p(0.006, 0.212, 0.04), 0.002);
    m.block(&gold(), p(0.0, 0.1, 0.0212), p(0.08, 0.014, 0.001), 0.0);
}
fn tablet(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&paint("#26292D"), p(0.0, 0.07, 0.0), p(0.2, 0.27, 0.012), 0.005);
    m.block(&glow([0.12, 0.5, 0.7]), p(0.0, 0.075, 0.0065), p(0.18, 0.23, 0.001), 0.0);
    for i in 0..6 {
        m.block(
            &glow([0.5, 1.5, 1.8]),
            p(-0.02, 0.16 - 0.03 * i as f32, 0.0075),
            p(0.1 + 0.02 * (i % 3) as f32, 0.007, 0.001),
            0.0,
        );
    }
}
fn phone(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&lacquer("#22252A"), p(0.0, 0.03, 0.0), p(0.075, 0.15, 0.01), 0.004);
    m.block(&glow([0.5, 0.7, 0.9]), p(0.0, 0.032, 0.0055), p(0.066, 0.13, 0.001), 0.0);
}
fn camera(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&paint("#2A2A2C"), p(0.0, 0.03, 0.0), p(0.14, 0.09, 0.05), 0.01);
    m.block(&chrome(), p(0.0, 0.08, 0.0), p(0.14, 0.02, 0.05), 0.006);
    m.within(at(0.0, 0.03, 0.02) * pitch(90.0), |m| {
        m.lathe(&iron(), &[(0.035, 0.0), (0.032, 0.05), (0.026, 0.05), (0.0, 0.03)], 16)
    });
    m.ball(&chrome(), p(0.05, 0.095, 0.0), p(0.01, 0.006, 0.01), 8);
}
fn microphone(m: &mut Model, _: Culture, _: &mut Dice) {
    m.lathe(&paint("#2A2B2E"), &[(0.014, -0.1), (0.016, 0.0), (0.022, 0.07)], 12);
    m.ball(&metal("#8A8D92", 0.5), p(0.0, 0.1, 0.0), p(0.034, 0.038, 0.034), 14);
}
fn umbrella(m: &mut Model, c: Culture, _: &mut Dice) {
    let cover = if east(c) { paper("#B5453A") } else { cloth("#26282C") };
    let shaft = wood("#5A3A26");
    m.bar(&shaft, p(0.0, -0.86, 0.0), p(0.0, 0.07, 0.0), 0.011);
    if east(c) {
        m.ball(&lacquer("#2A1E16"), p(0.0, 0.075, 0.0), p(0.02, 0.014, 0.02), 10);
    } else {
        let hook: Vec<Vec3> = (0..=10)
            .map(|i| i as f32 / 10.0 * std::f32::consts::PI)
            .map(|a| p(0.0, 0.07 + a.sin() * 0.055, 0.045 - a.cos() * 0.045))
            .collect();
        m.tube(&shaft, &hook, |_| 0.015, 8);
    }
    m.bar(&chrome(), p(0.0, -0.86, 0.0), p(0.0, -0.79, 0.0), 0.008);
    // Furled: an open one hides the face of whoever holds it. Eight folds wound about the stick, widest a third down.
    m.sheet(&cover, 48, 12, |u, v| {
        let a = u * std::f32::consts::TAU;
        let r = 0.014 + 0.048 * ((0.12 + 0.88 * v) * std::f32::consts::PI * 0.92).sin() * (1.0 + 0.22 * (8.0 * a + 3.0 * v).cos());
        p(a.cos() * r, -0.81 + 0.66 * v, a.sin() * r)
    });
    m.lathe(&cloth("#3A3C42"), &[(0.04, -0.3), (0.042, -0.29), (0.04, -0.28)], 12);
}
fn cigarette(m: &mut Model, _: Culture, _: &mut Dice) {
    // Twice life size, as puppet hands are large.
    m.within(pitch(80.0), |m| {
        m.bar(&paper("#EFEAE0"), p(0.0, 0.0, 0.0), p(0.0, 0.12, 0.0), 0.01);
        m.bar(&paint("#C98A4A"), p(0.0, -0.04, 0.0), p(0.0, 0.0, 0.0), 0.0104);
        m.bar(&paint("#5A5654"), p(0.0, 0.12, 0.0), p(0.0, 0.134, 0.0), 0.0098);
        m.ball(&glow([5.0, 1.1, 0.18]), p(0.0, 0.135, 0.0), Vec3::splat(0.0105), 8);
    });
}
fn bottle_prop(m: &mut Model, c: Culture, dice: &mut Dice) {
    let hex = if east(c) { "#D9DED6" } else { dice.pick(&["#8A5A22", "#3F5A2E", "#5E2A22"]) };
    crate::dressing::bottle_at(m, hex, p(0.0, -0.1, 0.0), 0.3);
}
fn glass_prop(m: &mut Model, _: Culture, _: &mut Dice) {
    m.lathe(&glass(), &[(0.0, -0.05), (0.034, -0.05), (0.04, 0.05)], 16);
    m.lathe(&bottle("#B9782E"), &[(0.0, -0.046), (0.033, -0.046), (0.035, -0.01), (0.0, -0.01)], 14);
}
fn sickle(m: &mut Model, _: Culture, _: &mut Dice) {
    m.bar(&wood("#7A5432"), p(0.0, -0.08, 0.0), p(0.0, 0.07, 0.0), 0.016);
    let id = metal("#B9BCC0", 0.3);
    for i in 0..12 {
        let point = |t: f32, w: f32| {
            let a = -1.2 + 3.4 * t;
            let r = 0.15 - w * (1.0 - t);
            p(0.0, 0.2 + a.sin() * r, 0.06 - a.cos() * r)
        };
        let (a, b) = (i as f32 / 12.0, (i + 1) as f32 / 12.0);
        m.quad(&id, [point(a, 0.0), point(b, 0.0), point(b, 0.035), point(a, 0.035)]);
    }
}
fn sword(m: &mut Model, c: Culture, _: &mut Dice) {
    m.bar(&cloth("#3A2A2A"), p(0.0, -0.11, 0.0), p(0.0, 0.1, 0.0), 0.017);
    if east(c) {
        m.lathe(&brass(), &[(0.0, 0.1), (0.045, 0.1), (0.045, 0.112), (0.0, 0.112)], 14);
    } else {
        m.block(&brass(), p(0.0, 0.11, 0.0), p(0.03, 0.025, 0.18), 0.008);
        m.ball(&brass(), p(0.0, -0.125, 0.0), Vec3::splat(0.024), 10);
    }
    let curve = if east(c) { 0.06 } else { 0.0 };
    m.slab(
        &chrome(),
        &[(-0.003, 0.11), (0.003, 0.11), (0.003, 0.82), (0.0, 0.9), (-0.003, 0.82)],
        -0.016 + curve * 0.0,
        0.016 + curve * 0.2,
    );
}
fn knife(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&wood("#4A3020"), p(0.0, 0.0, 0.0), p(0.02, 0.11, 0.026), 0.008);
    m.slab(&chrome(), &[(-0.002, 0.05), (0.002, 0.05), (0.001, 0.21), (-0.001, 0.21)], -0.012, 0.016);
}
fn fan(m: &mut Model, c: Culture, _: &mut Dice) {
    let sheet = if east(c) { floral("#E6D9C0", "#B5453A", 0.08) } else { paper("#D9BE8A") };
    m.bar(&wood("#5A3A26"), p(0.0, -0.08, 0.0), p(0.0, 0.04, 0.0), 0.008);
    for i in 0..11 {
        let (a, b) = (-1.1 + 0.2 * i as f32, -0.9 + 0.2 * i as f32);
        let q = |a: f32, r: f32, z: f32| p(a.sin() * r, 0.02 + a.cos() * r, z);
        let z = if i % 2 == 0 { 0.006 } else { -0.006 };
        m.quad(&sheet, [q(a, 0.05, -z), q(b, 0.05, z), q(b, 0.24, z), q(a, 0.24, -z)]);
    }
}
fn tray(m: &mut Model, c: Culture, dice: &mut Dice) {
    let body = if indian(c) { brass() } else { wood("#6B4A2E") };
    m.lathe(&body, &[(0.0, 0.0), (0.19, 0.0), (0.21, 0.025), (0.2, 0.027), (0.18, 0.008), (0.0, 0.008)], 24);
    if indian(c) {
        for (i, hex) in ["#E3A72F", "#C8342B", "#F3EEDC"].into_iter().enumerate() {
            let a = i as f32 * 2.1;
            m.heap(&petal(hex), p(a.cos() * 0.1, 0.005, a.sin() * 0.1), 0.05, 0.016, &[[1.0; 3]], dice);
        }
        m.lathe(&paint("#9C5A34"), &[(0.02, 0.01), (0.04, 0.03), (0.03, 0.03), (0.0, 0.02)], 10);
        flame(m, p(0.0, 0.03, 0.02), 0.045);
    } else {
        for x in [-0.07, 0.07] {
            m.within(at(x, 0.06, 0.0), |m| coffee(m, c, dice));
        }
    }
}
fn plate(m: &mut Model, c: Culture, dice: &mut Dice) {
    let body = if indian(c) { leaf("#5E8A3A") } else { lacquer("#E8E2D4") };
    m.lathe(&body, &[(0.0, 0.0), (0.08, 0.0), (0.13, 0.014), (0.13, 0.018), (0.08, 0.006), (0.0, 0.006)], 22);
    m.heap(&paint("#EFE8D4"), p(0.0, 0.002, 0.0), 0.045, 0.012, &[[1.0; 3], [0.95, 0.92, 0.85]], dice);
    m.heap(&paint("#C8802F"), p(0.06, 0.002, 0.03), 0.024, 0.01, &[[1.0; 3]], dice);
}
fn basket_prop(m: &mut Model, _: Culture, dice: &mut Dice) {
    m.within(at(0.0, -0.3, 0.0), |m| {
        crate::dressing::basket(m, 0.16, &paint("#D9822B"), &[[1.0; 3], [0.8, 1.1, 0.5]], dice);
        let arc: Vec<Vec3> = (0..=12)
            .map(|i| i as f32 / 12.0 * std::f32::consts::PI)
            .map(|a| p(a.cos() * 0.16, 0.2 + a.sin() * 0.12, 0.0))
            .collect();
        m.tube(&thatch("#A8814C"), &arc, |_| 0.01, 6);
    });
}
fn suitcase(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&cloth("#7A4E30"), p(0.0, -0.22, 0.0), p(0.14, 0.36, 0.5), 0.03);
    for z in [-0.14, 0.14] {
        m.block(&wood("#4A2E1E"), p(0.0, -0.22, z), p(0.146, 0.366, 0.035), 0.01);
    }
    m.tube(&wood("#4A2E1E"), &[p(0.0, -0.04, -0.08), p(0.0, 0.0, -0.05), p(0.0, 0.0, 0.05), p(0.0, -0.04, 0.08)], |_| 0.012, 6);
}
fn bag(m: &mut Model, c: Culture, _: &mut Dice) {
    let body = if indian(c) { floral("#B5392B", "#E3C24A", 0.1) } else { cloth("#6B4A32") };
    m.within(at(0.0, -0.42, 0.0), |m| m.cushion(&body, p(0.12, 0.28, 0.32)));
    for s in [-0.03, 0.03] {
        m.tube(
            &cloth("#4A3020"),
            &[p(s, -0.18, -0.09), p(s * 0.3, 0.0, -0.03), p(s * 0.3, 0.0, 0.03), p(s, -0.18, 0.09)],
            |_| 0.008,
            6,
        );
    }
}
fn bell(m: &mut Model, _: Culture, _: &mut Dice) {
    m.lathe(
        &brass(),
        &[
            (0.01, 0.06),
            (0.014, 0.0),
            (0.01, -0.05),
            (0.02, -0.06),
            (0.034, -0.09),
            (0.042, -0.13),
            (0.055, -0.15),
            (0.05, -0.15),
            (0.03, -0.1),
        ],
        18,
    );
    m.ball(&brass(), p(0.0, -0.15, 0.0), Vec3::splat(0.01), 8);
}
fn key(m: &mut Model, _: Culture, _: &mut Dice) {
    let ring: Vec<Vec3> =
        (0..=12).map(|i| i as f32 / 12.0 * std::f32::consts::TAU).map(|a| p(a.cos() * 0.016, a.sin() * 0.016, 0.0)).collect();
    m.tube(&brass(), &ring, |_| 0.004, 6);
    m.bar(&brass(), p(0.0, 0.016, 0.0), p(0.0, 0.085, 0.0), 0.004);
    for y in [0.066, 0.08] {
        m.block(&brass(), p(0.01, y, 0.0), p(0.018, 0.006, 0.005), 0.0);
    }
}
fn coin(m: &mut Model, _: Culture, _: &mut Dice) {
    m.within(pitch(90.0), |m| m.lathe(&gold(), &[(0.0, -0.002), (0.016, -0.002), (0.017, 0.0), (0.016, 0.002), (0.0, 0.002)], 18));
}
fn ring(m: &mut Model, _: Culture, _: &mut Dice) {
    let band: Vec<Vec3> =
        (0..=16).map(|i| i as f32 / 16.0 * std::f32::consts::TAU).map(|a| p(a.cos() * 0.02, a.sin() * 0.02, 0.0)).collect();
    m.tube(&gold(), &band, |_| 0.005, 8);
    m.ball(&Material { coat: 1.0, ..lacquer("#B5243A") }, p(0.0, 0.026, 0.0), Vec3::splat(0.009), 8);
}
fn hat(m: &mut Model, c: Culture, _: &mut Dice) {
    if indian(c) {
        let folds = silk("#C9602B", "#E6C46A");
        (0..5).for_each(|i| {
            m.ball(
                &folds,
                p(0.0, -0.02 + 0.03 * i as f32, 0.01 * (i % 2) as f32),
                p(0.13 - 0.008 * i as f32, 0.035, 0.14 - 0.008 * i as f32),
                14,
            )
        });
        return;
    }
    m.lathe(&felt("#4A4238"), &[(0.17, -0.01), (0.16, 0.0), (0.105, 0.005), (0.1, 0.09), (0.07, 0.115), (0.0, 0.1)], 20);
    m.lathe(&silk("#26221E", "#3A332C"), &[(0.107, 0.01), (0.104, 0.045)], 20);
}
fn stick(m: &mut Model, _: Culture, _: &mut Dice) {
    m.bar(&wood("#6B4A2E"), p(0.0, -0.86, 0.0), p(0.0, 0.03, 0.0), 0.013);
    m.ball(&wood("#6B4A2E"), p(0.0, 0.04, 0.0), Vec3::splat(0.028), 10);
    m.bar(&brass(), p(0.0, -0.88, 0.0), p(0.0, -0.84, 0.0), 0.015);
}
fn drum(m: &mut Model, _: Culture, _: &mut Dice) {
    m.within(at(0.0, -0.1, 0.0) * roll(90.0), |m| {
        m.lathe(&wood("#7A3E22"), &[(0.11, -0.25), (0.16, 0.0), (0.11, 0.25)], 20);
        for s in [-1.0, 1.0] {
            m.lathe(&paper("#E3D6B8"), &[(0.0, s * 0.252), (0.11, s * 0.252), (0.118, s * 0.24), (0.115, s * 0.22)], 20);
            m.lathe(&paint("#26221E"), &[(0.0, s * 0.2535), (0.045, s * 0.2535)], 14);
        }
        for k in 0..12 {
            let (s, c) = (k as f32 * std::f32::consts::FRAC_PI_6).sin_cos();
            m.bar(&cloth("#D9C08A"), p(s * 0.114, -0.24, c * 0.114), p(s * 0.164, 0.0, c * 0.164), 0.004);
            m.bar(&cloth("#D9C08A"), p(s * 0.114, 0.24, c * 0.114), p(s * 0.164, 0.0, c * 0.164), 0.004);
        }
    });
}
fn flute(m: &mut Model, _: Culture, _: &mut Dice) {
    m.bar(&wood("#B98A4A"), p(-0.16, 0.0, 0.0), p(0.34, 0.0, 0.0), 0.012);
    for i in 0..6 {
        m.ball(&paint("#2A1E16"), p(-0.02 + 0.045 * i as f32, 0.0, 0.012), p(0.005, 0.005, 0.002), 6);
    }
    for x in [-0.15, 0.1, 0.33] {
        m.bar(&cloth("#B5392B"), p(x - 0.008, 0.0, 0.0), p(x + 0.008, 0.0, 0.0), 0.0135);
    }
}
fn tool(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&chrome(), p(0.0, 0.06, 0.0), p(0.012, 0.2, 0.026), 0.004);
    for s in [-1.0, 1.0] {
        m.within(at(0.0, 0.19, s * 0.018) * pitch(s * 20.0), |m| m.block(&chrome(), Vec3::ZERO, p(0.014, 0.06, 0.018), 0.004));
    }
    m.block(&lacquer("#F26B2B"), p(0.0, 0.0, 0.0), p(0.02, 0.11, 0.032), 0.008);
}
fn brush(m: &mut Model, _: Culture, _: &mut Dice) {
    m.bar(&wood("#8A6238"), p(0.0, -0.03, 0.0), p(0.0, 0.16, 0.0), 0.005);
    m.within(at(0.0, -0.03, 0.0), |m| {
        m.lathe(&felt("#26221E"), &[(0.005, 0.0), (0.009, -0.015), (0.006, -0.035), (0.0, -0.05)], 8)
    });
}
fn rope(m: &mut Model, _: Culture, _: &mut Dice) {
    for k in 0..4 {
        let r = 0.1 + 0.008 * k as f32;
        let loop_: Vec<Vec3> = (0..=18)
            .map(|i| i as f32 / 18.0 * std::f32::consts::TAU)
            .map(|a| p(a.sin() * r, -0.1 + a.cos() * r, 0.012 * k as f32 - 0.02))
            .collect();
        m.tube(&cloth("#B99A66"), &loop_, |_| 0.009, 6);
    }
}
fn sheaf(m: &mut Model, c: Culture, dice: &mut Dice) {
    let straw = leaf(if c.region() == Region::SouthIndian { "#B9B24A" } else { "#D8AE4E" });
    for _ in 0..46 {
        let (a, r) = (dice.range(0.0, std::f32::consts::TAU), dice.range(0.0, 0.035));
        let foot = p(a.cos() * r * 1.6, -0.32, a.sin() * r * 1.6);
        let waist = p(a.cos() * r, 0.0, a.sin() * r);
        let tip = p(a.cos() * r * 4.0 + dice.off(0.03), dice.range(0.34, 0.46), a.sin() * r * 4.0 + dice.off(0.03));
        m.tube(&straw, &[foot, waist, tip], |_| 0.0035, 3);
        m.tube(&leaf("#E3BC62"), &[tip, tip + p(dice.off(0.03), 0.08, dice.off(0.03))], |t| 0.009 * (1.1 - t), 4);
    }
    m.lathe(&cloth("#A8814C"), &[(0.045, -0.02), (0.048, 0.0), (0.045, 0.02)], 12);
}
fn doll(m: &mut Model, _: Culture, dice: &mut Dice) {
    let dress = floral(dice.pick(&["#C8546A", "#4F86A8", "#E3A72F"]), "#F3EEDC", 0.03);
    m.lathe(&dress, &[(0.07, -0.12), (0.06, -0.06), (0.03, 0.02), (0.035, 0.04), (0.015, 0.06)], 14);
    m.ball(&felt("#D9A880"), p(0.0, 0.1, 0.0), p(0.042, 0.045, 0.042), 12);
    m.ball(&felt("#4A2E20"), p(0.0, 0.115, -0.008), p(0.047, 0.045, 0.044), 12);
    for s in [-1.0, 1.0] {
        m.ball(&paint("#1E1A18"), p(s * 0.015, 0.1, 0.041), Vec3::splat(0.005), 6);
        m.bar(&felt("#D9A880"), p(s * 0.03, 0.04, 0.0), p(s * 0.075, -0.01, 0.02), 0.012);
        m.bar(&felt("#D9A880"), p(s * 0.02, -0.12, 0.0), p(s * 0.022, -0.18, 0.0), 0.013);
    }
}
fn ball(m: &mut Model, _: Culture, dice: &mut Dice) {
    m.ball(&striped(dice.pick(&["#C8342B", "#2F6F8C", "#E3A72F"]), "#F3EEDC", 0.09), Vec3::ZERO, Vec3::splat(0.1), 20);
}
fn gift(m: &mut Model, c: Culture, dice: &mut Dice) {
    let wrap =
        if east(c) { silk("#8E2A4E", "#E6C46A") } else { floral(dice.pick(&["#B5392B", "#2F6F8C", "#7A5A9A"]), "#F3EEDC", 0.06) };
    m.block(&wrap, p(0.0, 0.03, 0.0), p(0.2, 0.13, 0.2), 0.01);
    let ribbon = silk("#E3B93A", "#F3E6B8");
    m.block(&ribbon, p(0.0, 0.03, 0.0), p(0.204, 0.134, 0.024), 0.004);
    m.block(&ribbon, p(0.0, 0.03, 0.0), p(0.024, 0.134, 0.204), 0.004);
    for s in [-1.0, 1.0] {
        m.ball(&ribbon, p(s * 0.034, 0.115, 0.0), p(0.036, 0.02, 0.018), 8);
    }
}
fn box_prop(m: &mut Model, _: Culture, _: &mut Dice) {
    m.block(&wood("#6B3F26"), p(0.0, 0.02, 0.0), p(0.24, 0.11, 0.16), 0.008);
    m.block(&wood("#7A4A2E"), p(0.0, 0.09, 0.0), p(0.25, 0.035, 0.17), 0.01);
    m.block(&brass(), p(0.0, 0.07, 0.084), p(0.035, 0.04, 0.006), 0.003);
}
fn fruit(m: &mut Model, c: Culture, _: &mut Dice) {
    let (hex, r) = if indian(c) { ("#E3A23A", p(0.038, 0.05, 0.036)) } else { ("#B5342B", p(0.038, 0.036, 0.038)) };
    m.ball(&Material { coat: 0.3, ..paint(hex) }, Vec3::ZERO, r, 16);
    m.bar(&bark("#4E3B28"), p(0.0, r.y * 0.9, 0.0), p(0.006, r.y * 1.3, 0.0), 0.003);
    m.paddle(&leaf("#5E8A3A"), p(0.004, r.y * 1.2, 0.0), 0.4, 0.05, 0.012, 0.6);
}
fn handkerchief(m: &mut Model, _: Culture, _: &mut Dice) {
    m.sheet(&cloth("#EDE6D6"), 10, 10, |u, v| {
        let (x, y) = ((u - 0.5) * 0.22, -0.24 * v);
        p(x * (0.25 + 0.75 * v), y, 0.03 * (u * 12.0).sin() * v)
    });
}
fn pot_prop(m: &mut Model, c: Culture, _: &mut Dice) {
    let body = if indian(c) {
        brass()
    } else if east(c) {
        lacquer("#5B7F86")
    } else {
        stone("#A8653E")
    };
    pot(m, &body, p(0.0, -0.12, 0.0), 0.11, 0.055, 0.22);
}
fn spoon(m: &mut Model, c: Culture, _: &mut Dice) {
    if east(c) {
        for s in [-0.006, 0.006] {
            m.bar(&lacquer("#6B2A22"), p(s, 0.06, -0.06), p(s * 0.4, -0.04, 0.14), 0.003);
        }
        return;
    }
    m.bar(&chrome(), p(0.0, 0.03, -0.06), p(0.0, 0.0, 0.08), 0.004);
    m.ball(&chrome(), p(0.0, -0.004, 0.1), p(0.02, 0.008, 0.03), 12);
}
fn broom(m: &mut Model, _: Culture, dice: &mut Dice) {
    m.bar(&wood("#8A6238"), p(0.0, -0.6, 0.0), p(0.0, 0.4, 0.0), 0.013);
    for _ in 0..40 {
        let a = dice.range(0.0, std::f32::consts::TAU);
        m.bar(&thatch("#B99A5C"), p(0.0, -0.58, 0.0), p(a.cos() * dice.range(0.02, 0.1), -0.95, a.sin() * 0.05), 0.004);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_thing_is_made_at_hand_size() {
        for (words, _) in PROPS {
            for word in *words {
                for culture in [Culture::Tamil, Culture::Japanese, Culture::American] {
                    let g = prop(word, culture, 7).unwrap_or_else(|| panic!("{word} is known"));
                    assert!(!g.triangles.is_empty() && g.triangles.len() < 9000, "{word}: {}", g.triangles.len());
                    for q in &g.positions {
                        assert!(q.iter().all(|c| c.is_finite() && c.abs() <= 1.2), "{word} reaches {q:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_script_calls_them_is_understood_and_nonsense_is_not() {
        for name in [
            "oil lamp",
            "coffee cup",
            "marigold garland",
            "Revolver",
            "tea bowl",
            "wheat sheaf",
            "old photograph",
            "keys",
            "flowers",
        ] {
            assert!(knows_prop(name), "{name}");
        }
        for name in ["rhinoceros", "keyhole", ""] {
            assert!(!knows_prop(name) && prop(name, Culture::Tamil, 1).is_none(), "{name}");
        }
    }
}
