use super::*;

#[test]
fn sections_keys_and_continued_values() {
    let text = "a=0\n# c\n[one]\nurl = https://a.example/?x=1\nmore: 2\nlist =\n  x\n  y\n\n[two]\n junk\n; c\nb=\n";
    let read = read(text, &['=', ':']);
    let shown: Vec<_> = read
        .iter()
        .map(|entry| (&*entry.section, &*entry.key, &*entry.value))
        .collect();
    assert_eq!(
        shown,
        [
            ("", "a", "0"),
            ("one", "url", "https://a.example/?x=1"),
            ("one", "more", "2"),
            ("one", "list", "\nx\ny"),
            ("two", "b", ""),
        ]
    );
}
