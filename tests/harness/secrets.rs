//! Secrets stay secret in every test: no server that was under test wrote one down.

use std::path::Path;

/// Hexadecimal digits of a token's secret.
const DIGITS: usize = 64;
/// Larger databases are not looked through: few tests make such, and what they keep is no secret.
const MAX_BYTES: u64 = 64 << 20;

/// What of `text` is a secret: the password, or a token.
fn found<'a>(text: &'a str, password: &'a str) -> Option<&'a str> {
    if text.contains(password) {
        return Some(password);
    }
    let mut starts = text.match_indices("lrd_");
    starts.find_map(|(start, prefix)| {
        let token = text.get(start..start + prefix.len() + DIGITS)?;
        let digits = &token[prefix.len()..];
        digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then_some(token)
    })
}

/// Fails if a server wrote a secret into its log, or into the database in its data folder.
#[track_caller]
pub(crate) fn assert_none(log: &str, data: &Path, password: &str) {
    if let Some(secret) = found(log, password) {
        let lines = log.lines().filter(|line| line.contains(secret));
        let lines: Vec<&str> = lines.take(3).collect();
        panic!("a secret is in the log:\n{}", lines.join("\n"));
    }
    for name in ["larder.db", "larder.db-wal"] {
        let path = data.join(name);
        let is_small = path.metadata().is_ok_and(|about| about.len() <= MAX_BYTES);
        if !is_small {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default(); // the test may have moved it
        if let Some(secret) = found(&String::from_utf8_lossy(&bytes), password) {
            panic!("a secret is in {name}: {secret}");
        }
    }
}

#[cfg(test)]
mod tests;
