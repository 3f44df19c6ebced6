//! What a client's request for objects names: so much of it is read that what is not here can be
//! fetched first (gitprotocol-v2 "fetch", gitprotocol-pack "Packfile Negotiation").

use crate::endpoint::Version;
use crate::oid::Oid;
use crate::pkt_line::{Packet, Reader};
use larder_model::Problem;

/// The objects that a request wants, each once.
pub fn wants(version: Version, body: &[u8]) -> Result<Vec<Oid>, Problem> {
    let mut reader = Reader::of(body);
    let mut wants = Vec::new();
    while let Some(line) = reader.read()? {
        let Some(text) = line.text() else {
            // In version 0 what follows is what the client has.
            if version == Version::V0 && line == Packet::Flush {
                break;
            }
            continue;
        };
        let Some(rest) = text.strip_prefix("want ") else {
            continue;
        };
        let oid = rest.split([' ', '\0']).next().unwrap_or(rest);
        let oid = oid
            .parse()
            .map_err(|_| Problem::invalid("want", "an object that is wanted has no right name"))?;
        wants.push(oid);
    }
    wants.sort_unstable();
    wants.dedup();
    Ok(wants)
}

#[cfg(test)]
mod tests;
