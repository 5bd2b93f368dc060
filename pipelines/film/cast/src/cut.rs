//! The cutting table: what each sewn garment is, in measures.

use crate::design::Kind;

/// What closes or decorates the neck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Collar {
    None,
    /// A narrow rolled edge.
    Trim,
    /// Standing band (mandarin, Nehru, kurta).
    Band,
    /// Turned-down points.
    Points,
    /// Lapels of a jacket down to the opening's foot.
    Lapels,
    /// Great lapels, standing collar, epaulettes.
    Trench,
    /// Crossed bands, left over right.
    Crossed,
    /// Broad square collar on the back.
    Sailor,
    /// A ring for a helmet.
    Ring,
}

/// The neckline that is cut out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Neck {
    /// Follows the neck.
    Close,
    /// Round; depth in metres at scale 1.
    Round(f32),
    /// V-shaped down to so much below the neck.
    Vee(f32),
    /// Off-shoulder or boat: wide and shallow.
    Wide(f32),
}

/// Measures of a garment; lengths in metres on the 1.6 m puppet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub ease: f32,
    pub neck: Neck,
    pub collar: Collar,
    /// Along the arm: 0 none, 1 the wrist.
    pub sleeve: f32,
    /// Wider at the sleeve's end.
    pub flare: f32,
    /// Depth of a hanging sleeve.
    pub bag: f32,
    /// Where the fitted part ends: 1 under the bust, 0 the waist, −1 below the hips.
    pub waist: f32,
    /// How far the skirt reaches: 0 the hips, 1 the floor; negative for none.
    pub hem: f32,
    /// Radius of the hem against the hips.
    pub sweep: f32,
    /// Folds around, and their depth.
    pub folds: (f32, f32),
    /// The skirt is open in front.
    pub open: bool,
    /// Buttons in a row: how many.
    pub buttons: u8,
    /// Trim at hem and cuffs.
    pub border: f32,
}

const PLAIN: Cut = Cut {
    ease: 0.008,
    neck: Neck::Close,
    collar: Collar::None,
    sleeve: 1.0,
    flare: 0.0,
    bag: 0.0,
    waist: -1.0,
    hem: -1.0,
    sweep: 1.1,
    folds: (0.0, 0.0),
    open: false,
    buttons: 0,
    border: 0.0,
};

/// The cut of a garment for the upper body; `None` for everything that is not sewn to one.
pub(crate) fn top(kind: Kind) -> Option<Cut> {
    use Kind::*;
    Some(match kind {
        Blouse => Cut { ease: 0.006, neck: Neck::Round(0.05), sleeve: 0.34, waist: 1.0, border: 0.022, ..PLAIN },
        Shirt => Cut { collar: Collar::Points, buttons: 5, ease: 0.011, ..PLAIN },
        ShortShirt => Cut { collar: Collar::Points, buttons: 5, sleeve: 0.36, flare: 0.012, ease: 0.012, ..PLAIN },
        TShirt => Cut { neck: Neck::Round(0.02), collar: Collar::Trim, sleeve: 0.32, flare: 0.01, ..PLAIN },
        Waistcoat => Cut { neck: Neck::Vee(0.15), sleeve: 0.0, buttons: 4, ease: 0.018, ..PLAIN },
        Jacket => Cut { collar: Collar::Band, ease: 0.022, buttons: 3, border: 0.02, ..PLAIN },
        SuitJacket => {
            Cut { neck: Neck::Vee(0.2), collar: Collar::Lapels, ease: 0.021, hem: 0.08, sweep: 1.09, buttons: 2, ..PLAIN }
        }
        Tailcoat => {
            Cut { neck: Neck::Vee(0.2), collar: Collar::Lapels, ease: 0.02, hem: 0.5, sweep: 1.12, open: true, buttons: 2, ..PLAIN }
        }
        TrenchCoat => Cut {
            neck: Neck::Vee(0.13),
            collar: Collar::Trench,
            ease: 0.03,
            waist: 0.0,
            hem: 0.66,
            sweep: 1.42,
            folds: (7.0, 0.012),
            open: true,
            buttons: 6,
            flare: 0.012,
            ..PLAIN
        },
        Overcoat => Cut {
            neck: Neck::Vee(0.15),
            collar: Collar::Lapels,
            ease: 0.03,
            waist: 0.0,
            hem: 0.66,
            sweep: 1.3,
            folds: (5.0, 0.01),
            open: true,
            buttons: 3,
            ..PLAIN
        },
        LabCoat => Cut {
            neck: Neck::Vee(0.18),
            collar: Collar::Lapels,
            ease: 0.024,
            hem: 0.5,
            sweep: 1.2,
            open: true,
            buttons: 3,
            ..PLAIN
        },
        Scrubs => Cut { neck: Neck::Vee(0.05), collar: Collar::Trim, sleeve: 0.4, flare: 0.014, ease: 0.014, hem: 0.06, ..PLAIN },
        SailorTop => Cut { neck: Neck::Vee(0.1), collar: Collar::Sailor, ease: 0.012, border: 0.015, ..PLAIN },
        Cardigan => Cut { neck: Neck::Vee(0.16), collar: Collar::Trim, ease: 0.018, hem: 0.08, buttons: 4, ..PLAIN },
        Kameez => Cut {
            neck: Neck::Round(0.045),
            collar: Collar::Trim,
            sleeve: 0.75,
            ease: 0.012,
            hem: 0.52,
            sweep: 1.22,
            folds: (9.0, 0.008),
            border: 0.03,
            ..PLAIN
        },
        Kurta => Cut { collar: Collar::Band, ease: 0.014, hem: 0.48, sweep: 1.16, folds: (6.0, 0.006), buttons: 3, ..PLAIN },
        Sherwani => Cut { collar: Collar::Band, ease: 0.018, hem: 0.52, sweep: 1.18, buttons: 7, border: 0.025, ..PLAIN },
        Changshan => Cut { collar: Collar::Band, ease: 0.016, hem: 0.9, sweep: 1.12, buttons: 4, ..PLAIN },
        Qipao => Cut { collar: Collar::Band, sleeve: 0.2, ease: 0.006, hem: 0.86, sweep: 0.98, border: 0.012, ..PLAIN },
        Hanfu => Cut {
            neck: Neck::Vee(0.12),
            collar: Collar::Crossed,
            ease: 0.018,
            bag: 0.2,
            waist: 0.4,
            hem: 0.97,
            sweep: 1.5,
            folds: (14.0, 0.014),
            border: 0.04,
            ..PLAIN
        },
        Kimono => Cut {
            neck: Neck::Vee(0.12),
            collar: Collar::Crossed,
            ease: 0.02,
            bag: 0.19,
            waist: 0.0,
            hem: 0.94,
            sweep: 1.06,
            ..PLAIN
        },
        Haori => Cut {
            neck: Neck::Vee(0.3),
            collar: Collar::Trim,
            ease: 0.036,
            bag: 0.2,
            waist: -0.2,
            hem: 0.4,
            sweep: 1.28,
            open: true,
            ..PLAIN
        },
        Jeogori => {
            Cut { neck: Neck::Vee(0.08), collar: Collar::Crossed, ease: 0.016, flare: 0.035, waist: 0.8, border: 0.03, ..PLAIN }
        }
        Dress => Cut {
            neck: Neck::Vee(0.09),
            collar: Collar::None,
            sleeve: 0.22,
            ease: 0.006,
            waist: 0.1,
            hem: 0.62,
            sweep: 1.35,
            folds: (9.0, 0.014),
            ..PLAIN
        },
        Gown => Cut {
            neck: Neck::Wide(0.04),
            collar: Collar::Trim,
            sleeve: 0.7,
            ease: 0.007,
            waist: 0.3,
            hem: 0.98,
            sweep: 2.1,
            folds: (13.0, 0.02),
            border: 0.04,
            ..PLAIN
        },
        Abaya => Cut { ease: 0.024, hem: 0.97, sweep: 1.5, folds: (9.0, 0.014), flare: 0.03, border: 0.02, ..PLAIN },
        Kaftan => Cut {
            neck: Neck::Vee(0.06),
            collar: Collar::Trim,
            ease: 0.02,
            hem: 0.95,
            sweep: 1.4,
            folds: (8.0, 0.01),
            flare: 0.04,
            border: 0.04,
            ..PLAIN
        },
        Thobe => Cut { collar: Collar::Band, ease: 0.016, hem: 0.95, sweep: 1.2, folds: (6.0, 0.007), buttons: 3, ..PLAIN },
        Dashiki => Cut {
            neck: Neck::Vee(0.07),
            collar: Collar::Trim,
            sleeve: 0.5,
            flare: 0.04,
            ease: 0.018,
            hem: 0.18,
            sweep: 1.2,
            border: 0.04,
            ..PLAIN
        },
        Agbada => Cut {
            neck: Neck::Vee(0.07),
            collar: Collar::Trim,
            sleeve: 0.75,
            flare: 0.02,
            bag: 0.3,
            ease: 0.035,
            hem: 0.72,
            sweep: 1.6,
            folds: (10.0, 0.02),
            border: 0.04,
            ..PLAIN
        },
        WrapDress => Cut {
            neck: Neck::Wide(0.05),
            sleeve: 0.25,
            flare: 0.02,
            ease: 0.008,
            waist: 0.0,
            hem: 0.9,
            sweep: 1.18,
            folds: (4.0, 0.006),
            border: 0.03,
            ..PLAIN
        },
        Tunic => Cut {
            neck: Neck::Vee(0.06),
            collar: Collar::Trim,
            ease: 0.018,
            waist: 0.0,
            hem: 0.3,
            sweep: 1.3,
            folds: (9.0, 0.014),
            border: 0.03,
            ..PLAIN
        },
        SpaceSuit => Cut { collar: Collar::Ring, ease: 0.026, border: 0.02, ..PLAIN },
        _ => return None,
    })
}

/// A garment for the legs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bottom {
    /// Ease at the thigh, flare at the ankle, length (1 the ankle).
    Trousers { ease: f32, flare: f32 },
    /// Hem as in [`Cut::hem`], sweep, folds.
    Skirt { hem: f32, sweep: f32, folds: (f32, f32), from: f32 },
}

/// The cut of a garment for the legs; `None` for all others.
pub(crate) fn bottom(kind: Kind) -> Option<Bottom> {
    use Kind::*;
    Some(match kind {
        Trousers => Bottom::Trousers { ease: 0.013, flare: 0.016 },
        Jeans => Bottom::Trousers { ease: 0.009, flare: 0.012 },
        Salwar => Bottom::Trousers { ease: 0.035, flare: -0.015 },
        SpaceSuit => Bottom::Trousers { ease: 0.02, flare: 0.01 },
        Scrubs => Bottom::Trousers { ease: 0.02, flare: 0.016 },
        Skirt => Bottom::Skirt { hem: 0.5, sweep: 1.35, folds: (16.0, 0.014), from: 0.0 },
        Lehenga => Bottom::Skirt { hem: 0.96, sweep: 2.0, folds: (16.0, 0.02), from: -0.3 },
        Chima => Bottom::Skirt { hem: 0.97, sweep: 2.1, folds: (18.0, 0.016), from: 1.0 },
        Hakama => Bottom::Skirt { hem: 0.95, sweep: 1.45, folds: (12.0, 0.018), from: 0.1 },
        Saree => Bottom::Skirt { hem: 0.975, sweep: 1.42, folds: (0.0, 0.0), from: -0.3 },
        Veshti => Bottom::Skirt { hem: 0.95, sweep: 1.2, folds: (0.0, 0.0), from: -0.15 },
        _ => return None,
    })
}
