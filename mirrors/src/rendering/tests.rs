use super::*;

#[test]
fn every_address_fills_a_place() {
    let short = "https://r.example";
    let long = format!("https://{}.example:65535", "a".repeat(245));
    for (origin, bytes) in [(short, 64), (&*long, 272)] {
        assert_eq!(place_bytes(origin), Some(bytes));
        let filling = filling(origin, bytes).expect("it fits");
        assert_eq!(filling.len(), bytes);
        let text = String::from_utf8(filling).expect("text");
        assert_eq!(text.trim_start(), format!("\"{origin}"));
    }
    assert_eq!(place_bytes(&"a".repeat(272)), None);
}

#[test]
fn what_would_end_a_string_fills_no_place() {
    for origin in [
        "http://a\"b",
        "http://a\\",
        "http://a b",
        "http://a\n",
        "http://ä",
    ] {
        assert_eq!(filling(origin, 64), None, "{origin}");
    }
    assert_eq!(filling("http://a", 8), None);
}

#[test]
fn an_address_changes_no_length() {
    let rendered = || {
        let mut out = Rendering::new(64, 0);
        out.push_str("{\"a\":");
        out.push_url("/x \"y\"");
        out.push_str("}");
        out
    };
    assert_eq!(rendered().places(), [5]);
    let mut lengths = Vec::new();
    for origin in ["http://a", "https://a.example:7070"] {
        let all = rendered().filled(&filling(origin, 64).expect("it fits"));
        let read: serde_json::Value = serde_json::from_slice(&all).expect("JSON");
        assert_eq!(read["a"], format!("{origin}/x \"y\""));
        lengths.push(all.len());
    }
    assert_eq!(lengths, [rendered().bytes().len(); 2]);
}

#[test]
fn what_is_not_filled_is_like_nothing_else() {
    let all = unfilled(PLACE_BYTES[1]);
    assert!(all.iter().copied().all(is_unfilled));
    let mut windows: Vec<_> = all.windows(3).collect();
    windows.sort_unstable();
    windows.dedup();
    assert_eq!(windows.len(), all.len() - 2);
    let text = "any text, \t\r\n \u{7f} äöü \u{10ffff}";
    assert!(!text.bytes().any(is_unfilled));
}
