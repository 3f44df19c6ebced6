//! Embeds what pages refer to: each file under a name that has the digest of its bytes, as it is and
//! compressed.

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use larder_model::{Algorithm, Digest};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Characters of the digest in a name.
const DIGEST: usize = 16;

/// The source of the list of assets, and a constant with the address of each.
pub(crate) fn generate(folder: &Path, out: &Path) -> Result<String, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut files: Vec<_> = entries
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let (mut list, mut names) = (String::new(), String::new());
    for file in &files {
        let Some(kind) = media_type(file) else {
            continue; // licences and notes
        };
        one(file, kind, out, (&mut list, &mut names)).map_err(|error| error.to_string())?;
    }
    Ok(format!(
        "pub(crate) const ASSETS: &[Asset] = &[\n{list}];\n/// Where each asset is.\npub(crate) mod at {{\n{names}}}\n"
    ))
}

fn media_type(file: &Path) -> Option<&'static str> {
    match file.extension()?.to_str()? {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn one(
    file: &Path,
    kind: &str,
    out: &Path,
    (list, names): (&mut String, &mut String),
) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = std::fs::read(file)?;
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or("no name")?;
    let (stem, extension) = name.rsplit_once('.').ok_or("no extension")?;
    let digest = Digest::of(Algorithm::Sha256, &bytes).hex();
    let hashed = format!("{stem}.{}.{extension}", &digest[..DIGEST]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    let mut brotli = Vec::new();
    brotli::BrotliCompress(
        &mut &bytes[..],
        &mut brotli,
        &BrotliEncoderParams::default(),
    )?;
    let forms = [
        ("plain", "", bytes),
        ("gzip", ".gz", gzip.finish()?),
        ("brotli", ".br", brotli),
    ];
    let mut included = Vec::new();
    for (field, suffix, bytes) in forms {
        let path = out.join(format!("{hashed}{suffix}"));
        std::fs::write(&path, bytes)?;
        let path = path.to_str().ok_or("the path is no UTF-8")?;
        included.push(format!("{field}: include_bytes!({path:?})"));
    }
    writeln!(
        list,
        "Asset {{ name: {hashed:?}, media_type: {kind:?}, {} }},",
        included.join(", ")
    )?;
    let constant: String = name
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() {
                char.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    writeln!(
        names,
        "pub(crate) const {constant}: &str = \"/assets/{hashed}\";"
    )?;
    Ok(())
}
