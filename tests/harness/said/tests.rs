use super::*;

#[test]
fn what_differs_is_cut() {
    let digest = "0bdb41adde985922c6fbe27db462fab6097c06d33382cb51071ffe2689054f73";
    for (text, expected) in [
        (
            "GET http://127.0.0.1:7711/v2/: no",
            "GET http://HOST/v2/: no",
        ),
        ("service=127.0.0.1%3A7711: no", "service=HOST: no"),
        (
            "time=\"2026-11-21T12:08:26Z\" level=fatal",
            "time=\"TIME\" level=fatal",
        ),
        ("time=2026-11-21T12:09:41.126Z level", "time=TIME level"),
        ("2026/11/21 12:08:27 pushed", "TIME pushed"),
        ("open /tmp/.tmpaB3dEf/home/x", "open HOME/home/x"),
        (&format!("team/x@sha256:{digest}"), "team/x@sha256:…"),
        (&format!("sha256-{digest}.sig"), "sha256-….sig"),
        (
            "see http://127.0.0.1:77/why/3f0c41e0a2b94d5f8e6c7d1b2a3f4e5d x",
            "see http://HOST/why/ID x",
        ),
        ("digest size: 527", "digest size: …"),
        ("is asked for again in 16 s", "is asked for again in TIME"),
        ("nothing | here", "nothing | here"),
    ] {
        assert_eq!(normal(text), expected);
    }
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(one_line("a | b\n\n`c`\n"), "`a \\| b`<br>`'c'`");
    assert_eq!(one_line(""), "(nothing)");
}
