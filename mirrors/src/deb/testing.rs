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

/// The description of a source package.
pub(super) const DSC: &str = "Format: 3.0 (quilt)\nSource: hello\nBinary: hello\nArchitecture: any\n\
    Version: 1:2.10-3\nMaintainer: A <a@registry.example>\nBuild-Depends: debhelper (>= 13), gcc\n\
    Package-List:\n hello deb tests optional arch=any\n\
    Checksums-Sha256:\n \
    2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 1 hello_2.10.orig.tar.gz\n \
    a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa 1 hello_2.10-3.debian.tar.xz\n\
    Files:\n 9dd4e461268c8034f5c8564e155c67a6 1 hello_2.10.orig.tar.gz\n\
    \x20415290769594460e2e485922904f345d 1 hello_2.10-3.debian.tar.xz\n";

/// The same of others, whose files have these names, digests and sizes.
pub(super) fn dsc(name: &str, version: &str, parts: &[(&str, &str, u64)]) -> String {
    let line = |(name, sum, size): &(&str, &str, u64)| format!("\n {sum} {size} {name}");
    let sums: String = parts.iter().map(line).collect();
    format!(
        "Format: 3.0 (quilt)\nSource: {name}\nBinary: {name}\nArchitecture: any\nVersion: {version}\n\
         Checksums-Sha256:{sums}\n"
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
