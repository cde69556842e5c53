//! Text brought to a width: `zfill`, `ljust`, `rjust`, `center`.

use super::num::ints;
use crate::expr::ops::Method;
use crate::expr::text::{self, Texts, char_count};
use crate::expr::val::Val;
use crate::expr::{Result, bail};

/// Widest text that is made natively.
pub(super) const MAX_WIDTH: usize = 1 << 20;

/// How many characters a text lacks.
fn missing(text: &str, width: i64) -> Result<usize> {
    match usize::try_from(width) {
        Ok(width) if width > MAX_WIDTH => bail("a very wide text"),
        Ok(width) => Ok(width.saturating_sub(char_count(text))),
        Err(_) => Ok(0),
    }
}

/// `text.zfill(width)`.
pub(super) fn zfill(texts: Texts<'_>, width: &Val, rows: usize) -> Result<Val> {
    let width = ints(width)?;
    text::build(rows, |row, out| {
        let text = texts.get(row);
        let zeros = missing(text, width.get(row))?;
        // Behind a sign, whatever follows it; at least one zero moves it.
        let (sign, rest) = text.split_at(usize::from(text.starts_with(['+', '-'])));
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', zeros));
        out.push_str(rest);
        Ok(())
    })
}

/// `text.ljust(width, fill)` and so on.
pub(super) fn justify(method: Method, texts: Texts<'_>, width: &Val, fill: char, rows: usize) -> Result<Val> {
    let width = ints(width)?;
    text::build(rows, |row, out| {
        let (text, width) = (texts.get(row), width.get(row));
        let missing = missing(text, width)?;
        let left = match method {
            Method::LJust => 0,
            Method::RJust => missing,
            // CPython's way to choose a side for the odd one.
            _ => missing / 2 + (missing & width as usize & 1),
        };
        out.extend(std::iter::repeat_n(fill, left));
        out.push_str(text);
        out.extend(std::iter::repeat_n(fill, missing - left));
        Ok(())
    })
}
