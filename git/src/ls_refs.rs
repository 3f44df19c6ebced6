//! The command `ls-refs` of version 2 (gitprotocol-v2): read of clients and answered, and asked of
//! upstreams and read.

use crate::advertisement::{AGENT, place_head};
use crate::oid::{ObjectFormat, Oid};
use crate::pkt_line::{Packet, Reader, Writer};
use crate::refs::{HEAD, RefName, Refs, Target};
use larder_model::{Kind, Problem};

/// The most prefixes that are taken to mean something; with more of them all refs are told, as git
/// does.
const MAX_PREFIXES: usize = 65_536;

/// A command of a client, without the lines that are the same for all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Which refs there are.
    LsRefs(LsRefs),
    /// Objects.
    Fetch,
    /// Sizes of objects.
    ObjectInfo,
    /// Where bundles are.
    BundleUri,
    /// Nothing: clients ask so whether they may, before they send much.
    Nothing,
}

/// Which refs a client wants to know.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct LsRefs {
    /// Also what tags are of.
    pub peel: bool,
    /// Also which refs stand for others.
    pub symrefs: bool,
    /// Also a HEAD without commits.
    pub unborn: bool,
    /// Only those that begin so; none: all.
    pub prefixes: Vec<String>,
}

fn bad(what: &str) -> Problem {
    Problem::invalid("command", format!("git's protocol, version 2: {what}"))
}

/// A message without anything in it.
const NOTHING: &[u8] = b"0000";

/// Reads the command of a request.
pub fn read_command(body: &[u8]) -> Result<Command, Problem> {
    let mut reader = Reader::of(body);
    let mut command = None;
    if body == NOTHING {
        return Ok(Command::Nothing);
    }
    loop {
        let Some(line) = reader.read()? else {
            return Err(bad("the request is cut off"));
        };
        match &line {
            Packet::Flush | Packet::Delimiter => break,
            line => {
                let text = line.text().ok_or_else(|| bad("a line is no text"))?;
                if let Some(name) = text.strip_prefix("command=") {
                    command = Some(name.to_owned());
                }
            }
        }
    }
    match command.as_deref() {
        Some("fetch") => Ok(Command::Fetch),
        Some("object-info") => Ok(Command::ObjectInfo),
        Some("bundle-uri") => Ok(Command::BundleUri),
        Some("ls-refs") => Ok(Command::LsRefs(read_arguments(&mut reader)?)),
        Some(_) => Err(bad("this command is not known here")),
        None => Err(bad("the request has no command")),
    }
}

fn read_arguments(reader: &mut Reader) -> Result<LsRefs, Problem> {
    let mut wanted = LsRefs::default();
    let mut are_all = false;
    while let Some(line) = reader.read()? {
        let Some(text) = line.text() else {
            break;
        };
        match text.split_once(' ').unwrap_or((text, "")) {
            ("peel", "") => wanted.peel = true,
            ("symrefs", "") => wanted.symrefs = true,
            ("unborn", "") => wanted.unborn = true,
            ("ref-prefix", _) if wanted.prefixes.len() >= MAX_PREFIXES => are_all = true,
            ("ref-prefix", prefix) => wanted.prefixes.push(prefix.to_owned()),
            _ => return Err(bad("an argument of ls-refs is not known here")),
        }
    }
    if are_all {
        wanted.prefixes.clear();
    }
    Ok(wanted)
}

impl LsRefs {
    fn wants(&self, name: &str) -> bool {
        let mut prefixes = self.prefixes.iter();
        self.prefixes.is_empty() || prefixes.any(|prefix| name.starts_with(prefix))
    }

    /// The answer to it.
    pub fn answer(&self, refs: &Refs) -> Vec<u8> {
        let mut lines = Writer::default();
        if self.wants(HEAD) {
            let symref = match &refs.head {
                Some(name) if self.symrefs => format!(" symref-target:{name}"),
                _ => String::new(),
            };
            match refs.head_oid() {
                Some(oid) => lines.line(&format!("{oid} {HEAD}{symref}")),
                None if self.unborn && refs.head.is_some() => {
                    lines.line(&format!("unborn {HEAD}{symref}"));
                }
                None => {}
            }
        }
        for (name, target) in &refs.names {
            if !self.wants(name.as_str()) {
                continue;
            }
            match target.peeled.as_ref().filter(|_| self.peel) {
                Some(peeled) => lines.line(&format!("{} {name} peeled:{peeled}", target.oid)),
                None => lines.line(&format!("{} {name}", target.oid)),
            }
        }
        lines.flush();
        lines.into_bytes()
    }
}

/// The request for all refs of an upstream.
pub fn request(format: ObjectFormat) -> Vec<u8> {
    let mut lines = Writer::default();
    lines.line("command=ls-refs");
    lines.line(&format!("agent={AGENT}"));
    lines.line(&format!("object-format={}", format.word()));
    lines.delimiter();
    lines.line("peel");
    lines.line("symrefs");
    lines.flush();
    lines.into_bytes()
}

fn useless(what: &str) -> Problem {
    let detail = format!("the upstream's list of refs cannot be read: {what}");
    Problem::new(Kind::Upstream, "upstream", detail)
}

/// Reads an upstream's answer to [`request`]. Names that git refuses are passed over.
pub fn read(body: &[u8]) -> Result<Refs, Problem> {
    let mut reader = Reader::of(body);
    let (mut refs, mut head) = (Refs::default(), None);
    loop {
        let line = reader
            .read()
            .map_err(|_| useless("a line has no right length"))?;
        let line = line.ok_or_else(|| useless("it is cut off"))?;
        if line == Packet::Flush {
            break;
        }
        let text = line.text().ok_or_else(|| useless("a line is no text"))?;
        if let Some(said) = text.strip_prefix("ERR ") {
            return Err(useless(said));
        }
        let mut words = text.split(' ');
        let (oid, name) = (words.next().unwrap_or_default(), words.next());
        let name = name.ok_or_else(|| useless("a ref without a name"))?;
        let (mut peeled, mut symref) = (None, None);
        for attribute in words {
            match attribute.split_once(':') {
                Some(("peeled", oid)) => peeled = oid.parse::<Oid>().ok(),
                Some(("symref-target", target)) => symref = target.parse::<RefName>().ok(),
                _ => {}
            }
        }
        if name == HEAD {
            refs.head = symref;
            head = oid.parse().ok();
            continue;
        }
        let oid = oid
            .parse()
            .map_err(|_| useless("a ref that is no object"))?;
        if let Ok(name) = name.parse() {
            refs.names.insert(name, Target { oid, peeled });
        }
    }
    place_head(&mut refs, head);
    Ok(refs)
}

#[cfg(test)]
mod tests;
