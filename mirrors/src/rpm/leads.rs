//! Where the locations in a list of packages lead, found without reading the list as a whole.

use super::item::is_absolute;
use crate::index::Leads;
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use std::io::{self, BufRead as _, Read as _};

/// Bytes that are looked at in one piece. A tag of a location is shorter.
const MAX_PIECE_BYTES: u64 = 8 << 10;

/// Where a list leads its clients. A list that cannot be read leads nowhere.
pub(super) fn leads(packed: &[u8]) -> Leads {
    let mut leads = Leads::default();
    match read(packed, &mut leads) {
        Ok(()) => leads,
        Err(_) => Leads::default(),
    }
}

fn read(packed: &[u8], leads: &mut Leads) -> io::Result<()> {
    let mut list = unpack(packed)?.take(MAX_UNPACKED_BYTES);
    let (mut piece, mut begins) = (Vec::new(), false);
    loop {
        piece.clear();
        let mut within = (&mut list).take(MAX_PIECE_BYTES);
        if within.read_until(b'<', &mut piece)? == 0 {
            return Ok(());
        }
        if begins && let Some(tag) = piece.strip_prefix(b"location") {
            let end = tag.iter().position(|byte| *byte == b'>');
            look(
                &String::from_utf8_lossy(&tag[..end.unwrap_or(tag.len())]),
                leads,
            );
        }
        begins = piece.ends_with(b"<");
    }
}

/// Looks at the attributes of a location.
fn look(attributes: &str, leads: &mut Leads) {
    leads.elsewhere |= attributes.contains("xml:base");
    for (at, quote) in attributes.match_indices(['"', '\'']) {
        let value = attributes[at + quote.len()..].trim_start();
        leads.elsewhere |= is_absolute(value);
        let path = value.split(['"', '\'']).next().unwrap_or_default();
        leads.above |= path.split('/').any(|segment| segment == "..");
    }
}
