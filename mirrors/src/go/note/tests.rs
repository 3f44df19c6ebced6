use super::super::testing::KEY;
use super::*;

/// What golang.org/x/mod signed with two keys (tests/harness/sumdb writes it).
const NOTE: &str = include_str!("../testdata/note.txt");

fn key() -> Key {
    Key::parse(KEY).expect("a key")
}

#[test]
fn keys_are_those_of_the_client() {
    assert_eq!(key().name, "sum.example");
    assert_eq!(key().id(), "sum.example+4a8a4721");
    for other in [
        "sum.example",
        "",
        "sum.example+4a8a4722+ATijk8OJeHKvwrab0svy6BBZ9Z/qr34Mh4/FKF6nRkkV",
        "sum.other+4a8a4721+ATijk8OJeHKvwrab0svy6BBZ9Z/qr34Mh4/FKF6nRkkV",
        "sum.example+4a8a4721+",
    ] {
        assert_eq!(Key::parse(other), None, "{other}");
    }
}

#[test]
fn a_signed_state_is_read() {
    let tree = key().tree(NOTE).expect("a state");
    assert_eq!(tree.size, 3);
    assert_eq!(tree.hash, super::super::tree::record_hash(b"record 0\n"));
}

#[test]
fn what_the_key_did_not_sign_is_no_state() {
    let other_size = NOTE.replacen("\n3\n", "\n4\n", 1);
    let lines: Vec<&str> = NOTE.lines().collect();
    let only_other = format!("{}\n", lines[..5].join("\n"));
    let twice = NOTE.replacen("\n\n", "\n\n\n", 1);
    let cut = NOTE.trim_end().to_owned();
    let bell = NOTE.replacen("tree", "tr\u{7}ee", 1);
    for other in [other_size, only_other, twice, cut, bell, String::new()] {
        assert_eq!(key().tree(&other), None, "{other}");
    }
}

#[test]
fn records_are_read_one_by_one() {
    let answer = "7\na b c\nd\n\nrest\n";
    let record = Record::parse(answer).expect("a record");
    assert_eq!(
        (record.id, record.text, record.rest),
        (7, "a b c\nd\n", "rest\n")
    );
    for other in [
        "07\na\n\n",
        "7\n\na\n\n",
        "7\na\n",
        "a\na\n\n",
        "7\na\u{1}\n\n",
        "-1\na\n\n",
    ] {
        assert_eq!(Record::parse(other), None, "{other:?}");
    }
}
