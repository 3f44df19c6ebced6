use super::*;

#[test]
fn a_line_keeps_its_end_and_loses_of_its_text_what_does_not_fit() {
    let end = "; see https://larder.example/why/0123456789abcdef0123456789abcdef";
    let short = format!("left-pad is blocked in npm/upstream: malware{end}");
    assert_eq!(one_line(&short, end), short);
    let long = format!("{}{end}", "x".repeat(500));
    let line = one_line(&long, end);
    assert_eq!(line.len(), MAX_LINE);
    assert!(line.ends_with(&format!("xx...{end}")), "{line}");
    let exact = format!("{}{end}", "x".repeat(MAX_LINE - end.len()));
    assert_eq!(one_line(&exact, end), exact);
}

#[test]
fn nothing_of_a_text_breaks_out_of_a_line() {
    let hostile = "a\r\nSet-Cookie: b\u{0}\u{7f}\u{1b}[31m 镜像 \u{2028}é";
    assert_eq!(one_line(hostile, ""), "a??Set-Cookie: b???[31m ?? ??");
    assert_eq!(one_line("", ""), "");
}

#[test]
fn an_end_that_does_not_fit_is_left_out() {
    let end = "y".repeat(MAX_LINE);
    let line = one_line(&format!("text{end}"), &end);
    assert_eq!(line, "text");
    let end = "y".repeat(MAX_LINE - 1);
    let line = one_line(&format!("text{end}"), &end);
    assert_eq!(line, format!(".{end}"));
}

#[test]
fn each_kind_of_rule_has_its_word() {
    for kind in RuleKind::ALL {
        assert_eq!(kind.word().parse(), Ok(*kind));
    }
    assert!("rule".parse::<RuleKind>().is_err());
}
