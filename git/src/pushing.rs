//! What a client pushes, and what it is told of that (gitprotocol-pack, "Pushing Data To a Server").

use crate::oid::Oid;
use crate::pkt_line::{Packet, Reader, Writer};
use crate::refs::RefName;
use bytes::Bytes;
use larder_model::Problem;

/// The most refs of one push.
const MAX_COMMANDS: usize = 10_000;
/// The most bytes of a line of a report: what stands in one line of a band.
const BAND_BYTES: usize = 65_515;
/// What is said of each ref, and of the pack, where another line says why.
pub const NOT_TAKEN: &str = "the objects are not taken";

/// A change of a ref.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Which.
    pub name: RefName,
    /// What it was when the client looked; zero: it was not there.
    pub old: Oid,
    /// What it is to be; zero: it is to be deleted.
    pub new: Oid,
}

/// What a client said before its pack.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the client's"
)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Push {
    /// The changes of refs, in the client's order.
    pub commands: Vec<Command>,
    /// Whether all of them are made or none.
    pub atomic: bool,
    /// Whether it wants to be told of each.
    pub report: bool,
    /// Whether that comes in bands.
    pub bands: bool,
    /// Whether the client has no more than the end of a history (git-clone, `--depth`).
    pub shallow: bool,
}

impl Push {
    /// Whether a pack follows.
    pub fn has_pack(&self) -> bool {
        self.commands.iter().any(|command| !command.new.is_zero())
    }
}

/// Reads a push as it comes.
#[derive(Default, Debug)]
pub struct PushReader {
    lines: Reader,
    commands: Vec<Command>,
    words: Option<String>,
    shallow: bool,
}

fn bad(what: &str) -> Problem {
    Problem::invalid("push", format!("git's protocol: {what}"))
}

impl PushReader {
    /// Takes in what came. Once all commands have come: they, and what came of the pack.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<(Push, Bytes)>, Problem> {
        self.lines.push(bytes);
        while let Some(line) = self.lines.read()? {
            if line == Packet::Flush {
                let words = self.words.take().unwrap_or_default();
                let has = |word: &str| words.split(' ').any(|one| one == word);
                let push = Push {
                    commands: std::mem::take(&mut self.commands),
                    atomic: has("atomic"),
                    report: has("report-status") || has("report-status-v2"),
                    bands: has("side-band-64k"),
                    shallow: self.shallow,
                };
                let rest = std::mem::take(&mut self.lines).into_rest();
                return Ok(Some((push, rest)));
            }
            self.command(&line)?;
        }
        Ok(None)
    }

    fn command(&mut self, line: &Packet) -> Result<(), Problem> {
        let text = line.text().ok_or_else(|| bad("a ref's name is no UTF-8"))?;
        let text = match text.split_once('\0') {
            Some((text, words)) if self.words.is_none() => {
                self.words = Some(words.to_owned());
                text
            }
            Some(_) => return Err(bad("only the first line has capabilities")),
            None => text,
        };
        if text.starts_with("push-cert") {
            return Err(bad("signed pushes are not taken"));
        }
        let oid = |text: &str| {
            text.parse()
                .map_err(|_| bad("a change has no right objects"))
        };
        // Where the client's own history ends is nothing to this repository: all that is new must be whole
        // here.
        if let Some(end) = text.strip_prefix("shallow ") {
            let _: Oid = oid(end)?;
            self.shallow = true;
            return Ok(());
        }
        let mut words = text.splitn(3, ' ');
        let mut next = || words.next().unwrap_or_default();
        let (old, new, name) = (next(), next(), next());
        let (old, new): (Oid, Oid) = (oid(old)?, oid(new)?);
        let name: RefName = name
            .parse()
            .map_err(|_| bad("a ref has no name that git takes"))?;
        if old.is_zero() && new.is_zero() {
            return Err(bad("a change changes nothing"));
        }
        if self.commands.iter().any(|command| command.name == name) {
            return Err(bad("a ref is named twice"));
        }
        if self.commands.len() == MAX_COMMANDS {
            return Err(bad("a push changes too many refs: at most 10,000"));
        }
        self.commands.push(Command { name, old, new });
        Ok(())
    }
}

/// What became of a push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Why the pack was not taken; `None`: it was.
    pub unpack: Option<String>,
    /// Each ref, and why it was not changed; `None`: it was.
    pub refs: Vec<(RefName, Option<String>)>,
}

impl Report {
    /// The answer to a push. Why nothing was taken is a line for the person, where the client shows such.
    pub fn answer(&self, push: &Push) -> Vec<u8> {
        let mut lines = Writer::default();
        let mut report = Writer::default();
        let notice = self.unpack.as_deref().filter(|_| push.bands);
        let unpack = match (&self.unpack, notice) {
            (None, _) => "ok",
            (Some(_), Some(_)) => NOT_TAKEN,
            (Some(why), None) => why,
        };
        report.line(&format!("unpack {unpack}"));
        for (name, why) in &self.refs {
            match why {
                None => report.line(&format!("ok {name}")),
                Some(why) => report.line(&format!("ng {name} {why}")),
            }
        }
        report.flush();
        let report = Some(report.into_bytes()).filter(|_| push.report);
        let report = report.unwrap_or_default();
        if !push.bands {
            return report;
        }
        if let Some(notice) = notice {
            lines.bytes(format!("\x02{notice}\n").as_bytes());
        }
        for piece in report.chunks(BAND_BYTES) {
            lines.bytes(&[b"\x01", piece].concat());
        }
        lines.flush();
        lines.into_bytes()
    }
}

#[cfg(test)]
mod tests;
