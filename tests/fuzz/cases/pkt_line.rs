//! Whatever a client or an upstream says in git's protocol is read or refused, never a panic; it makes no
//! difference in which pieces it comes.
use http::{Method, Request};
use larder_git::advertisement::{self, Advertised, advertise};
use larder_git::endpoint::{self, Service, Version};
use larder_git::fetching::{Event, PackReader};
use larder_git::ls_refs::{self, Command};
use larder_git::oid::ObjectFormat;
use larder_git::pkt_line::{Packet, Reader, Writer};
use larder_git::pushing::PushReader;
use larder_git::refs::Refs;
use larder_git::wants::wants;

fn pack(reader: &mut PackReader, pieces: &[&[u8]]) -> Result<Vec<u8>, ()> {
    let mut pack = Vec::new();
    for piece in pieces {
        for event in reader.push(piece).map_err(drop)? {
            if let Event::Pack(bytes) = event {
                pack.extend_from_slice(&bytes);
            }
        }
    }
    reader.end().map_err(drop)?;
    Ok(pack)
}

fn push(pieces: &[&[u8]]) -> Option<(String, Vec<u8>)> {
    let (mut reader, mut told, mut rest) = (PushReader::default(), None, Vec::new());
    for piece in pieces {
        if told.is_some() {
            rest.extend_from_slice(piece);
        } else if let Some((push, bytes)) = reader.push(piece).ok()? {
            told = Some(format!("{push:?}"));
            rest.extend_from_slice(&bytes);
        }
    }
    told.map(|told| (told, rest))
}

/// Whatever comes, nothing panics.
pub fn run(input: (u16, &str, &[u8])) {
    let (at, path, body) = input;
    let (one, other) = body.split_at(usize::from(at).min(body.len()));
    let mut lines = Writer::default();
    let mut reader = Reader::of(body);
    while let Ok(Some(line)) = reader.read() {
        match line {
            Packet::Line(bytes) if !bytes.is_empty() => lines.bytes(&bytes),
            Packet::Flush => lines.flush(),
            Packet::Delimiter => lines.delimiter(),
            _ => {}
        }
    }
    let mut again = Reader::of(&lines.into_bytes());
    while again.read().expect("what was written").is_some() {}
    assert!(again.is_empty());
    assert_eq!(push(&[body]), push(&[one, other]));
    let mut upstreams = vec![
        Advertised::Commands {
            format: ObjectFormat::Sha1,
            filters: true,
        },
        Advertised::Refs {
            format: ObjectFormat::Sha1,
            capabilities: Vec::new(),
            refs: Refs::default(),
        },
    ];
    if let Ok(told) = advertisement::read(body) {
        if let Advertised::Refs { refs, format, .. } = &told {
            let told = advertise(Service::UploadPack, Version::V0, *format, refs);
            let Ok(Advertised::Refs { refs: again, .. }) = advertisement::read(&told) else {
                panic!("not read again")
            };
            assert_eq!(again.names, refs.names);
        }
        upstreams.push(told);
    }
    for upstream in &upstreams {
        let readers = [PackReader::new(upstream), PackReader::new(upstream)];
        let [mut whole, mut parts] = readers;
        assert_eq!(pack(&mut whole, &[body]), pack(&mut parts, &[one, other]));
    }
    let refs = ls_refs::read(body).unwrap_or_default();
    if let Ok(Command::LsRefs(wanted)) = ls_refs::read_command(body) {
        ls_refs::read(&wanted.answer(&refs)).expect("what was answered");
    }
    let _ = wants(Version::V0, body);
    let _ = wants(Version::V2, body);
    for method in [Method::GET, Method::POST, Method::PUT] {
        let Ok(request) = Request::builder()
            .method(method)
            .uri(format!("/git/{path}"))
            .body(())
        else {
            return;
        };
        if let Ok(found) = endpoint::parse(&request.into_parts().0) {
            let path = &found.address.path;
            assert!(
                !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | "..")),
                "{path}"
            );
        }
    }
}
