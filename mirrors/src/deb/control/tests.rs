use super::*;

const TEXT: &str = "Package: hello\nVersion: 1:2.10-3\nArchitecture: amd64\n\
    Maintainer: A <a@registry.example>\nSHA256: none\nDescription: greets\n   long\n .\n more\n";

#[test]
fn a_control_file_is_one_stanza() {
    let control = Control::read(TEXT.as_bytes()).expect("control");
    assert_eq!(control.file_name(), "hello_2.10-3_amd64.deb");
    let text = control.text();
    assert!(
        text.ends_with("Description: greets\n   long\n .\n more\n"),
        "{text}"
    );
    assert!(!text.contains("SHA256"), "lists have their own: {text}");
}

#[test]
fn what_two_could_read_differently_is_refused() {
    for (from, to) in [
        ("Package: hello", "Package: Hello"),
        ("Package: hello", "Package: ../x"),
        ("Package: hello\n", ""),
        ("1:2.10-3", "two"),
        ("amd64", "source"),
        ("amd64", "a/b"),
        ("Maintainer", "Package"),
        ("Maintainer: A", "\nMaintainer: A"),
        ("Maintainer: A", "no field"),
        ("Package: hello", " Package: hello"),
    ] {
        let text = TEXT.replacen(from, to, 1);
        Control::read(text.as_bytes()).expect_err(&text);
    }
    Control::read(b"\xff\xfe").expect_err("no text");
}
