use super::*;

#[test]
fn backticks_and_empty_lines_have_a_meaning() {
    let span = |is_code, text: &str| Span {
        is_code,
        text: text.to_owned(),
    };
    let expected = vec![
        vec![span(true, "a"), span(false, " is so.")],
        vec![span(false, "And b.")],
    ];
    assert_eq!(Text::from("`a` is so.\n\nAnd b."), Text(expected));
    assert_eq!(Text::from(""), Text::default());
}
