//! Requests as an upstream gets them.

use std::io::{self, BufRead};
use std::time::Instant;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// What came with it.
    pub body: Vec<u8>,
    /// When.
    pub at: Instant,
}

impl Asked {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads the next request of a connection; `None`: it ends.
pub(crate) fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            let mut asked = Asked {
                method,
                path,
                headers,
                body: Vec::new(),
                at: Instant::now(),
            };
            let length = asked
                .header("content-length")
                .and_then(|length| length.parse().ok());
            asked.body.resize(length.unwrap_or(0), 0);
            reader.read_exact(&mut asked.body)?;
            return Ok(Some(asked));
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}
