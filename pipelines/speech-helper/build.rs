fn main() {
    println!("cargo:rustc-link-lib=espeak-ng");
}
