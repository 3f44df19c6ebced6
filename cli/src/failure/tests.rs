use super::*;

#[test]
fn failures_are_told_with_cause_and_advice() {
    let failure = Failure::Unreachable {
        server: "http://127.0.0.1:1".to_owned(),
        secure: false,
        cause: "refused\u{1b}[2J".to_owned(),
    };
    let report = failure.report();
    let advice =
        "check that the server runs (larder serve) and its address is right (--server URL)";
    assert_eq!(
        report.lines(false),
        format!(
            "error[unreachable]: cannot reach http://127.0.0.1:1\n  cause: refused\\u{{1b}}[2J\n  \
             try: {advice}\n"
        )
    );
    assert!(
        report
            .lines(true)
            .starts_with("\u{1b}[1;31merror[unreachable]\u{1b}[0m: ")
    );
    assert_eq!(
        report.json(failure.exit()),
        json!({"error": {"code": "unreachable", "message": "cannot reach http://127.0.0.1:1",
            "cause": "refused\\u{1b}[2J", "try": advice, "exit": 1}})
    );
    assert_eq!(
        failure.to_string(),
        "cannot reach http://127.0.0.1:1 (refused\\u{1b}[2J)"
    );
}

#[test]
fn failures_of_our_own_have_their_exits() {
    let text = || "x".to_owned();
    for (failure, exit) in [
        (Failure::Usage(text()), 2),
        (Failure::NotLoggedIn, 4),
        (Failure::Missing(text()), 3),
        (Failure::Clash(text()), 6),
        (Failure::Local(text()), 1),
        (Failure::Interrupted, 130),
    ] {
        assert_eq!(failure.exit().code(), exit, "{failure:?}");
        let lines = failure.report().lines(false);
        assert!(
            lines.starts_with("error[") && lines.ends_with('\n'),
            "{lines}"
        );
    }
}
