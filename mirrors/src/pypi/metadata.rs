//! The core metadata in a distribution (packaging specifications, "Core metadata").

use super::names::normalised;
use super::version::Version;
use larder_model::Problem;
use std::borrow::Cow;

const MAX_RANGE_BYTES: usize = 1024;

/// The problem of an invalid upload.
pub(super) fn invalid(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::invalid("upload", detail)
}

/// Reads `Requires-Python`; fails if the metadata is not that of `version` of `project`.
pub(super) fn requires_python(
    bytes: &[u8],
    project: &str,
    version: &Version,
) -> Result<Option<String>, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| invalid("the metadata is not UTF-8").because(error))?;
    let found = fields(text)?;
    let [name, found_version, range] = found;
    if name.is_none_or(|name| normalised(name) != project) {
        return Err(invalid(
            "the metadata in the archive is that of another project",
        ));
    }
    if found_version
        .and_then(Version::parse)
        .is_none_or(|found| found != *version)
    {
        return Err(invalid(
            "the metadata in the archive is that of another version",
        ));
    }
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".*+!<>=~-_, ".contains(&byte);
    match range {
        Some(range) if range.len() > MAX_RANGE_BYTES || !range.bytes().all(inner) => Err(invalid(
            "the metadata's Requires-Python is no range of versions",
        )),
        range => Ok(range.filter(|range| !range.is_empty()).map(str::to_owned)),
    }
}

/// The values of name, version and Requires-Python in the header of core metadata.
fn fields(text: &str) -> Result<[Option<&str>; 3], Problem> {
    let mut found: [Option<&str>; 3] = [None; 3];
    let mut last = None;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let unclear = || invalid("the metadata has a line that clients read differently");
        if line.starts_with([' ', '\t']) {
            // Readers differ in how they join the lines of a field.
            if last.is_some() {
                return Err(unclear());
            }
            continue;
        }
        let (key, value) = line
            .split_once(':')
            .filter(|_| !line.contains('\r'))
            .ok_or_else(unclear)?;
        last = ["Name", "Version", "Requires-Python"]
            .iter()
            .position(|known| key.eq_ignore_ascii_case(known));
        if let Some(at) = last
            && found[at].replace(value.trim()).is_some()
        {
            return Err(invalid(
                "the metadata has two names, two versions or two Requires-Python",
            ));
        }
    }
    Ok(found)
}
