use super::*;

#[test]
fn a_policy_is_read_as_it_is_written() {
    let text = concat!(
        r#"{"enabled":true,"rules":[{"packages":"app/*","versions":"*","keep":{"newest":10,"#,
        r#""pushed_within":"30d","matching":["v*"],"newest_per":{"of":"minor","count":1}}}],"#,
        r#""protect":["latest"],"untagged_after":"7d","trash":"0s"}"#
    );
    let policy: RetentionPolicy = serde_json::from_str(text).expect("policy");
    assert_eq!(policy.rules[0].keep.newest, Some(10));
    assert_eq!(policy.trash, Span(Duration::ZERO));
    assert_eq!(serde_json::to_string(&policy).expect("json"), text);
}

#[test]
fn what_is_no_policy_is_refused() {
    for keep in [
        r#"{"newest":-1}"#,
        r#"{"pushed_within":"a week"}"#,
        r#"{"newest_per":{"of":"patch","count":1}}"#,
        r#"{"newset":1}"#,
    ] {
        assert!(serde_json::from_str::<Keep>(keep).is_err(), "{keep}");
    }
}
