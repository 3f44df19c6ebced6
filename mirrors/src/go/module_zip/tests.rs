use super::super::testing::zip_of;
use super::*;
use std::io::Cursor;

/// What golang.org/x/mod packed, and what it says of that (tests/harness/sumdb writes it).
const ZIP: &[u8] = include_bytes!("../testdata/module.zip");
const SUMS: &str = include_str!("../testdata/zip-sum.txt");
const MODULE: (&str, &str) = ("example.com/Azure/thing", "v1.2.3");

fn sum(bytes: &[u8], module: (&str, &str)) -> Result<String, Fault> {
    let mut cursor = Cursor::new(bytes.to_vec());
    let mut window = Window::new(&mut cursor, 0, bytes.len() as u64);
    ModuleZip::read(&mut window, module, MAX_ZIP)?.sum(&mut window)
}

/// The reason why a zip file of these names below the folder of `example.com/a@v1.0.0` is refused.
fn refusal(names: &[(&str, u32)]) -> Option<String> {
    let names: Vec<(String, u32)> = names
        .iter()
        .map(|(name, mode)| (format!("example.com/a@v1.0.0/{name}"), *mode))
        .collect();
    let entries: Vec<(&str, &str, u32)> = names
        .iter()
        .map(|(name, mode)| (&**name, "", *mode))
        .collect();
    match sum(&zip_of(&entries), ("example.com/a", "v1.0.0")) {
        Ok(_) => None,
        Err(Fault::Refused(text) | Fault::TooLarge(text)) => Some(text.into_owned()),
        Err(Fault::Io(error)) => panic!("{error}"),
    }
}

#[test]
fn sums_are_those_of_the_client() {
    let (zip, go_mod) = SUMS.trim().split_once('\n').expect("two lines");
    assert_eq!(sum(ZIP, MODULE).ok().as_deref(), Some(zip));
    let mut cursor = Cursor::new(ZIP.to_vec());
    let mut window = Window::new(&mut cursor, 0, ZIP.len() as u64);
    let module = ModuleZip::read(&mut window, MODULE, MAX_ZIP).expect("a module");
    assert!(module.has_go_mod());
    let body = module.go_mod(&mut window).expect("a go.mod");
    assert_eq!(super::super::sums::of_go_mod(&body), go_mod);
    let mut top: Vec<&str> = module.top().map(|(name, _)| name).collect();
    top.sort_unstable();
    assert_eq!(top, ["LICENSE", "README.md", "go.mod", "thing.go"]);
}

#[test]
fn the_sum_is_of_the_files_and_not_of_the_packing() {
    let names = ["a.go", "b.go"].map(|name| format!("example.com/a@v1.0.0/{name}"));
    let one = zip_of(&[(&names[0], "a", 0), (&names[1], "b", 0)]);
    let other = zip_of(&[(&names[1], "b", 0o100_644), (&names[0], "a", 0o100_755)]);
    let module = ("example.com/a", "v1.0.0");
    assert_ne!(one, other);
    assert_eq!(sum(&one, module).ok(), sum(&other, module).ok());
    let changed = zip_of(&[(&names[0], "a", 0), (&names[1], "c", 0)]);
    assert_ne!(sum(&one, module).ok(), sum(&changed, module).ok());
}

#[test]
fn what_no_client_takes_is_refused() {
    assert_eq!(refusal(&[("go.mod", 0), ("a/", 0), ("a/b.go", 0)]), None);
    for (names, why) in [
        (&[("a.go", 0), ("A.go", 0)][..], "case does not count"),
        (&[("ſ.go", 0), ("s.go", 0)], "case does not count"),
        (&[("a/b.go", 0), ("A/c.go", 0)], "case does not count"),
        (&[("a", 0), ("a/b.go", 0)], "case does not count"),
        (&[("link", 0o120_777)], "a link"),
        (&[("inner/go.mod", 0)], "go.mod below"),
        (&[("GO.MOD", 0)], "go.mod below"),
        (&[("con.txt", 0)], "not every system"),
        (&[("a:b", 0)], "not every system"),
        (&[("a.", 0)], "not every system"),
        (&[("a\u{7}", 0)], "plain path"),
        (&[("../a", 0)], "plain path"),
        (&[("a.go", 0), ("a.go", 0)], "two entries"),
    ] {
        let refusal = refusal(names).unwrap_or_default();
        assert!(refusal.contains(why), "{names:?}: {refusal}");
    }
    // Few names can make folders without number.
    let deep = |at: usize| format!("{at}{}", "/a".repeat(1900));
    let deep: Vec<String> = (0..40).map(deep).collect();
    let deep: Vec<(&str, u32)> = deep.iter().map(|name| (&**name, 0)).collect();
    assert_eq!(refusal(&deep[..10]), None);
    assert!(refusal(&deep).is_some_and(|why| why.contains("too many folders")));
    let outside = zip_of(&[("example.com/a@v1.0.1/a.go", "", 0)]);
    assert!(sum(&outside, ("example.com/a", "v1.0.0")).is_err());
    assert!(sum(&ZIP[..ZIP.len() - 30], MODULE).is_err());
    assert!(sum(b"<html></html>", MODULE).is_err());
    let mut damaged = ZIP.to_vec();
    damaged[70] ^= 1; // in the content of the first file
    assert!(sum(&damaged, MODULE).is_err());
}
