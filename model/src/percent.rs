//! Percent-encoding (RFC 3986 2.1), read strictly: two hex digits for each byte, and text in UTF-8.

use std::borrow::Cow;

/// A part of an address, decoded once; `None` if it is not well encoded.
pub fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// A key or a value of a query (`application/x-www-form-urlencoded`), where a plus sign stands for
/// a space. A zero byte is in no text that anyone means, and no database takes it.
pub fn decode_form(text: &str) -> Option<Cow<'_, str>> {
    let decoded = if text.contains('+') {
        decode(&text.replace('+', " ")).map(|decoded| Cow::Owned(decoded.into_owned()))
    } else {
        decode(text)
    };
    decoded.filter(|decoded| !decoded.contains('\0'))
}

#[cfg(test)]
mod tests;
