//! Files of sections with keys, as pip, dnf and npm write them.

/// One line of such a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The section; empty before the first.
    pub(crate) section: String,
    pub(crate) key: String,
    /// The value; lines that continue it are joined by a line feed.
    pub(crate) value: String,
}

/// Reads a file. `separators`: what may stand between key and value. What is neither section nor
/// key is passed over.
pub(crate) fn read(text: &str, separators: &[char]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = String::new();
    let mut open = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if open
            && line.starts_with([' ', '\t'])
            && let Some(last) = entries.last_mut()
        {
            last.value.push('\n');
            last.value.push_str(trimmed);
            continue;
        }
        if let Some(name) = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            name.trim().clone_into(&mut section);
            open = false;
            continue;
        }
        open = false;
        if let Some((key, value)) = trimmed.split_once(separators) {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            entries.push(Entry {
                section: section.clone(),
                key,
                value,
            });
            open = true;
        }
    }
    entries
}

#[cfg(test)]
mod tests;
