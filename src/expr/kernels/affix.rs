//! The ends of a text: `strip`, `startswith`, `removeprefix` and their likes.

use arrow_buffer::BooleanBuffer;

use crate::expr::ops::Method;
use crate::expr::text::{self, Texts};
use crate::expr::val::Val;
use crate::expr::value::Value;
use crate::expr::{Result, bail};

/// `text.strip()`, `text.lstrip(chars)` and so on.
pub(super) fn strip(method: Method, texts: Texts<'_>, chars: Option<&Val>, rows: usize) -> Result<Val> {
    let (left, right) = (method != Method::RStrip, method != Method::LStrip);
    match chars {
        None | Some(Val::Const(Value::None)) => {
            text::cut(texts, rows, |_, text| match text.as_bytes() {
                // Most often there is nothing to strip, which two bytes tell.
                [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => Ok((0, text.len())),
                _ => Ok(ends(text, left, right, text::is_space)),
            })
        }
        Some(chars) => {
            let chars = Texts::expect(chars)?;
            text::cut(texts, rows, |row, text| {
                let chars = chars.get(row);
                Ok(ends(text, left, right, |c| chars.contains(c)))
            })
        }
    }
}

/// Where the rest of a text begins and ends.
fn ends(text: &str, left: bool, right: bool, drop: impl Fn(char) -> bool) -> (usize, usize) {
    let start = if left { text.len() - text.trim_start_matches(&drop).len() } else { 0 };
    let rest = &text[start..];
    let rest = if right { rest.trim_end_matches(&drop) } else { rest };
    (start, start + rest.len())
}

/// `text.removeprefix(affix)` or `text.removesuffix(affix)`.
pub(super) fn remove(method: Method, texts: Texts<'_>, affix: Texts<'_>, rows: usize) -> Result<Val> {
    text::cut(texts, rows, |row, text| {
        let affix = affix.get(row);
        Ok(match method {
            Method::RemovePrefix if text.starts_with(affix) => (affix.len(), text.len()),
            Method::RemoveSuffix if text.ends_with(affix) => (0, text.len() - affix.len()),
            _ => (0, text.len()),
        })
    })
}

/// `text.startswith(affix)` or `text.endswith(affix)`; `affix` is text or a tuple of texts.
pub(super) fn has(method: Method, texts: Texts<'_>, affix: &Val, rows: usize) -> Result<Val> {
    let affixes: Vec<Texts<'_>> = match affix {
        Val::Tuple(tuples) if tuples.nulls.is_none() => {
            tuples.items.iter().map(Texts::expect).collect::<Result<_>>()?
        }
        other => vec![Texts::expect(other)?],
    };
    if affixes.is_empty() {
        return bail("an empty tuple of affixes");
    }
    let test = |text: &str, affix: &str| match method {
        Method::StartsWith => text.starts_with(affix),
        _ => text.ends_with(affix),
    };
    let one = |affix: &Texts<'_>| BooleanBuffer::collect_bool(rows, |row| test(texts.get(row), affix.get(row)));
    let mut bits = one(&affixes[0]);
    for affix in &affixes[1..] {
        bits = &bits | &one(affix);
    }
    Ok(Val::bool(bits))
}
