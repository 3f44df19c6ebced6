use super::*;

const KEYS: [&str; 6] = [
    "data",
    "server.listen",
    "server.limits.connections",
    "server.tls",
    "database.connections",
    "gc.every",
];

#[test]
fn edits_are_counted() {
    assert_eq!(edits("", ""), 0);
    assert_eq!(edits("", "abc"), 3);
    assert_eq!(edits("abc", ""), 3);
    assert_eq!(edits("kitten", "sitting"), 3);
    assert_eq!(edits("tsl", "tls"), 1);
    assert_eq!(edits("größe", "grösse"), 2);
}

#[test]
fn slips_find_their_key() {
    assert_eq!(nearest("server.lisen", KEYS), Some("server.listen"));
    assert_eq!(nearest("server.tsl", KEYS), Some("server.tls"));
    assert_eq!(nearest("dta", KEYS), Some("data"));
}

#[test]
fn a_right_word_in_the_wrong_section_finds_its_section() {
    assert_eq!(nearest("listen", KEYS), Some("server.listen"));
    assert_eq!(
        nearest("server.connections", KEYS),
        Some("server.limits.connections")
    );
}

#[test]
fn nothing_near_is_nothing() {
    assert_eq!(nearest("storage.colour", KEYS), None);
    assert_eq!(nearest("", KEYS), None);
}
