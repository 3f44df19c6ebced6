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

/// Reads `Requires-Python`; fails if the metadata is not that of `version` of `project`. `is_lenient`:
/// a line that is no field ends the header, as it does for the email parser of clients. Old tools
/// wrote licences of several lines as they were into source archives.
pub(super) fn requires_python(
    bytes: &[u8],
    (project, version): (&str, &Version),
    is_lenient: bool,
) -> Result<Option<String>, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| invalid("the metadata is not UTF-8").because(error))?;
    let found = fields(text, is_lenient)?;
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
fn fields(text: &str, is_lenient: bool) -> Result<[Option<&str>; 3], Problem> {
    let mut found: [Option<&str>; 3] = [None; 3];
    let mut last = None;
    for (number, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let unclear = || {
            let (number, line) = (number + 1, line.escape_default());
            invalid(format!(
                "line {number} of the metadata is one that clients read differently: {line:.100}"
            ))
        };
        if line.is_empty() {
            break;
        }
        if line.contains('\r') {
            return Err(unclear());
        }
        if line.starts_with([' ', '\t']) {
            // Readers differ in how they join the lines of a field.
            if last.is_some() {
                return Err(unclear());
            }
            continue;
        }
        let field = line.split_once(':');
        let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_graphic());
        let Some((key, value)) = field.filter(|(key, _)| is_key(key)) else {
            if is_lenient {
                break;
            }
            return Err(unclear());
        };
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
