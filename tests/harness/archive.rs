//! Archives of a few small files, and packages of each language made of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder_model::{Algorithm, Digest};
use serde_json::json;
use std::io::{Read as _, Write as _};

/// Compressed as servers and repositories do it.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("gzip");
    encoder.finish().expect("gzip")
}

/// What is within.
pub fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_string(&mut text)
        .expect("gzip");
    text
}

/// What is in an archive under a name.
#[derive(Clone, Copy, Debug)]
pub enum Member<'a> {
    /// A file with these bytes, which may be executed.
    File(&'a str, &'a [u8]),
    /// A symbolic link, and where it leads.
    Symlink(&'a str, &'a str),
    /// Another name of a file that is there, and the file's.
    HardLink(&'a str, &'a str),
}

/// A tar archive (POSIX ustar) of these files, which may be executed.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let members = files.iter().map(|(name, bytes)| Member::File(name, bytes));
    tar_of(&members.collect::<Vec<_>>())
}

/// A tar archive (POSIX ustar) of these.
pub fn tar_of(members: &[Member<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for member in members {
        let (name, bytes, kind, target) = match *member {
            Member::File(name, bytes) => (name, bytes, b'0', ""),
            Member::HardLink(name, target) => (name, &b""[..], b'1', target),
            Member::Symlink(name, target) => (name, &b""[..], b'2', target),
        };
        archive.extend(tar_header(name, bytes.len(), kind, target));
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn tar_header(name: &str, size: usize, kind: u8, target: &str) -> [u8; 512] {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000755\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, target.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

/// A zip archive of these files, not compressed.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let offset = number(archive.len());
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let size = number(bytes.len());
        let length = u16::try_from(name.len()).expect("short").to_le_bytes();
        // Version 2.0, no flags, stored; 1980-01-01 at midnight; no extra field.
        let about = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0],
            &crc.sum().to_le_bytes()[..],
            &size,
            &size,
            &length,
            &[0; 2],
        ]
        .concat();
        archive.extend([b"PK\x03\x04", &about[..], name.as_bytes(), bytes].concat());
        // No comment, the first disk, no attributes.
        directory.extend(
            [
                b"PK\x01\x02\x14\x00",
                &about[..],
                &[0; 10],
                &offset,
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let (count, start) = (
        u16::try_from(files.len()).expect("few").to_le_bytes(),
        number(archive.len()),
    );
    let end = [
        b"PK\x05\x06\0\0\0\0",
        &count[..],
        &count,
        &number(directory.len()),
        &start,
        &[0; 2],
    ]
    .concat();
    [archive, directory, end].concat()
}

fn number(size: usize) -> [u8; 4] {
    u32::try_from(size).expect("small").to_le_bytes()
}

/// A crate whose `WORD` is this text.
pub fn crate_file(name: &str, version: &str, word: &str) -> Vec<u8> {
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    let source = format!("pub const WORD: &str = \"{word}\";\n");
    let below = |file: &str| format!("{name}-{version}/{file}");
    gzip(&tar(&[
        (&below("Cargo.toml"), manifest.as_bytes()),
        (&below("src/lib.rs"), source.as_bytes()),
    ]))
}

/// An npm package that is this text.
pub fn tarball(name: &str, version: &str, word: &str) -> Vec<u8> {
    let manifest = json!({"name": name, "version": version, "main": "index.js"}).to_string();
    let source = format!("module.exports = \"{word}\"\n");
    gzip(&tar(&[
        ("package/package.json", manifest.as_bytes()),
        ("package/index.js", source.as_bytes()),
    ]))
}

/// A PHP package with one class of this name, whose `WORD` is this text. `more`: further fields of its
/// manifest.
pub fn php_package(name: &str, version: &str, word: &str, more: &serde_json::Value) -> Vec<u8> {
    let mut manifest = json!({"name": name, "version": version, "description": "A probe",
        "license": "MIT", "type": "library", "autoload": {"classmap": ["src/"]}});
    for (key, value) in more.as_object().into_iter().flatten() {
        manifest[key] = value.clone();
    }
    let manifest = manifest.to_string();
    let class = php_class(name);
    let source = format!("<?php\nclass {class} {{ const WORD = \"{word}\"; }}\n");
    zip(&[
        ("composer.json", manifest.as_bytes()),
        (&format!("src/{class}.php"), source.as_bytes()),
        ("README.md", b"# A probe\n"),
    ])
}

/// The class in such a package.
pub fn php_class(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    format!("P{}", letters.collect::<String>())
}

/// The metadata of a wheel.
pub fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
}

/// A wheel for any Python, with one module whose `WORD` is this text.
pub fn wheel(name: &str, version: &str, word: &str) -> Vec<u8> {
    let info = format!("{name}-{version}.dist-info");
    let below = |file: &str| format!("{info}/{file}");
    let made = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let files = [
        (format!("{name}.py"), format!("WORD = \"{word}\"\n")),
        (below("METADATA"), metadata(name, version)),
        (below("WHEEL"), made.to_owned()),
    ];
    let line = |(path, text): &(String, String)| {
        let sum = URL_SAFE_NO_PAD.encode(Digest::of(Algorithm::Sha256, text.as_bytes()).bytes());
        format!("{path},sha256={sum},{}\n", text.len())
    };
    let record = (
        below("RECORD"),
        format!(
            "{}{},,\n",
            files.iter().map(line).collect::<String>(),
            below("RECORD")
        ),
    );
    let all: Vec<(&str, &[u8])> = files
        .iter()
        .chain([&record])
        .map(|(path, text)| (path.as_str(), text.as_bytes()))
        .collect();
    zip(&all)
}
