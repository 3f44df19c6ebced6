use super::*;

#[test]
fn a_subject_is_read_as_it_is_written() {
    for text in [
        "user:alice",
        "robot:ci",
        "group:dev",
        "authenticated",
        "anonymous",
    ] {
        let subject: Subject = text.parse().expect("a subject");
        assert_eq!(subject.to_string(), text);
    }
}

#[test]
fn other_texts_are_no_subjects() {
    for text in [
        "",
        "alice",
        "users:alice",
        "everyone",
        "user",
        "Anonymous",
        "anonymous:x",
    ] {
        assert_eq!(text.parse::<Subject>(), Err(NotASubject::Form), "{text}");
    }
    for text in ["user:", "group:a b", "robot:a/b", "user:a:b"] {
        let read = text.parse::<Subject>();
        assert!(
            matches!(read, Err(NotASubject::Name(_))),
            "{text}: {read:?}"
        );
    }
}
