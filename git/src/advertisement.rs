//! What a service says of itself first: all refs (gitprotocol-pack, "Reference Discovery"), or what
//! it can do (gitprotocol-v2, "Capability Advertisement"). Written for clients, and read of upstreams.

use crate::endpoint::{Service, Version};
use crate::oid::{ObjectFormat, Oid};
use crate::pkt_line::{Packet, Reader, Writer};
use crate::refs::{BRANCHES, HEAD, RefName, Refs, Target};
use larder_model::{Kind, Problem};

/// Who we say that we are.
pub const AGENT: &str = concat!("larder/", env!("CARGO_PKG_VERSION"));
/// What follows the name of a tag that is peeled.
const PEELED: &str = "^{}";

/// What `upload-pack` can do in version 0.
const UPLOAD_CAPABILITIES: &str = "multi_ack_detailed no-done side-band-64k thin-pack ofs-delta shallow \
    deepen-since deepen-not deepen-relative no-progress include-tag allow-tip-sha1-in-want \
    allow-reachable-sha1-in-want filter";
/// What `receive-pack` can do.
const RECEIVE_CAPABILITIES: &str = "report-status report-status-v2 delete-refs side-band-64k quiet \
    atomic ofs-delta";

/// The answer to a client's first request.
pub fn advertise(service: Service, version: Version, format: ObjectFormat, refs: &Refs) -> Vec<u8> {
    match (service, version) {
        (Service::UploadPack, Version::V2) => capabilities(format, false),
        // Pushing has no second version.
        (Service::UploadPack, Version::V0) => {
            let mut words = UPLOAD_CAPABILITIES.to_owned();
            if let Some(name) = &refs.head {
                words.push_str(&format!(" symref=HEAD:{name}"));
            }
            all_refs(service, (format, words), refs)
        }
        (Service::ReceivePack, _) => {
            all_refs(service, (format, RECEIVE_CAPABILITIES.to_owned()), refs)
        }
    }
}

/// What is told first in version 2: what can be asked for, and no ref.
pub fn capabilities(format: ObjectFormat, has_bundle: bool) -> Vec<u8> {
    let mut lines = Writer::default();
    lines.line("version 2");
    lines.line(&format!("agent={AGENT}"));
    lines.line("ls-refs=unborn");
    lines.line("fetch=shallow wait-for-done filter");
    lines.line("server-option");
    lines.line(&format!("object-format={}", format.word()));
    lines.line("object-info");
    if has_bundle {
        lines.line("bundle-uri");
    }
    lines.flush();
    lines.into_bytes()
}

fn all_refs(service: Service, (format, words): (ObjectFormat, String), refs: &Refs) -> Vec<u8> {
    let mut lines = Writer::default();
    lines.line(&format!("# service={}", service.word()));
    lines.flush();
    let words = format!("{words} object-format={} agent={AGENT}", format.word());
    // They stand behind the first name.
    let mut words = Some(words);
    let mut write = |oid: &Oid, name: &str| match words.take() {
        Some(words) => lines.line(&format!("{oid} {name}\0{words}")),
        None => lines.line(&format!("{oid} {name}")),
    };
    let is_read = service == Service::UploadPack;
    if let Some(oid) = refs.head_oid().filter(|_| is_read) {
        write(oid, HEAD);
    }
    for (name, target) in &refs.names {
        write(&target.oid, name.as_str());
        if let Some(peeled) = target.peeled.as_ref().filter(|_| is_read) {
            write(peeled, &format!("{name}{PEELED}"));
        }
    }
    if refs.names.is_empty() && (refs.detached.is_none() || !is_read) {
        write(&format.zero(), "capabilities^{}");
    }
    lines.flush();
    lines.into_bytes()
}

/// What an upstream answers to the first request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Advertised {
    /// It speaks version 2.
    Commands {
        /// What names of its objects are hashed with.
        format: ObjectFormat,
        /// Whether it gives parts of what is asked for (`filter`).
        filters: bool,
    },
    /// It speaks an older version: these are its refs.
    Refs {
        /// What names of its objects are hashed with.
        format: ObjectFormat,
        /// What it can do.
        capabilities: Vec<String>,
        /// Its refs.
        refs: Refs,
    },
}

fn bad(what: &str) -> Problem {
    let detail = format!("the upstream does not speak git's smart protocol: {what}");
    Problem::new(Kind::Upstream, "upstream", detail)
}

fn lines_of(body: &[u8]) -> Result<Vec<Packet>, Problem> {
    let mut reader = Reader::of(body);
    let mut lines = Vec::new();
    while let Some(line) = reader
        .read()
        .map_err(|_| bad("a line has no right length"))?
    {
        lines.push(line);
    }
    if reader.is_empty() {
        Ok(lines)
    } else {
        Err(bad("its answer is cut off"))
    }
}

/// Reads the answer of an upstream to the first request.
pub fn read(body: &[u8]) -> Result<Advertised, Problem> {
    let lines = lines_of(body)?;
    let mut lines = lines.as_slice();
    // The line that names the service, and a flush; some leave them out in version 2.
    if let [first, rest @ ..] = lines
        && first
            .text()
            .is_some_and(|text| text.starts_with("# service="))
    {
        lines = match rest {
            [Packet::Flush, rest @ ..] => rest,
            rest => rest,
        };
    }
    match lines {
        [first, rest @ ..] if first.text() == Some("version 2") => Ok(commands(rest)?),
        [first, rest @ ..] if first.text() == Some("version 1") => read_refs(rest),
        [] => Err(bad("its answer is empty")),
        lines => read_refs(lines),
    }
}

fn commands(lines: &[Packet]) -> Result<Advertised, Problem> {
    let (mut format, mut filters, mut fetches) = (ObjectFormat::default(), false, false);
    for line in lines.iter().filter_map(Packet::text) {
        match line.split_once('=').unwrap_or((line, "")) {
            ("object-format", word) => {
                format = word.parse().map_err(|_| bad("an unknown hash"))?;
            }
            ("fetch", words) => {
                fetches = true;
                filters = words.split(' ').any(|word| word == "filter");
            }
            _ => {}
        }
    }
    if fetches {
        Ok(Advertised::Commands { format, filters })
    } else {
        Err(bad("it offers no fetch"))
    }
}

fn read_refs(lines: &[Packet]) -> Result<Advertised, Problem> {
    let (mut refs, mut capabilities) = (Refs::default(), Vec::new());
    let mut head = None;
    for (index, line) in lines.iter().enumerate() {
        let Some(text) = line.text() else {
            match line {
                Packet::Flush => break,
                _ => return Err(bad("a ref is no text")),
            }
        };
        let text = match text.split_once('\0') {
            Some((text, words)) if index == 0 => {
                capabilities = words.split(' ').map(str::to_owned).collect();
                text
            }
            _ => text,
        };
        let (oid, name) = text
            .split_once(' ')
            .ok_or_else(|| bad("a ref without a name"))?;
        if matches!(oid, "shallow" | "unshallow") {
            continue;
        }
        let oid: Oid = oid.parse().map_err(|_| bad("a ref that is no object"))?;
        if name == HEAD {
            head = Some(oid);
        } else if !oid.is_zero() {
            note(&mut refs, name, oid);
        }
    }
    let word_of = |key: &str| {
        let mut found = capabilities.iter().filter_map(|word| word.split_once('='));
        found.find(|(name, _)| *name == key).map(|(_, word)| word)
    };
    let format = word_of("object-format").unwrap_or("sha1");
    let format = format.parse().map_err(|_| bad("an unknown hash"))?;
    let symref = word_of("symref").and_then(|word| word.strip_prefix("HEAD:"));
    refs.head = symref.and_then(|name| name.parse().ok());
    place_head(&mut refs, head);
    Ok(Advertised::Refs {
        format,
        capabilities,
        refs,
    })
}

/// Notes a ref, or what a tag that was told before is of. Names that git refuses are passed over, as
/// clients do.
fn note(refs: &mut Refs, name: &str, oid: Oid) {
    if let Some(tag) = name.strip_suffix(PEELED) {
        if let Ok(tag) = tag.parse::<RefName>()
            && let Some(target) = refs.names.get_mut(&tag)
        {
            target.peeled = Some(oid);
        }
    } else if let Ok(name) = name.parse() {
        refs.names.insert(name, Target { oid, peeled: None });
    }
}

/// Finds out what HEAD stands for where only its object is told: the branch that is the same, the usual
/// ones first.
pub(crate) fn place_head(refs: &mut Refs, head: Option<Oid>) {
    let Some(head) = head.filter(|_| refs.head.is_none()) else {
        return;
    };
    let is_same = |name: &RefName| {
        refs.names
            .get(name)
            .is_some_and(|target| target.oid == head)
    };
    let usual = ["main", "master"].map(|name| format!("{BRANCHES}{name}").parse::<RefName>());
    let usual = usual.into_iter().flatten().find(is_same);
    let any = || {
        let mut branches = refs.names.keys().filter(|name| name.is_branch());
        branches.find(|name| is_same(name)).cloned()
    };
    match usual.or_else(any) {
        Some(name) => refs.head = Some(name),
        None => refs.detached = Some(head),
    }
}

#[cfg(test)]
mod tests;
