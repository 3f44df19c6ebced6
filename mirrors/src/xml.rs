//! Reads XML documents event by event in bounded memory, and writes XML.
//!
//! A document that defines entities is refused: only XML's own five are resolved.

use quick_xml::events::{BytesDecl, BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};
use std::borrow::Cow;
use std::error::Error;
use std::io::{self, BufRead, Read};

/// Limit on the bytes of a tag or a piece of text.
const MAX_PIECE_BYTES: u64 = 1 << 20;
/// Limit on the depth of elements.
pub(crate) const MAX_DEPTH: usize = 32;
const MAX_ATTRIBUTES: usize = 64;

/// Why a document is invalid, for the log.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// Reads the events of a document.
pub(crate) struct Walker<'a> {
    reader: Reader<LimitedReader<'a>>,
    buffer: Vec<u8>,
    depth: usize,
    has_root: bool,
}

/// An event, and the number of elements around it.
pub(crate) struct Step<'e> {
    /// The number of open elements; an element that begins or ends does not count.
    pub(crate) depth: usize,
    pub(crate) event: Event<'e>,
}

impl<'a> Walker<'a> {
    /// Reads a document of at most `max_bytes` bytes.
    pub(crate) fn new(document: Box<dyn BufRead + 'a>, max_bytes: u64) -> Self {
        Self {
            reader: Reader::from_reader(LimitedReader::new(document, max_bytes)),
            buffer: Vec::new(),
            depth: 0,
            has_root: false,
        }
    }

    /// Makes the walker return a start and an end for each `<element/>`.
    pub(crate) fn expanding_empty_elements(mut self) -> Self {
        self.reader.config_mut().expand_empty_elements = true;
        self
    }

    /// The next event; `None` at the end of the document.
    pub(crate) fn next(&mut self) -> Result<Option<Step<'_>>, Fault> {
        self.buffer.clear();
        self.reader.get_mut().next_piece();
        let event = self.reader.read_event_into(&mut self.buffer)?;
        let depth = match &event {
            Event::Start(_) | Event::Empty(_) => {
                let depth = self.depth;
                if depth == 0 && std::mem::replace(&mut self.has_root, true) {
                    return Err("there is a second root element".into());
                }
                if depth == MAX_DEPTH {
                    return Err("elements are nested too deep".into());
                }
                self.depth += usize::from(matches!(event, Event::Start(_)));
                depth
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.depth
            }
            Event::Text(text) if self.depth == 0 && !text.trim_ascii().is_empty() => {
                return Err("there is text outside of the root element".into());
            }
            Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                return Err("there is text outside of the root element".into());
            }
            Event::DocType(definition) if definition.contains(&b'[') => {
                return Err("it defines entities".into());
            }
            Event::Eof if self.depth == 0 && self.has_root => return Ok(None),
            Event::Eof => return Err("it is truncated".into()),
            _ => self.depth,
        };
        Ok(Some(Step { depth, event }))
    }
}

/// The value of an attribute; the first one if there are duplicates.
pub(crate) fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> Result<Option<String>, Fault> {
    let mut attributes = tag.attributes();
    // The library's check for duplicates takes quadratic time.
    for (at, attribute) in attributes.with_checks(false).enumerate() {
        let attribute = attribute?;
        if at == MAX_ATTRIBUTES {
            return Err("a tag has too many attributes".into());
        }
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// The text of an event: text, a CDATA section or a reference; `None` for other events.
pub(crate) fn text_of(event: &Event<'_>) -> Result<Option<String>, Fault> {
    Ok(match event {
        Event::Text(text) => Some(text.decode()?.into_owned()),
        Event::CData(text) => Some(text.decode()?.into_owned()),
        Event::GeneralRef(reference) => Some(resolve(reference)?),
        _ => None,
    })
}

/// Resolves a reference to a character or to one of XML's own entities.
fn resolve(reference: &BytesRef<'_>) -> Result<String, Fault> {
    if let Some(char) = reference.resolve_char_ref()? {
        return Ok(char.to_string());
    }
    let name = reference.decode()?;
    let text = quick_xml::escape::resolve_xml_entity(&name);
    Ok(text
        .ok_or("it uses an entity that is not XML's own")?
        .to_owned())
}

/// Limits the bytes of a document, and those between two calls of [`LimitedReader::next_piece`].
struct LimitedReader<'a> {
    inner: Box<dyn BufRead + 'a>,
    left: u64,
    left_of_piece: u64,
}

impl<'a> LimitedReader<'a> {
    fn new(inner: Box<dyn BufRead + 'a>, max_bytes: u64) -> Self {
        Self {
            inner,
            left: max_bytes,
            left_of_piece: MAX_PIECE_BYTES,
        }
    }

    fn next_piece(&mut self) {
        self.left_of_piece = MAX_PIECE_BYTES;
    }
}

impl Read for LimitedReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for LimitedReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let allowed = usize::try_from(self.left.min(self.left_of_piece)).unwrap_or(usize::MAX);
        let bytes = self.inner.fill_buf()?;
        if allowed == 0 && !bytes.is_empty() {
            return Err(io::Error::other(
                "the document, or a tag or text in it, is too long",
            ));
        }
        Ok(&bytes[..bytes.len().min(allowed)])
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(count);
        self.left_of_piece = self.left_of_piece.saturating_sub(count);
    }
}

/// The attributes of an element to write, in order.
pub(crate) type Attributes<'a> = &'a [(&'a str, &'a str)];

/// Writes XML with one element per line. `indent` is the number of spaces before it.
pub(crate) struct XmlWriter(Writer<Vec<u8>>);

impl XmlWriter {
    /// Begins a document or a part of one.
    pub(crate) fn new() -> Self {
        Self(Writer::new(Vec::new()))
    }

    /// Writes the XML declaration.
    pub(crate) fn declaration(&mut self) -> io::Result<()> {
        let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
        self.line(0, [Event::Decl(declaration)])
    }

    /// Writes the start tag of an element that contains others.
    pub(crate) fn open(
        &mut self,
        indent: usize,
        name: &str,
        attributes: Attributes<'_>,
    ) -> io::Result<()> {
        self.line(indent, [Event::Start(tag(name, attributes))])
    }

    /// Writes an end tag.
    pub(crate) fn close(&mut self, indent: usize, name: &str) -> io::Result<()> {
        self.line(indent, [Event::End(BytesEnd::new(name))])
    }

    /// Writes an element that contains text, or is empty.
    pub(crate) fn element(
        &mut self,
        indent: usize,
        name: &str,
        attributes: Attributes<'_>,
        text: &str,
    ) -> io::Result<()> {
        let (tag, text) = (tag(name, attributes), clean(text));
        if text.is_empty() {
            return self.line(indent, [Event::Empty(tag)]);
        }
        let text = Event::Text(BytesText::new(&text));
        self.line(
            indent,
            [Event::Start(tag), text, Event::End(BytesEnd::new(name))],
        )
    }

    /// Returns what was written.
    pub(crate) fn end(self) -> io::Result<String> {
        String::from_utf8(self.0.into_inner()).map_err(io::Error::other)
    }

    fn line<const COUNT: usize>(
        &mut self,
        indent: usize,
        events: [Event<'_>; COUNT],
    ) -> io::Result<()> {
        let out = self.0.get_mut();
        out.resize(out.len() + indent, b' ');
        for event in events {
            self.0.write_event(event)?;
        }
        self.0.get_mut().push(b'\n');
        Ok(())
    }
}

fn tag<'t>(name: &'t str, attributes: Attributes<'_>) -> BytesStart<'t> {
    let mut tag = BytesStart::new(name);
    for (key, value) in attributes {
        tag.push_attribute((*key, &*clean(value)));
    }
    tag
}

/// Removes the characters that XML does not allow (XML 1.0, 2.2).
fn clean(text: &str) -> Cow<'_, str> {
    let is_bad = |char: char| {
        (char.is_control() && !matches!(char, '\n' | '\t'))
            || matches!(char, '\u{fffe}' | '\u{ffff}')
    };
    if text.contains(is_bad) {
        Cow::Owned(text.replace(is_bad, ""))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
