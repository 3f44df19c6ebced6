//! Server-sent events (HTML 9.2), as far as the API sends them: lines of data between empty lines.

/// The largest event, in bytes.
const EVENT: usize = 1 << 20;

/// Reads events out of pieces of text, however they are cut.
#[derive(Default)]
pub(crate) struct Events {
    /// What came after the last whole line.
    rest: Vec<u8>,
    /// The data of the event that has begun.
    data: String,
}

/// What is no event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoEvent;

impl Events {
    /// The data of the events that end in a piece.
    pub(crate) fn read(&mut self, piece: &[u8]) -> Result<Vec<String>, NoEvent> {
        let mut found = Vec::new();
        for byte in piece {
            if *byte != b'\n' {
                self.rest.push(*byte);
                if self.rest.len() + self.data.len() > EVENT {
                    return Err(NoEvent);
                }
                continue;
            }
            let line = String::from_utf8(std::mem::take(&mut self.rest)).map_err(|_| NoEvent)?;
            let line = line.strip_suffix('\r').unwrap_or(&line);
            match line.split_once(':') {
                None if line.is_empty() && !self.data.is_empty() => {
                    found.push(std::mem::take(&mut self.data));
                }
                Some(("data", text)) => {
                    if !self.data.is_empty() {
                        self.data.push('\n');
                    }
                    self.data.push_str(text.strip_prefix(' ').unwrap_or(text));
                }
                _ => {} // a comment, or a field that says nothing here
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
