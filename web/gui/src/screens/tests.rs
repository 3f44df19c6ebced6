use super::*;

#[test]
fn results_have_one_word_everywhere() {
    let (en, zh) = (Language::English, Language::Chinese);
    assert_eq!(result_word(&en, "ok"), "ok");
    assert_eq!(result_word(&en, "refused"), "refused");
    assert_eq!(result_word(&zh, "refused"), "已拒绝");
    assert_eq!(
        result_word(&zh, "other"),
        "other",
        "what is new is shown as it is"
    );
    assert_eq!(result_class("failed"), "danger");
}
