//! The `Link` header (RFC 8288).

/// The address of the next page in the value of a `Link` header, as it stands there.
pub fn next_link(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some((_, from)) = rest.split_once('<') {
        let (target, after) = from.split_once('>')?;
        let mut parameters;
        (parameters, rest) = split_unquoted(after, ',');
        while !parameters.is_empty() {
            let parameter;
            (parameter, parameters) = split_unquoted(parameters, ';');
            if is_next(parameter) {
                return Some(target.trim());
            }
        }
    }
    None
}

/// What stands before the first mark that is in no quotes, and what stands after it.
fn split_unquoted(text: &str, mark: char) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            c if c == mark && !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// Whether a parameter says that the target comes next, perhaps beside other relations.
fn is_next(parameter: &str) -> bool {
    let Some((name, relations)) = parameter.split_once('=') else {
        return false;
    };
    let relations = relations.trim().trim_matches('"');
    let mut relations = relations.split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && relations.any(|it| it.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests;
