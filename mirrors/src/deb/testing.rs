//! Packages for tests.

use crate::archive::ar::tests::ar;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// A control file.
pub(super) fn control(name: &str, version: &str, architecture: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nSection: tests\n\
         Maintainer: A <a@registry.example>\nDepends: libc6 (>= 2.34), one | two [amd64]\n\
         Homepage: https://registry.example/\nDescription: greets\n It does.\n .\n Really.\n"
    )
}

/// A tar archive of files.
pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ::tar::Builder::new(Vec::new());
    for (path, contents) in files {
        let mut header = ::tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive
            .append_data(&mut header, path, *contents)
            .expect("entry");
    }
    archive.into_inner().expect("archive")
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("packed");
    packer.finish().expect("packed")
}

/// A package with this control file and these files.
pub(super) fn package(control: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    ar(&[
        ("debian-binary", b"2.0\n"),
        (
            "control.tar.gz",
            &gzip(&tar(&[("control", control.as_bytes())])),
        ),
        ("data.tar.gz", &gzip(&tar(files))),
    ])
}
