use super::*;
use crate::deb::testing::{DSC, dsc};

#[test]
fn a_description_tells_what_a_source_package_is_made_of() {
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{DSC}\n-----BEGIN PGP SIGNATURE-----\n\n\
         AA==\n-----END PGP SIGNATURE-----\n"
    );
    for text in [DSC, &signed] {
        let description = Description::read(text.as_bytes()).expect("a description");
        assert_eq!(description.name(), "hello");
        assert_eq!(description.version(), "1:2.10-3");
        assert_eq!(description.file_name(), "hello_2.10-3.dsc");
        let names: Vec<&str> = description.parts.iter().map(|part| &*part.name).collect();
        assert_eq!(
            names,
            ["hello_2.10.orig.tar.gz", "hello_2.10-3.debian.tar.xz"]
        );
        assert_eq!(
            description.text(),
            "Package: hello\nFormat: 3.0 (quilt)\nBinary: hello\nArchitecture: any\nVersion: 1:2.10-3\n\
             Maintainer: A <a@registry.example>\nBuild-Depends: debhelper (>= 13), gcc\n\
             Package-List:\n hello deb tests optional arch=any\n"
        );
    }
}

#[test]
fn what_names_other_files_or_none_is_refused() {
    let sum = "0".repeat(64);
    for (from, to) in [
        ("Source: hello", "Source: Hello"),
        ("Source: hello\n", ""),
        ("1:2.10-3", "two"),
        ("Format: 3.0 (quilt)\n", ""),
        ("hello_2.10.orig.tar.gz", "other_2.10.orig.tar.gz"),
        ("hello_2.10.orig.tar.gz", "hello_2.10/../x.tar.gz"),
        ("hello_2.10.orig.tar.gz", "hello_2.10.orig.zip"),
        ("hello_2.10.orig.tar.gz", "hello_2.10-3.dsc"),
        ("hello_2.10.orig.tar.gz", "hello_2.10-3.debian.tar.xz"),
        ("Checksums-Sha256", "Checksums-Sha512"),
        (&*sum, "00"),
        ("Binary", "Source"),
        ("Binary: hello", "no field"),
    ] {
        let text = dsc("hello", "1:2.10-3", &[("hello_2.10.orig.tar.gz", &sum, 5)]);
        let text = text.replacen(
            "Checksums-Sha256:",
            &format!("Checksums-Sha256:\n {sum} 1 hello_2.10-3.debian.tar.xz"),
            1,
        );
        Description::read(text.as_bytes()).expect(&text);
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text, "{from}");
        Description::read(wrong.as_bytes()).expect_err(&wrong);
    }
    Description::read(b"\xff\xfe").expect_err("no text");
    Description::read(b"").expect_err("nothing");
}
