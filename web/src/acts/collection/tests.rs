use super::*;

#[test]
fn waits_are_whole_seconds_and_never_shorter_than_asked_for() {
    for (text, seconds) in [
        ("0s", 0),
        ("0ms", 0),
        ("1ms", 1),
        ("1500ms", 2),
        ("2s", 2),
        ("1d", 86_400),
    ] {
        assert_eq!(whole_seconds(text).expect(text), seconds, "{text}");
    }
    for text in ["", "0", "s", "-1s", "1.5h", "soon", "99999999999999999999d"] {
        let problem = whole_seconds(text).expect_err(text);
        assert_eq!(problem.about, "grace", "{text}");
    }
}
