//! Upper and lower case, and what the characters of a text are. For ASCII alone: beyond it the answers depend on the
//! version of Unicode that Python knows.

use arrow_buffer::BooleanBuffer;

use crate::expr::ops::Method;
use crate::expr::text::{self, Texts};
use crate::expr::val::Val;
use crate::expr::{Result, bail};

fn ascii(text: &str) -> Result<&[u8]> {
    if text.is_ascii() { Ok(text.as_bytes()) } else { bail("text that is not ASCII") }
}

/// `text.lower()` and so on.
pub(super) fn change(method: Method, texts: Texts<'_>, rows: usize) -> Result<Val> {
    // Text that stays as it is needs no copy.
    if let (Method::Lower | Method::Upper | Method::CaseFold, Texts::Many(array)) = (method, texts) {
        let unchanged = |text: &str| {
            let changes =
                |byte: u8| if method == Method::Upper { byte.is_ascii_lowercase() } else { byte.is_ascii_uppercase() };
            text.is_ascii() && !text.bytes().any(changes)
        };
        if (0..rows).all(|row| unchanged(texts.get(row))) {
            return Ok(Val::Str(array.clone()));
        }
    }
    text::build(rows, |row, out| {
        let text = texts.get(row);
        ascii(text)?;
        let start = out.len();
        out.push_str(text);
        let new = &mut out[start..];
        match method {
            Method::Lower | Method::CaseFold => new.make_ascii_lowercase(),
            Method::Upper => new.make_ascii_uppercase(),
            Method::Capitalize => {
                new.make_ascii_lowercase();
                if let Some(first) = new.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
            }
            _ => {
                let changed: String = match method {
                    Method::SwapCase => text.chars().map(swapped).collect(),
                    _ => title(text),
                };
                out.replace_range(start.., &changed);
            }
        }
        Ok(())
    })
}

fn swapped(c: char) -> char {
    if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }
}

fn title(text: &str) -> String {
    let mut after_letter = false;
    let cased = |c: char| {
        let c = if after_letter { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        after_letter = c.is_ascii_alphabetic();
        c
    };
    text.chars().map(cased).collect()
}

/// `text.isdigit()` and so on.
pub(super) fn test(method: Method, texts: Texts<'_>, rows: usize) -> Result<Val> {
    if method == Method::IsAscii {
        return Ok(Val::bool(BooleanBuffer::collect_bool(rows, |row| texts.get(row).is_ascii())));
    }
    let answers: Result<BooleanBuffer> = (0..rows).map(|row| Ok(test_one(method, ascii(texts.get(row))?))).collect();
    answers.map(Val::bool)
}

fn test_one(method: Method, text: &[u8]) -> bool {
    let all = |of: fn(&u8) -> bool| !text.is_empty() && text.iter().all(of);
    match method {
        Method::IsDigit | Method::IsDecimal | Method::IsNumeric => all(u8::is_ascii_digit),
        Method::IsAlpha => all(u8::is_ascii_alphabetic),
        Method::IsAlnum => all(u8::is_ascii_alphanumeric),
        Method::IsSpace => all(|byte| text::is_space(char::from(*byte))),
        Method::IsUpper => text.iter().any(u8::is_ascii_uppercase) && !text.iter().any(u8::is_ascii_lowercase),
        Method::IsLower => text.iter().any(u8::is_ascii_lowercase) && !text.iter().any(u8::is_ascii_uppercase),
        _ => is_title(text),
    }
}

/// Upper case where a word begins, lower case within, and at least one letter.
fn is_title(text: &[u8]) -> bool {
    let (mut after_letter, mut letters) = (false, false);
    for byte in text {
        if byte.is_ascii_alphabetic() {
            if byte.is_ascii_uppercase() == after_letter {
                return false;
            }
            letters = true;
        }
        after_letter = byte.is_ascii_alphabetic();
    }
    letters
}
