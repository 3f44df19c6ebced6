//! Reads `ar` archives of few members, as packages of Debian are, strictly.

use super::Fault;
use super::window::Window;
use std::io::{self, Read};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;
/// Packages have three members, and sometimes signatures beside them.
const MAX_MEMBERS: usize = 16;

/// A member of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ArMember {
    /// Its name, without the slash that some programs put after it.
    pub(crate) name: String,
    /// Where its bytes begin.
    pub(crate) offset: u64,
    /// How many there are.
    pub(crate) size: u64,
}

/// All members, in their order. The archive ends with the last of them.
pub(crate) fn members(archive: &mut Window<'_>) -> Result<Vec<ArMember>, Fault> {
    let mut magic = [0; 8];
    read(archive, 0, &mut magic)?;
    if magic != *MAGIC {
        return Err(Fault::refused("is no ar archive"));
    }
    let (mut at, mut all) = (MAGIC.len() as u64, Vec::new());
    while at < archive.length() {
        if all.len() == MAX_MEMBERS {
            return Err(Fault::TooLarge("has more than 16 members".into()));
        }
        let mut header = [0; HEADER];
        read(archive, at, &mut header)?;
        let damaged = || Fault::refused("has a damaged member");
        let field = |from: usize, to: usize| {
            let text = std::str::from_utf8(header.get(from..to)?).ok()?;
            Some(text.trim_end_matches(' '))
        };
        if header[58..] != *b"`\n" {
            return Err(damaged());
        }
        let name = field(0, 16).ok_or_else(damaged)?;
        let name = name.strip_suffix('/').unwrap_or(name);
        let is_name = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(damaged());
        }
        let digits = field(48, 58).ok_or_else(damaged)?;
        let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
        let size: u64 = digits
            .parse()
            .ok()
            .filter(|_| is_number)
            .ok_or_else(damaged)?;
        let offset = at + HEADER as u64;
        if size > archive.length() - offset.min(archive.length()) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        all.push(ArMember {
            name: name.to_owned(),
            offset,
            size,
        });
        // Each begins at an even place; the last may lack what fills it up.
        at = offset + size + size % 2;
    }
    Ok(all)
}

fn read(archive: &mut Window<'_>, at: u64, to: &mut [u8]) -> Result<(), Fault> {
    let mut from = archive.stream(at, to.len() as u64)?;
    Ok(from.read_exact(to)?)
}

#[cfg(test)]
pub(crate) mod tests;
