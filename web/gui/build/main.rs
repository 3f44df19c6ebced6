//! Makes the texts and the assets of the pages, so that `cargo build` alone is enough.

#![expect(clippy::print_stdout, reason = "cargo reads it")]

mod assets;
mod text;

use std::path::Path;

fn main() {
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    let out = Path::new(&out);
    for (folder, made) in [("text", "text.rs"), ("assets", "assets.rs"), ("build", "")] {
        println!("cargo::rerun-if-changed={folder}");
        let source = match made {
            "text.rs" => text::generate(Path::new(folder)),
            "assets.rs" => assets::generate(Path::new(folder), out),
            _ => continue,
        };
        let written = source.and_then(|source| {
            std::fs::write(out.join(made), source).map_err(|error| error.to_string())
        });
        if let Err(error) = written {
            println!("cargo::error={folder}: {error}");
        }
    }
}
