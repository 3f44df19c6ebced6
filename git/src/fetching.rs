//! How objects are asked of an upstream, and how they come (gitprotocol-v2 "fetch", gitprotocol-pack
//! "Packfile Negotiation" and "Packfile Data").
//!
//! Nothing is negotiated: all that is here is told at once, and the upstream leaves out what it knows to
//! be there. It is one request, whatever its answer's size.

use crate::advertisement::{AGENT, Advertised};
use crate::oid::Oid;
use crate::pkt_line::{Packet, Reader, Writer};
use bytes::Bytes;
use larder_model::{Kind, Problem};

/// The most objects that an upstream is told to be here: the newest.
pub const MAX_HAVES: usize = 512;
/// The most characters of an upstream's words that are passed on.
const MAX_SENTENCE: usize = 200;
/// What we can do in version 0, if the upstream can.
const CAPABILITIES: [&str; 4] = ["side-band-64k", "thin-pack", "ofs-delta", "include-tag"];

/// The request for objects and all that they need.
pub fn request(upstream: &Advertised, wants: &[&Oid], haves: &[&Oid]) -> Vec<u8> {
    let mut lines = Writer::default();
    match upstream {
        Advertised::Commands { format, .. } => {
            lines.line("command=fetch");
            lines.line(&format!("agent={AGENT}"));
            lines.line(&format!("object-format={}", format.word()));
            lines.delimiter();
            for word in ["thin-pack", "ofs-delta", "include-tag"] {
                lines.line(word);
            }
            for oid in wants {
                lines.line(&format!("want {oid}"));
            }
        }
        Advertised::Refs {
            capabilities,
            format,
            ..
        } => {
            let can = |word: &&str| capabilities.iter().any(|capability| capability == word);
            let mut words: Vec<&str> = CAPABILITIES.into_iter().filter(can).collect();
            let format = format!("object-format={}", format.word());
            if capabilities.contains(&format) {
                words.push(&format);
            }
            let agent = format!("agent={AGENT}");
            words.push(&agent);
            let words = words.join(" ");
            for (index, oid) in wants.iter().enumerate() {
                match index {
                    0 => lines.line(&format!("want {oid} {words}")),
                    _ => lines.line(&format!("want {oid}")),
                }
            }
            lines.flush();
        }
    }
    for oid in haves.iter().take(MAX_HAVES) {
        lines.line(&format!("have {oid}"));
    }
    lines.line("done");
    if matches!(upstream, Advertised::Commands { .. }) {
        lines.flush();
    }
    lines.into_bytes()
}

/// What comes of an upstream's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Bytes of the pack.
    Pack(Bytes),
    /// What the upstream tells its user meanwhile.
    Progress(String),
}

/// What is expected next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Lines before the pack.
    Preface,
    /// The pack in lines, each with the number of its band.
    Bands,
    /// The pack as it is.
    Plain,
    /// Nothing.
    End,
}

/// Reads the answer to [`request`] as it comes.
#[derive(Debug)]
pub struct PackReader {
    lines: Reader,
    state: State,
    has_commands: bool,
    has_bands: bool,
    bytes: u64,
}

fn bad(what: &str) -> Problem {
    let detail = format!("the upstream does not give what its refs name: {what}");
    Problem::new(Kind::Upstream, "upstream", detail)
}

/// What an upstream says, on one line.
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(MAX_SENTENCE).collect()
}

impl PackReader {
    /// A reader of the answer of such an upstream.
    pub fn new(upstream: &Advertised) -> Self {
        let (has_commands, has_bands) = match upstream {
            Advertised::Commands { .. } => (true, true),
            Advertised::Refs { capabilities, .. } => {
                let bands = capabilities.iter().any(|word| word == "side-band-64k");
                (false, bands)
            }
        };
        Self {
            lines: Reader::default(),
            state: State::Preface,
            has_commands,
            has_bands,
            bytes: 0,
        }
    }

    /// Takes in what came; what it brings.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Problem> {
        let mut events = Vec::new();
        if self.state == State::Plain {
            self.bytes += bytes.len() as u64;
            events.push(Event::Pack(Bytes::copy_from_slice(bytes)));
            return Ok(events);
        }
        self.lines.push(bytes);
        loop {
            let line = self.lines.read();
            let line = line.map_err(|_| bad("a line has no right length"))?;
            let Some(line) = line else {
                return Ok(events);
            };
            match self.state {
                State::Preface => self.preface(&line)?,
                State::Bands => events.extend(self.band(line)?),
                State::Plain | State::End => return Err(bad("it goes on after its end")),
            }
            if self.state == State::Plain {
                let rest = std::mem::take(&mut self.lines).into_rest();
                self.bytes += rest.len() as u64;
                events.push(Event::Pack(rest));
                return Ok(events);
            }
        }
    }

    fn preface(&mut self, line: &Packet) -> Result<(), Problem> {
        let text = match line {
            // Between the parts of version 2.
            Packet::Delimiter => return Ok(()),
            line => line
                .text()
                .ok_or_else(|| bad("it ends before the objects"))?,
        };
        if let Some(said) = text.strip_prefix("ERR ") {
            return Err(bad(&sentence(said)));
        }
        let begins = if self.has_commands {
            text == "packfile"
        } else {
            // What was told to be here is answered with one line at the end.
            text == "NAK" || (text.starts_with("ACK ") && text.split(' ').count() == 2)
        };
        if begins {
            self.state = if self.has_bands {
                State::Bands
            } else {
                State::Plain
            };
        }
        Ok(())
    }

    fn band(&mut self, line: Packet) -> Result<Option<Event>, Problem> {
        let mut bytes = match line {
            Packet::Line(bytes) => bytes,
            Packet::Flush | Packet::ResponseEnd => {
                self.state = State::End;
                return Ok(None);
            }
            Packet::Delimiter => return Err(bad("it breaks off")),
        };
        let Some(&band) = bytes.first() else {
            return Ok(None);
        };
        let data = bytes.split_off(1);
        match band {
            1 => {
                self.bytes += data.len() as u64;
                Ok(Some(Event::Pack(data)))
            }
            2 => Ok(Some(Event::Progress(
                String::from_utf8_lossy(&data).into_owned(),
            ))),
            _ => Err(bad(&sentence(&String::from_utf8_lossy(&data)))),
        }
    }

    /// Fails unless the answer came to its end.
    pub fn end(&self) -> Result<(), Problem> {
        match self.state {
            State::End => Ok(()),
            // The pack has its own sum.
            State::Plain if self.bytes > 0 => Ok(()),
            _ => Err(bad("it breaks off")),
        }
    }
}

#[cfg(test)]
mod tests;
