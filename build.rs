//! Lets the binary and its tests find a libduckdb that is linked, not compiled in, without help when they run.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    let linked =
        std::env::var_os("CARGO_FEATURE_STORE").is_some() && std::env::var_os("CARGO_FEATURE_BUNDLED").is_none();
    if let Some(folder) = std::env::var_os("DUCKDB_LIB_DIR").filter(|_| linked && cfg!(unix)) {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
}
