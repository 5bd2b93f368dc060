//! What a screenplay says: scenes, people, what they say and do, where and when. Written by `analyse`.

use serde::{Deserialize, Serialize};

/// Declares an enum of lowercase words with `name()`, `ALL` and parsing from the word.
macro_rules! words {
    ($(#[$m:meta])* $name:ident { $($(#[$vm:meta])* $v:ident = $w:literal),+ $(,)? }) => {
        $(#[$m])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vm])* #[serde(rename = $w)] $v),+ }
        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$v),+];
            /// The word used in notes, JSON and messages.
            pub fn name(self) -> &'static str { match self { $($name::$v => $w),+ } }
            /// The value whose word this is.
            pub fn from_name(word: &str) -> Option<$name> { match word { $($w => Some($name::$v),)+ _ => None } }
        }
    };
}
pub(crate) use words;

words!(/// Where customs, dress, faces, buildings and music come from.
Culture {
    Tamil = "tamil", Telugu = "telugu", Malayalam = "malayalam", Kannada = "kannada",
    Hindi = "hindi", Punjabi = "punjabi", Bengali = "bengali",
    Chinese = "chinese", Japanese = "japanese", Korean = "korean",
    American = "american", European = "european",
    MiddleEastern = "middle-eastern", African = "african", Fantasy = "fantasy", ScienceFiction = "science-fiction",
});

words!(/// The culture's family: what most tables are keyed by.
Region {
    SouthIndian = "south-indian", NorthIndian = "north-indian", Chinese = "chinese", Japanese = "japanese",
    Korean = "korean", Western = "western", MiddleEastern = "middle-eastern", African = "african",
    Fantasy = "fantasy", ScienceFiction = "science-fiction",
});

impl Culture {
    /// The family this culture's dress, sets and score are drawn from.
    pub fn region(self) -> Region {
        use Culture::*;
        match self {
            Tamil | Telugu | Malayalam | Kannada => Region::SouthIndian,
            Hindi | Punjabi | Bengali => Region::NorthIndian,
            Chinese => Region::Chinese,
            Japanese => Region::Japanese,
            Korean => Region::Korean,
            American | European => Region::Western,
            MiddleEastern => Region::MiddleEastern,
            African => Region::African,
            Fantasy => Region::Fantasy,
            ScienceFiction => Region::ScienceFiction,
        }
    }
}

words!(/// When the story plays, as far as dress and buildings care.
Period { Ancient = "ancient", Medieval = "medieval", Victorian = "victorian", Noir = "noir", Modern = "modern", Future = "future" });

words!(/// Place archetypes: one builder of sets each.
Place {
    Temple = "temple", House = "house", Kitchen = "kitchen", Bedroom = "bedroom", Street = "street", Market = "market",
    Village = "village", Courtyard = "courtyard", Office = "office", Cafe = "cafe", TeaHouse = "tea-house", Bar = "bar", Shop = "shop",
    School = "school", Hospital = "hospital", Station = "station", Car = "car", Forest = "forest", Garden = "garden",
    Field = "field", Beach = "beach", Mountain = "mountain", Desert = "desert", Palace = "palace", Spaceship = "spaceship",
});

words!(/// Time of day.
TimeOfDay { Dawn = "dawn", Morning = "morning", Day = "day", Afternoon = "afternoon", Dusk = "dusk", Evening = "evening", Night = "night" });

words!(/// Weather.
Weather { Clear = "clear", Cloudy = "cloudy", Rain = "rain", Storm = "storm", Snow = "snow", Fog = "fog", Wind = "wind" });

words!(/// The feeling of a line, an action or a scene.
Mood {
    Neutral = "neutral", Happy = "happy", Tender = "tender", Sad = "sad", Angry = "angry", Afraid = "afraid",
    Surprised = "surprised", Tense = "tense", Solemn = "solemn", Playful = "playful", Proud = "proud", Tired = "tired",
});

words!(/// How old a person looks.
Age { Infant = "infant", Child = "child", Teen = "teen", Young = "young", Middle = "middle", Old = "old" });
words!(/// How a person is dressed and voiced.
Gender { Female = "female", Male = "male", Neutral = "neutral" });
words!(/// Silhouette.
Build { Thin = "thin", Medium = "medium", Round = "round", Broad = "broad" });
words!(/// What people dress for.
Occasion { Everyday = "everyday", Wedding = "wedding", Ritual = "ritual", Work = "work", Formal = "formal", Festival = "festival" });

words!(/// What a body does.
Verb {
    Stand = "stand", Enter = "enter", Exit = "exit", Walk = "walk", Run = "run", Sit = "sit", Rise = "rise", Turn = "turn", Look = "look",
    Give = "give", Take = "take", Hold = "hold", Put = "put", Embrace = "embrace", Fight = "fight", Dance = "dance", Pray = "pray", Bow = "bow",
    Drive = "drive", Drink = "drink", Eat = "eat", Pour = "pour", Point = "point", Wave = "wave", Nod = "nod", Shake = "shake",
    Laugh = "laugh", Cry = "cry", Sleep = "sleep", Kneel = "kneel", Work = "work", Play = "play", Write = "write", Read = "read",
    Open = "open", Close = "close", Smoke = "smoke", Touch = "touch", Listen = "listen",
});

/// Index of a character in [`Story::cast`].
pub type CharacterId = usize;
/// Index of a spoken line over the whole film, in script order.
pub type LineId = usize;

/// A screenplay, understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    pub title: String,
    /// Lines of the end credits from the title page (`credit`, `author`, `source`, …), in order.
    pub credits: Vec<String>,
    pub scenes: Vec<Scene>,
    pub cast: Vec<Character>,
    /// Why things are as they are; every inference names a script line.
    pub inferences: Vec<Inference>,
}

/// One inference and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// What was inferred: `culture`, `period`, `place`, `time`, `weather`, `mood`, `age`, `gender`, `dress`, `prop`, `present`, …
    pub what: String,
    /// Whom or what it is about: `film`, a scene id or a character name.
    pub about: String,
    pub value: String,
    /// 0–1.
    pub confidence: f32,
    /// 1-based script line it rests on.
    pub line: u32,
    /// The words on that line that decided it, or `default` when nothing in the script says so.
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// `sc010`, `sc020`, …
    pub id: String,
    /// The heading as written, without markers.
    pub heading: String,
    /// First and last script line (1-based).
    pub lines: (u32, u32),
    /// Inside a room (walls, ceiling), as against open air.
    pub interior: bool,
    pub place: Place,
    /// The place's name as the script has it ("THE MEENAKSHI TEMPLE").
    pub place_name: String,
    pub time: TimeOfDay,
    pub weather: Weather,
    pub culture: Culture,
    pub period: Period,
    pub mood: Mood,
    pub occasion: Occasion,
    /// Everyone seen in this scene.
    pub present: Vec<CharacterId>,
    /// People in the background ("guests", "crowd"): roughly how many.
    pub extras: u32,
    /// Things the scene names, lowercase singular ("garland", "coffee cup", "gun").
    pub props: Vec<Prop>,
    pub beats: Vec<Beat>,
    /// Sounds the script names ("thunder", "temple bell"), with their line.
    pub sounds: Vec<(String, u32)>,
    /// The script asks for silence: no score in this scene.
    pub silent: bool,
    /// Extra shot directions from notes: `[[klieg: shot=close-up]]`, in beat order.
    pub seed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prop {
    pub name: String,
    pub line: u32,
}

/// What happens next in a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "beat", rename_all = "snake_case")]
pub enum Beat {
    /// Someone speaks.
    Line(Line),
    /// Someone does something.
    Action(Action),
    /// The script describes: an occasion to look at the place.
    Describe { text: String, line: u32 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub id: LineId,
    pub speaker: CharacterId,
    /// Who is spoken to, when someone is.
    pub to: Option<CharacterId>,
    /// The words, as one paragraph, without emphasis markers.
    pub text: String,
    pub parenthetical: Option<String>,
    pub mood: Mood,
    /// V.O. or O.S.: heard, not seen.
    pub off_screen: bool,
    /// Spoken at the same time as the line before.
    pub dual: bool,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub who: CharacterId,
    pub verb: Verb,
    /// The other person, if any (given to, embraced, looked at).
    pub to: Option<CharacterId>,
    /// The thing handled, lowercase singular.
    pub prop: Option<String>,
    pub mood: Mood,
    pub text: String,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Character {
    /// As written in the script, upper case.
    pub name: String,
    pub age: Age,
    pub gender: Gender,
    pub build: Build,
    pub culture: Culture,
    pub period: Period,
    pub occasion: Occasion,
    /// BCP 47 language of what they say, from the script of the text or the culture ("en", "ta", "hi", "ja").
    pub language: String,
    /// Garments, hair, jewellery and things worn that the script names.
    pub dress: Vec<Garment>,
    /// First script line that shows or names them.
    pub line: u32,
    pub seed: u64,
}

/// Something worn, as the script words it: `saree`, red.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Garment {
    /// Lowercase singular: "saree", "trench coat", "fedora", "beard", "glasses", "bun".
    pub name: String,
    /// Colour word if given: "red", "silk"-like materials go to `material`.
    pub colour: Option<String>,
    pub material: Option<String>,
    pub line: u32,
}
