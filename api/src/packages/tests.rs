use super::*;

#[test]
fn yanked_is_a_flag_or_a_reason() {
    for (json, yanked) in [
        ("false", Yanked::No),
        ("true", Yanked::Yes),
        (r#""broken""#, Yanked::Because("broken".into())),
    ] {
        assert_eq!(serde_json::to_string(&yanked).expect("JSON"), json);
        assert_eq!(serde_json::from_str::<Yanked>(json).ok(), Some(yanked));
    }
    assert!(serde_json::from_str::<Yanked>("1").is_err());
}
