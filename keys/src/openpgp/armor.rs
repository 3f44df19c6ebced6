//! Binary packets as text (RFC 9580, 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const LINE: usize = 64;

/// What stands between the lines of a block of this kind, e.g. `PGP PRIVATE KEY BLOCK`; `None` if
/// there is no sound one.
pub(super) fn read(text: &str, kind: &str) -> Option<Vec<u8>> {
    let begin = text.split_once(&format!("-----BEGIN {kind}-----"))?.1;
    let block = begin.split_once(&format!("-----END {kind}-----"))?.0;
    let mut lines = block.lines().map(str::trim).skip(1);
    // Headers end with an empty line.
    let first = lines.by_ref().find(|line| !line.contains(": "))?;
    let mut body = first.to_owned();
    body.extend(lines.take_while(|line| !line.starts_with('=')));
    STANDARD.decode(body).ok()
}

/// A block of this kind. Its checksum is optional by now, but rpm wants one.
pub(super) fn write(bytes: &[u8], kind: &str) -> String {
    let body = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {kind}-----\n\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    let [_, sum @ ..] = crc24(bytes).to_be_bytes();
    text + &format!("={}\n-----END {kind}-----\n", STANDARD.encode(sum))
}

fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 16, |sum, _| {
            let shifted = sum << 1;
            if shifted & 0x0100_0000 == 0 {
                shifted
            } else {
                shifted ^ 0x0186_4cfb
            }
        })
    })
}

#[cfg(test)]
mod tests;
