//! Text from elsewhere, made safe to show: it must not steer the terminal nor turn what stands
//! beside it.

use std::fmt::Write;

/// Whether a character could act instead of being seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
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
    escaped(&format!("{value:#}"))
}

/// The same on one line.
pub(crate) fn json_line(value: &serde_json::Value) -> String {
    escaped(&value.to_string())
}

fn escaped(text: &str) -> String {
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
mod tests;
