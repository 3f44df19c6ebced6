//! Text from elsewhere, made safe to show: it must not steer the terminal nor turn what stands
//! beside it.

use std::fmt::Write;

/// Whether a character could act instead of being seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text with `\u{…}` for whatever acts.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// JSON with `\uXXXX` for whatever acts: it means the same, since such characters stand only in its
/// strings.
pub(crate) fn json(value: &serde_json::Value) -> String {
    let text = format!("{value:#}");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}"); // a String takes everything
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_as_a_number() {
        assert_eq!(plain("größe 尺寸 a-b"), "größe 尺寸 a-b");
        assert_eq!(
            plain("a\u{1b}[31mb\r\n\t\u{9b}c"),
            r"a\u{1b}[31mb\u{d}\u{a}\u{9}\u{9b}c"
        );
        assert_eq!(
            plain("\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{61c}"),
            r"\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{61c}"
        );
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = serde_json::json!({"a\u{202e}": ["x\u{1b}\u{9b}\u{feff}", "ä\n", 1]});
        let text = json(&value);
        assert!(text.chars().all(|c| c == '\n' || !acts(c)), "{text:?}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
            value
        );
    }
}
