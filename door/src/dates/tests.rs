use super::*;
use larder_model::Algorithm;

const SECOND: i64 = 1_000_000;
const AT: i64 = 1_800_000_000 * SECOND;

fn tag(bytes: &str) -> Digest {
    Digest::of(Algorithm::Sha256, bytes.as_bytes())
}

fn changed(at: i64, now: i64) -> Changed {
    Changed {
        date: Timestamp(at),
        ..seen(at, now, "")
    }
}

fn seen(at: i64, now: i64, view: &str) -> Changed {
    Changed::new(Timestamp(at), Timestamp(now), view)
}

fn asked(date: &HeaderValue) -> HeaderMap {
    [(IF_MODIFIED_SINCE, date.clone())].into_iter().collect()
}

#[test]
fn a_date_is_that_of_its_state() {
    let (later, first) = (changed(AT + 7, AT + SECOND), tag("first"));
    let date = later.date(&first).expect("a date");
    assert_eq!(date, "Fri, 15 Jan 2027 08:00:00 GMT");
    assert!(later.is_known(&asked(&date), &first));
    // Another state that began later has another one, and so has one that came back.
    assert!(!changed(AT + SECOND, AT + 3 * SECOND).is_known(&asked(&date), &first));
    assert!(!changed(AT - SECOND, AT + 3 * SECOND).is_known(&asked(&date), &first));
    for other in ["", "yesterday", "Fri, 15 Jan 2027 08:00:01 GMT"] {
        let other = HeaderValue::from_static(other);
        assert!(!later.is_known(&asked(&other), &first), "{other:?}");
    }
    assert!(!later.is_known(&HeaderMap::new(), &first));
}

#[test]
fn states_of_one_second_have_dates_of_their_own() {
    let (first, second) = (tag("first"), tag("second"));
    let early = changed(AT + 1, AT + 2);
    let date = early.date(&first).expect("a date");
    assert!(early.is_known(&asked(&date), &first));
    // Who has the first of them is told the second, at once and later,
    for now in [AT + 4, AT + 10 * SECOND] {
        assert!(!changed(AT + 3, now).is_known(&asked(&date), &second));
    }
    // and who has the second has it by either date.
    let own = changed(AT + 3, AT + 4).date(&second).expect("a date");
    let settled = changed(AT + 3, AT + SECOND).date(&second).expect("a date");
    assert_ne!(own, settled);
    for date in [&own, &settled] {
        assert!(changed(AT + 3, AT + 5 * SECOND).is_known(&asked(date), &second));
    }
    // The date that others of its second may get later is none of it yet.
    assert!(!changed(AT + 3, AT + 5).is_known(&asked(&settled), &second));
}

#[test]
fn an_entity_tag_says_more_than_a_date() {
    let (state, first) = (changed(AT, AT + SECOND), tag("first"));
    let mut headers = asked(&state.date(&first).expect("a date"));
    headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
    assert!(!state.is_known(&headers, &first));
}

#[test]
fn another_view_of_a_state_has_another_date() {
    let (first, second) = (tag("first"), tag("second"));
    let [one, other] = ["http://a.example", "https://a.example"].map(|view| {
        let state = seen(AT, AT + SECOND, view);
        let date = state.date(&first).expect("a date");
        assert!(state.is_known(&asked(&date), &first));
        // Those that begin later have later ones.
        let later = seen(AT + SECOND, AT + 3 * SECOND, view);
        assert!(!later.is_known(&asked(&date), &second));
        (state, date)
    });
    assert!(!one.0.is_known(&asked(&other.1), &first));
    assert!(!other.0.is_known(&asked(&one.1), &first));
}
