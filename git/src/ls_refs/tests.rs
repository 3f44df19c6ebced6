use super::*;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn refs() -> Refs {
    let body = [
        format!("{ONE} HEAD symref-target:refs/heads/main"),
        format!("{ONE} refs/heads/main"),
        format!("{TWO} refs/heads/next"),
        format!("{TWO} refs/tags/v1 peeled:{ONE}"),
        format!("{TWO} refs/heads/..bad"),
    ];
    let mut lines = Writer::default();
    for line in &body {
        lines.line(line);
    }
    lines.flush();
    read(&lines.into_bytes()).expect("refs")
}

fn command(lines: &[&str]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.line("command=ls-refs");
    writer.line("agent=git/2.39.5");
    writer.delimiter();
    for line in lines {
        writer.line(line);
    }
    writer.flush();
    writer.into_bytes()
}

#[track_caller]
fn asked(lines: &[&str]) -> LsRefs {
    match read_command(&command(lines)).expect("a command") {
        Command::LsRefs(wanted) => wanted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upstreams_refs_are_read() {
    let refs = refs();
    assert_eq!(
        refs.names.len(),
        3,
        "names that git refuses are passed over"
    );
    assert_eq!(
        refs.head.as_ref().map(RefName::as_str),
        Some("refs/heads/main")
    );
    let tag = &refs.names["refs/tags/v1"];
    assert_eq!(tag.peeled.as_ref().map(Oid::as_str), Some(ONE));
}

#[test]
fn all_is_told_that_was_asked_for_and_no_more() {
    let all = asked(&["peel", "symrefs"]).answer(&refs());
    assert_eq!(read(&all).expect("refs"), refs());
    let some = asked(&["ref-prefix refs/heads/"]).answer(&refs());
    let text = String::from_utf8(some).expect("text");
    let line = |text: &str| format!("{:04x}{text}\n", text.len() + 5);
    let branches = [
        line(&format!("{ONE} refs/heads/main")),
        line(&format!("{TWO} refs/heads/next")),
    ];
    assert_eq!(text, format!("{}0000", branches.concat()));
}

#[test]
fn a_repository_without_commits_has_a_head_that_is_not_born() {
    let empty = Refs {
        head: Some("refs/heads/main".parse().expect("a name")),
        ..Refs::default()
    };
    let text = asked(&["symrefs", "unborn"]).answer(&empty);
    let text = String::from_utf8(text).expect("text");
    assert!(
        text.contains("unborn HEAD symref-target:refs/heads/main"),
        "{text}"
    );
    assert_eq!(asked(&["symrefs"]).answer(&empty), b"0000");
}

#[test]
fn what_upstreams_are_asked_is_a_command() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let wanted = read_command(&request(format)).expect("a command");
        let (peel, symrefs) = (true, true);
        let all = LsRefs {
            peel,
            symrefs,
            ..LsRefs::default()
        };
        assert_eq!(wanted, Command::LsRefs(all));
    }
}

#[test]
fn what_is_no_command_is_refused() {
    let fetch = {
        let mut lines = Writer::default();
        lines.line("command=fetch");
        lines.flush();
        lines.into_bytes()
    };
    assert_eq!(read_command(&fetch).expect("a command"), Command::Fetch);
    assert_eq!(read_command(b"0000").expect("nothing"), Command::Nothing);
    for bad in [
        &b""[..],
        b"0004",
        b"0014command=unknown0000",
        b"0013command=ls-refs",
        b"zzzz",
    ] {
        assert!(read_command(bad).is_err(), "{bad:?}");
    }
    assert!(read_command(&command(&["turn around"])).is_err());
    for bad in [&b""[..], b"0009ERR x", b"0008nope0000", b"<html>"] {
        assert_eq!(read(bad).expect_err("no refs").kind, Kind::Upstream);
    }
}
