use super::*;
use http::HeaderMap;
use http::header::IF_MATCH;

fn read(values: &[&'static str]) -> Result<Option<Tags>, Problem> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(IF_MATCH, HeaderValue::from_static(value));
    }
    Tags::read(headers.get_all(IF_MATCH), "if_match", &IF_MATCH)
}

#[test]
fn lists_are_read() {
    let tag = |weak: bool, text: &str| (weak, text.to_owned());
    for (values, expected) in [
        (&[][..], None),
        (&["*"], Some(Tags::Any)),
        (&["\"a\""], Some(Tags::These(vec![tag(false, "a")]))),
        (&["W/\"a\""], Some(Tags::These(vec![tag(true, "a")]))),
        (
            &["\"a,b\" , W/\"c\"", ",\"d\","],
            Some(Tags::These(vec![
                tag(false, "a,b"),
                tag(true, "c"),
                tag(false, "d"),
            ])),
        ),
    ] {
        assert_eq!(read(values).expect("a list"), expected, "{values:?}");
    }
}

#[test]
fn what_is_no_list_is_refused() {
    for values in [
        &[""][..],
        &["a"],
        &["\"a"],
        &["\"a\" \"b\""],
        &["w/\"a\""],
        &["\"a\"", "b"],
        &[","],
    ] {
        let refused = read(values).expect_err("no list");
        assert_eq!(refused.about, "if_match", "{values:?}");
        assert!(
            refused.detail.contains("`if-match` is * or"),
            "{}",
            refused.detail
        );
    }
}

#[test]
fn a_tag_is_of_its_bytes() {
    let tag = EntityTag::of(b"one", None);
    assert_eq!(tag, EntityTag::of(b"one", None));
    assert_ne!(tag, EntityTag::of(b"two", None));
    assert_eq!(tag.header().expect("header").len(), 2 + 2 * BYTES);
}

#[test]
fn a_weak_tag_is_none_for_a_change() {
    let tag = EntityTag::of(b"one", None);
    let of = |weak| Tags::These(vec![(weak, tag.0.clone())]);
    assert!(of(false).name_strongly(&tag) && of(false).name(&tag));
    assert!(!of(true).name_strongly(&tag) && of(true).name(&tag));
    assert!(Tags::Any.name_strongly(&tag) && Tags::Any.name(&tag));
    let other = EntityTag::of(b"two", None);
    assert!(!of(false).name_strongly(&other) && !of(false).name(&other));
}

#[test]
fn counts_do_not_stand_in_the_way_of_a_change() {
    let settled = SettledState::of(&"state").expect("state");
    let other = SettledState::of(&"other state").expect("state");
    let shown = EntityTag::of(b"one", Some(&settled));
    let seen = Tags::These(vec![(false, shown.0.clone())]);
    let counted = EntityTag::of(b"two", Some(&settled));
    assert!(seen.name_strongly(&counted) && !seen.name(&counted));
    let changed = EntityTag::of(b"one", Some(&other));
    assert!(!seen.name_strongly(&changed) && !seen.name(&changed));
}
