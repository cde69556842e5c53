//! Values as text: Python's `str()`, `repr()` and `ascii()`.

use std::fmt::Write;

use crate::expr::cell::Cell;
use crate::expr::val::Val;
use crate::expr::value::Value;
use crate::expr::{Bail, Result, bail};

/// Writing to a `String` does not fail.
pub(super) fn cannot_fail(_: std::fmt::Error) -> Bail {
    Bail::new("text that cannot be written")
}

/// Appends `str(value)`.
pub(super) fn write_str(value: Cell<'_>, out: &mut String) -> Result<()> {
    match value {
        Cell::Str(text) => out.push_str(text),
        other => write_repr(other, out)?,
    }
    Ok(())
}

/// Appends `repr(value)`.
pub(super) fn write_repr(value: Cell<'_>, out: &mut String) -> Result<()> {
    match value {
        Cell::None => out.push_str("None"),
        Cell::Bool(true) => out.push_str("True"),
        Cell::Bool(false) => out.push_str("False"),
        Cell::Int(value) => write!(out, "{value}").map_err(cannot_fail)?,
        Cell::Big(_) => return bail("an int beyond 64 bits"),
        Cell::Float(value) => write_float(value, out)?,
        Cell::Str(text) => write_quoted(text, false, out)?,
        Cell::Bytes(_) => return bail("bytes shown as text"),
        Cell::Tuple(tuples, _) if tuples.class.is_some() => return bail("a namedtuple shown as text"),
        Cell::List(lists, _) if lists.group => return bail("a group shown as text"),
        Cell::Tuple(..) => {
            out.push('(');
            write_items(value, out)?;
            out.push_str(if value.count() == 1 { ",)" } else { ")" });
        }
        Cell::List(..) => {
            out.push('[');
            write_items(value, out)?;
            out.push(']');
        }
        Cell::Table => return bail("a dict shown as text"),
    }
    Ok(())
}

/// Appends `ascii(value)`.
pub(super) fn write_ascii(value: Cell<'_>, out: &mut String) -> Result<()> {
    match value {
        Cell::Str(text) => write_quoted(text, true, out),
        Cell::Tuple(..) | Cell::List(..) => bail("ascii() of a container"),
        other => write_repr(other, out),
    }
}

fn write_items(value: Cell<'_>, out: &mut String) -> Result<()> {
    for position in 0..value.count() {
        if position > 0 {
            out.push_str(", ");
        }
        write_repr(value.item(position), out)?;
    }
    Ok(())
}

/// Appends the shortest decimal that reads back as this float, in Python's form.
pub(super) fn write_float(value: f64, out: &mut String) -> Result<()> {
    if value.is_nan() {
        out.push_str("nan");
        return Ok(());
    }
    let start = out.len();
    // The digits, and when there is an exponent, are as in Python; only the exponent looks otherwise.
    write!(out, "{value:?}").map_err(cannot_fail)?;
    let Some(mark) = out[start..].find('e').map(|at| start + at + 1) else { return Ok(()) };
    let exponent = out.split_off(mark);
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent.as_str()),
    };
    write!(out, "{sign}{digits:0>2}").map_err(cannot_fail)
}

fn write_quoted(text: &str, ascii: bool, out: &mut String) -> Result<()> {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            '\0'..='\x7f' => write!(out, "\\x{:02x}", c as u32).map_err(cannot_fail)?,
            c if ascii && (c as u32) < 0x100 => write!(out, "\\x{:02x}", c as u32).map_err(cannot_fail)?,
            c if ascii && (c as u32) < 0x10000 => write!(out, "\\u{:04x}", c as u32).map_err(cannot_fail)?,
            c if ascii => write!(out, "\\U{:08x}", c as u32).map_err(cannot_fail)?,
            // Which of them Python shows as they are depends on its version of Unicode.
            _ => return bail("repr of text that is not ASCII"),
        }
    }
    out.push(quote);
    Ok(())
}

/// A constant for people.
pub(in crate::expr) fn show_constant(value: &Value) -> String {
    if let Value::Bytes(bytes) = value {
        return format!("<{} bytes>", bytes.len());
    }
    let mut out = String::new();
    match write_repr(Cell::at(&Val::constant(value.clone()), 0), &mut out) {
        Ok(()) => out,
        // Text that is not ASCII, and large ints.
        Err(_) => format!("{value:?}"),
    }
}
