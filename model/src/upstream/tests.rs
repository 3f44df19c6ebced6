use super::*;

fn absent(statuses: &[u16]) -> Result<Vec<u16>, BadAbsentStatus> {
    AbsentStatuses::try_from(statuses.to_vec()).map(Into::into)
}

#[test]
fn absent_statuses_are_few_and_two_always_count() {
    assert_eq!(absent(&[]), Ok(vec![404, 410]));
    assert_eq!(absent(&[403, 404, 403]), Ok(vec![403, 404, 410]));
    assert_eq!(absent(&[401, 400]), Ok(vec![400, 401, 404, 410]));
    for bad in [0, 200, 402, 405, 429, 500, 503] {
        assert_eq!(absent(&[404, bad]), Err(BadAbsentStatus(bad)));
    }
    let statuses = AbsentStatuses::try_from(vec![403]).expect("statuses");
    assert!(statuses.contains(403) && statuses.contains(410) && !statuses.contains(401));
    assert!(statuses.is_added(403) && !statuses.is_added(404));
    assert!(!statuses.is_default() && AbsentStatuses::default().is_default());
}

#[test]
fn times_for_an_answer_have_bounds() {
    for (text, shown) in [
        ("1s", "1s"),
        ("45s", "45s"),
        ("600s", "10m"),
        ("1500ms", "1500ms"),
    ] {
        assert_eq!(
            text.parse::<AnswerTime>().map(String::from),
            Ok(shown.to_owned())
        );
    }
    for bad in ["", "45", "999ms", "0s", "601s", "1h", "soon"] {
        assert_eq!(bad.parse::<AnswerTime>(), Err(BadAnswerTime), "{bad}");
    }
}
