//! Reads HTML as far as an index page goes: anchors, meta tags, the base, headings. It never fails:
//! what is not understood is passed over.

use std::borrow::Cow;

/// No character reference that matters is longer.
const MAX_REFERENCE_BYTES: usize = 12;

/// The attributes of a tag, still encoded.
#[derive(Debug)]
pub(super) struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    /// An attribute's value, decoded; the first one of a name counts.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, value) = self
            .0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(decoded(value))
    }
}

/// What an index page is made of.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// `<a>` and its text.
    Anchor(Attributes<'a>, Cow<'a, str>),
    /// `<meta>`.
    Meta(Attributes<'a>),
    /// `<base>`.
    Base(Attributes<'a>),
    /// The text of `<title>` or `<h1>`.
    Heading(Cow<'a, str>),
    /// `<form>`, which no index page has.
    Representation,
}

/// The nodes of a page in their order.
pub(super) fn nodes(page: &str) -> impl Iterator<Item = Node<'_>> {
    let mut tokens = Tokens { rest: page }.peekable();
    std::iter::from_fn(move || {
        loop {
            let Token::Open(name, attributes) = tokens.next()? else {
                continue;
            };
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("a") {
                return Some(Node::Anchor(attributes, inner_text(&mut tokens, name)));
            } else if is("title") || is("h1") {
                return Some(Node::Heading(inner_text(&mut tokens, name)));
            } else if is("meta") {
                return Some(Node::Meta(attributes));
            } else if is("base") {
                return Some(Node::Base(attributes));
            } else if is("form") {
                return Some(Node::Representation);
            }
        }
    })
}

/// The text up to the end of an element; the next anchor ends it too, where the end was forgotten.
fn inner_text<'a>(tokens: &mut std::iter::Peekable<Tokens<'a>>, element: &str) -> Cow<'a, str> {
    let mut inner = Cow::Borrowed("");
    let anchor =
        |token: &Token<'a>| matches!(token, Token::Open(name, _) if name.eq_ignore_ascii_case("a"));
    while let Some(token) = tokens.next_if(|token| !anchor(token)) {
        match token {
            Token::Close(name) if name.eq_ignore_ascii_case(element) => break,
            Token::Text(text) if inner.is_empty() => inner = Cow::Borrowed(text),
            Token::Text(text) => inner.to_mut().push_str(text),
            Token::Close(_) | Token::Open(..) => {}
        }
    }
    match inner {
        Cow::Borrowed(text) => decoded(text.trim()),
        Cow::Owned(text) => Cow::Owned(decoded(text.trim()).into_owned()),
    }
}

enum Token<'a> {
    Open(&'a str, Attributes<'a>),
    Close(&'a str),
    Text(&'a str),
}

/// The tokens of a page; every byte is looked at a fixed number of times.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest;
            let Some(tag) = rest.strip_prefix('<') else {
                let end = rest.find('<').unwrap_or(rest.len());
                self.rest = &rest[end..];
                return (end > 0).then(|| Token::Text(&rest[..end]));
            };
            match tag.as_bytes().first() {
                Some(b'!' | b'?') => {
                    self.rest = after(tag, if tag.starts_with("!--") { "-->" } else { ">" });
                }
                Some(b'/') => {
                    let (name, _) = word(&tag[1..]);
                    self.rest = after(tag, ">");
                    return Some(Token::Close(name));
                }
                Some(first) if first.is_ascii_alphabetic() => return self.open(tag),
                _ => {
                    self.rest = tag;
                    return Some(Token::Text(&rest[..1]));
                }
            }
        }
    }
}

impl<'a> Tokens<'a> {
    fn open(&mut self, tag: &'a str) -> Option<Token<'a>> {
        let (name, mut rest) = word(tag);
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == '/');
            if let Some(end) = rest.strip_prefix('>') {
                self.rest = end;
                break;
            }
            if rest.is_empty() {
                self.rest = rest;
                return None;
            }
            let (attribute, behind) = attribute(rest);
            attributes.push(attribute);
            rest = behind;
        }
        // What stands in these is no markup.
        if ["script", "style"]
            .iter()
            .any(|raw| name.eq_ignore_ascii_case(raw))
        {
            self.rest = from_end_tag(self.rest, name);
        }
        Some(Token::Open(name, Attributes(attributes)))
    }
}

/// An attribute's name and value, and what is behind them. Takes at least one byte.
fn attribute(rest: &str) -> ((&str, &str), &str) {
    let end = |char: char| char.is_ascii_whitespace() || matches!(char, '/' | '>' | '=');
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let length = rest[first..].find(end).map_or(rest.len(), |at| first + at);
    let (name, behind) = rest.split_at(length);
    let Some(value) = behind.trim_ascii_start().strip_prefix('=') else {
        return ((name, ""), behind);
    };
    let value = value.trim_ascii_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let (value, behind) = quoted.split_once(quote).unwrap_or((quoted, ""));
            return ((name, value), behind);
        }
    }
    let end = value
        .find(|char: char| char.is_ascii_whitespace() || char == '>')
        .unwrap_or(value.len());
    let (value, behind) = value.split_at(end);
    ((name, value), behind)
}

/// A tag's name and what is behind it.
fn word(tag: &str) -> (&str, &str) {
    let end = |char: char| char.is_ascii_whitespace() || matches!(char, '/' | '>');
    tag.split_at(tag.find(end).unwrap_or(tag.len()))
}

fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or("", |(_, behind)| behind)
}

/// What begins with the end tag of `name`.
fn from_end_tag<'a>(text: &'a str, name: &str) -> &'a str {
    let ends = |(at, _): &(usize, &str)| {
        text.get(at + 2..at + 2 + name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    text.match_indices("</")
        .find(ends)
        .map_or("", |(at, _)| &text[at..])
}

/// Text with its character references read; those of no use here stay as they are.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let (char, length) = reference(&rest[at..]).unwrap_or(('&', 1));
        plain.push(char);
        rest = &rest[at + length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The character that a reference at the beginning of `text` stands for, and the length of the
/// reference.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text
        .bytes()
        .take(MAX_REFERENCE_BYTES)
        .position(|byte| byte == b';')?;
    let char = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((char, end + 1))
}
