//! Stop-motion puppets: who a character is to look at ([`Design`], chosen by [`casting`]), modelled once ([`Puppet`]) and posed
//! for every frame ([`Pose`]). Metres; +Y up; a puppet at heading 0 faces +Z and its left is +X.

mod casting;
mod cut;
mod design;
mod drape;
mod face;
mod field;
mod form;
mod hair;
mod hand;
mod hats;
mod head;
mod jewel;
mod materials;
mod mesh;
mod named;
mod pose;
mod puppet;
mod rig;
mod shoes;
mod skeleton;
mod tailor;
mod wardrobe;

pub use casting::casting;
pub use design::{Beard, Cloth, Design, Fabric, Hair, HairStyle, Kind, Motif, Ornament, Piece, Traits};
pub use pose::{Face, Hand, Pose};
pub use puppet::{Detail, Puppet};
pub use skeleton::{Body, Joint};
