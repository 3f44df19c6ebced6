use super::*;

const FILE: &[u8] = br#"// Deprecated: use example.com/b
// instead.
module "example.com/a" // and this

go 1.21.0 // some comment
toolchain go1.21.3

require example.com/one v1.0.0

require (
	example.com/two v1.1.0 // indirect
	// a comment
	`example.com/three` v0.0.0-20191109021931-daa7c04131f5 //indirect
)

replace example.com/one => ../one
exclude example.com/two v1.0.9
tool example.com/two/cmd/x
ignore ./node_modules

// Published by mistake.
retract v1.0.1

// All of these.
retract (
	v0.9.0
	[v1.1.0, v1.2.0] // they leak
)
newer (
	directive with words
)
"#;

#[test]
fn a_file_is_read() {
    let file = ModFile::read(FILE).expect("a file");
    assert_eq!(file.module, "example.com/a");
    assert_eq!(
        file.deprecated.as_deref(),
        Some("use example.com/b instead. and this")
    );
    assert_eq!(
        (file.language, file.toolchain),
        (Some("1.21.0"), Some("go1.21.3"))
    );
    let needs: Vec<_> = file
        .requires
        .iter()
        .map(|needed| (&*needed.path, &*needed.version, needed.indirect))
        .collect();
    let expected = [
        ("example.com/one", "v1.0.0", false),
        ("example.com/two", "v1.1.0", true),
        (
            "example.com/three",
            "v0.0.0-20191109021931-daa7c04131f5",
            true,
        ),
    ];
    assert_eq!(needs, expected);
    let retracted: Vec<_> = file
        .retracted
        .iter()
        .map(|one| (&*one.first, &*one.last, &*one.reason))
        .collect();
    let expected = [
        ("v1.0.1", "v1.0.1", "Published by mistake."),
        ("v0.9.0", "v0.9.0", "All of these."),
        ("v1.1.0", "v1.2.0", "they leak"),
    ];
    assert_eq!(retracted, expected);
}

#[test]
fn what_is_no_file_is_none() {
    for text in [
        "",
        "go 1.21\n",
        "module a\nmodule b\n",
        "<!DOCTYPE html><html><body>Sign in</body></html>",
        "module \"a\n",
    ] {
        assert!(ModFile::read(text.as_bytes()).is_none(), "{text}");
    }
    assert_eq!(
        ModFile::only_path("example.com/a"),
        b"module example.com/a\n"
    );
}

#[test]
fn the_path_of_a_module_is_found_in_what_newer_clients_read() {
    let found = module_path(b"unknown \"x\nmodule example.com/a // x\n");
    assert_eq!(found.as_deref(), Some("example.com/a"));
    assert_eq!(module_path(b"<html>module of a page</html>"), None);
}
