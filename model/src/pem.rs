//! Text in PEM (RFC 7468), taken apart by its labels. What the sections hold is for others to read.

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The sections whose label is `wanted`, in their order, without what stands around them: programs
/// write names, and sections of other kinds, into the same file. A section without an end is none.
pub fn sections(text: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut taken = String::new();
    let mut open: Option<(&str, String)> = None;
    for line in text.lines().map(str::trim) {
        if let Some(label) = label_of(line, BEGIN) {
            open = Some((label, format!("{line}\n")));
        } else if let Some((label, section)) = &mut open {
            section.push_str(line);
            section.push('\n');
            if label_of(line, END) == Some(*label) {
                if wanted(label) {
                    taken.push_str(section);
                }
                open = None;
            }
        }
    }
    taken
}

/// The sections that are certificates.
pub fn certificates(text: &str) -> String {
    sections(text, |label| label == "CERTIFICATE")
}

/// The sections that are private keys, encrypted ones too.
pub fn private_keys(text: &str) -> String {
    sections(text, |label| label.ends_with("PRIVATE KEY"))
}

fn label_of<'a>(line: &'a str, begin: &str) -> Option<&'a str> {
    line.strip_prefix(begin)?.strip_suffix(DASHES)
}

#[cfg(test)]
mod tests;
