//! Python pickles, by name and by their first bytes: they are programs, and klieg runs none of them.

/// Endings that pickles of weights have.
const ENDINGS: [&str; 6] = [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"];

/// Whether a file of that name is taken for a pickle.
pub fn is_called(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Whether a file that begins so is a pickle, whatever it is called: a ZIP (PyTorch since 1.6), a bare pickle of protocol 2 to 5,
/// or PyTorch's tar. A safetensors header may begin with the same two bytes as a pickle, but has a brace after its length.
pub fn begins(first: &[u8]) -> bool {
    let bare = matches!(first, [0x80, 2..=5, ..]) && first.get(8) != Some(&b'{');
    bare || first.starts_with(b"PK\x03\x04") || first.get(257..262) == Some(b"ustar")
}
