//! A text within a text: `find`, `index`, `count`, `replace`.

use memchr::memmem::Finder;

use super::num::ints;
use crate::expr::ops::Method;
use crate::expr::text::{self, Texts, char_count};
use crate::expr::val::Val;
use crate::expr::{Result, bail};

/// `text.find(part)` and so on; positions are in characters.
pub(super) fn find(method: Method, texts: Texts<'_>, part: Texts<'_>, rows: usize) -> Result<Val> {
    let finder = match part {
        Texts::One(part) => Some(Finder::new(part)),
        Texts::Many(_) => None,
    };
    let first = |text: &str, part: &str| match &finder {
        Some(finder) => finder.find(text.as_bytes()),
        None => text.find(part),
    };
    let values: Result<Vec<i64>> = (0..rows)
        .map(|row| {
            let (text, part) = (texts.get(row), part.get(row));
            if method == Method::Count {
                return Ok(count(text, part) as i64);
            }
            let place = match method {
                Method::Find | Method::Index => first(text, part),
                _ => text.rfind(part),
            };
            match place {
                Some(byte) => Ok(char_count(&text[..byte]) as i64),
                None if matches!(method, Method::Find | Method::RFind) => Ok(-1),
                None => bail("a text that is not found"),
            }
        })
        .collect();
    values.map(Val::int)
}

fn count(text: &str, part: &str) -> usize {
    if part.is_empty() { char_count(text) + 1 } else { text.matches(part).count() }
}

/// `text.replace(old, new)`, or with a number of times.
pub(super) fn replace(
    texts: Texts<'_>,
    old: Texts<'_>,
    new: Texts<'_>,
    count: Option<&Val>,
    rows: usize,
) -> Result<Val> {
    let count = count.map(ints).transpose()?;
    // Text without `old` in it stays where it is.
    if let (Texts::Many(array), Texts::One(old)) = (texts, old)
        && !old.is_empty()
    {
        let finder = Finder::new(old);
        if (0..rows).all(|row| finder.find(texts.get(row).as_bytes()).is_none()) {
            return Ok(Val::Str(array.clone()));
        }
    }
    text::build(rows, |row, out| {
        let (text, old, new) = (texts.get(row), old.get(row), new.get(row));
        // Negative: all.
        let times = count.as_ref().and_then(|count| usize::try_from(count.get(row)).ok());
        if times == Some(0) {
            out.push_str(text);
            return Ok(());
        }
        let mut rest = 0;
        // For an empty `old`, Rust too matches before each character and at the end.
        for (at, found) in text.match_indices(old).take(times.unwrap_or(usize::MAX)) {
            out.push_str(&text[rest..at]);
            out.push_str(new);
            rest = at + found.len();
            if out.len() > 1 << 30 {
                return bail("a chunk of text beyond 1 GiB");
            }
        }
        out.push_str(&text[rest..]);
        Ok(())
    })
}
