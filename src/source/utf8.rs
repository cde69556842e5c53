//! Which text does Java read from bytes that should be UTF-8?
//!
//! What is not UTF-8 becomes U+FFFD, piece by piece, as in Rust and as the Unicode standard recommends, with one exception:
//! a surrogate written in three bytes (as CESU-8 does), or the first two bytes of one, is a single piece.

use std::borrow::Cow;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The text. Borrowed if the bytes are UTF-8.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    // 0xED only ever begins a character, so the pieces cannot be parts of others.
    let mut repaired = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(0xed, rest) {
        let (before, from) = rest.split_at(at);
        repaired.extend_from_slice(before);
        let length = surrogate(from);
        repaired.extend_from_slice(if length > 0 { REPLACEMENT } else { &from[..1] });
        rest = &from[length.max(1)..];
    }
    repaired.extend_from_slice(rest);
    Cow::Owned(String::from_utf8_lossy(&repaired).into_owned())
}

/// How many bytes at the beginning are a surrogate; they begin with 0xED.
fn surrogate(bytes: &[u8]) -> usize {
    match bytes {
        [_, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
        [_, 0xa0..=0xbf, ..] => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn check(bytes: &[u8], text: &str) {
        assert_eq!(decode(bytes), text, "{bytes:x?}");
    }

    #[test]
    fn a_surrogate_is_one_piece() {
        check(b"a\xed\xa0\x80b", "a\u{fffd}b");
        check(b"\xed\xa0\xbd\xed\xb8\x80", "\u{fffd}\u{fffd}");
        check(b"\xed\xa0b", "\u{fffd}b");
        check(b"\xed\xa0", "\u{fffd}");
        check(b"\xed", "\u{fffd}");
        check(b"\xed\xed\xa0\x80", "\u{fffd}\u{fffd}");
        check(b"\xe2\x82\xed\xbf\xbf\x80", "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn all_else_is_replaced_as_the_standard_has_it() {
        check(b"\xc0\x80", "\u{fffd}\u{fffd}");
        check(b"\xe0\x80\x80", "\u{fffd}\u{fffd}\u{fffd}");
        check(b"\xf0\x9f\x98", "\u{fffd}");
        check(b"\xf0\x9f\x98a", "\u{fffd}a");
        check(b"\xf4\x90\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
        check(b"\xed\x9f\xbf\xff", "\u{d7ff}\u{fffd}");
        check("\u{d55c}\u{1f600}".as_bytes(), "\u{d55c}\u{1f600}");
    }
}
