//! `format(value, spec)` and `str.format`.

use std::fmt::Write;

use super::fill::MAX_WIDTH;
use super::repr::{self, cannot_fail};
use crate::expr::cell::Cell;
use crate::expr::text::{self, Texts, byte_of_char, char_count};
use crate::expr::val::Val;
use crate::expr::{Bail, Result, bail};

/// Most digits after the point that are made natively.
const MAX_PRECISION: usize = 300;

/// A format specification, as in `{x:>+08,.2f}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spec {
    pub fill: Option<char>,
    /// `<`, `>`, `^` or `=`
    pub align: Option<char>,
    /// `+` or a space; none for `-`.
    pub sign: Option<char>,
    pub alternate: bool,
    pub zeros: bool,
    pub width: usize,
    pub grouping: Option<char>,
    pub precision: Option<usize>,
    pub kind: Option<char>,
}

impl Spec {
    /// Reads a specification; `None` if it is wrong or has no native form.
    pub fn parse(text: &str) -> Option<Self> {
        let mut spec = Self::default();
        let mut rest: Vec<char> = text.chars().rev().collect();
        let is_align = |c: char| matches!(c, '<' | '>' | '^' | '=');
        match rest.as_slice() {
            [.., align, fill] if is_align(*align) => {
                (spec.fill, spec.align) = (Some(*fill), Some(*align));
                rest.truncate(rest.len() - 2);
            }
            [.., align] if is_align(*align) => spec.align = rest.pop(),
            _ => {}
        }
        if let Some(sign) = rest.pop_if(|c| matches!(c, '+' | '-' | ' ')) {
            spec.sign = Some(sign).filter(|sign| *sign != '-');
        }
        spec.alternate = rest.pop_if(|c| *c == '#').is_some();
        spec.zeros = rest.pop_if(|c| *c == '0').is_some();
        spec.width = number(&mut rest)?.unwrap_or(0);
        spec.grouping = rest.pop_if(|c| matches!(c, ',' | '_'));
        if rest.pop_if(|c| *c == '.').is_some() {
            spec.precision = Some(number(&mut rest)??);
        }
        spec.kind = rest.pop();
        (rest.is_empty() && spec.width <= MAX_WIDTH).then_some(spec)
    }
}

/// The digits that come next as a number; `Some(None)` if there are none.
fn number(rest: &mut Vec<char>) -> Option<Option<usize>> {
    let mut value: Option<usize> = None;
    while let Some(digit) = rest.pop_if(|c| c.is_ascii_digit()) {
        value = Some(value.unwrap_or(0).checked_mul(10)?.checked_add(digit.to_digit(10)? as usize)?);
    }
    Some(value)
}

/// `format(value, spec)` after a conversion, for all rows.
pub(in crate::expr) fn formatted(value: &Val, conversion: Option<char>, spec: &str, rows: usize) -> Result<Val> {
    if spec.is_empty()
        && conversion != Some('r')
        && conversion != Some('a')
        && Texts::of(value).is_ok_and(|t| t.is_some())
    {
        return Ok(value.clone());
    }
    let field = Field::new(conversion, spec)?;
    text::build(rows, |row, out| field.write(Cell::at(value, row), out))
}

/// How a value is shown.
pub(super) struct Field {
    conversion: Option<char>,
    plain: bool,
    spec: Spec,
}

impl Field {
    pub fn new(conversion: Option<char>, spec: &str) -> Result<Self> {
        let parsed = Spec::parse(spec).ok_or_else(|| Bail::new(format!("no native form of the format {spec:?}")))?;
        Ok(Self { conversion, plain: spec.is_empty(), spec: parsed })
    }

    pub fn write(&self, value: Cell<'_>, out: &mut String) -> Result<()> {
        let Some(conversion) = self.conversion else {
            return if self.plain { repr::write_str(value, out) } else { write(value, &self.spec, out) };
        };
        let mut text = String::new();
        match conversion {
            's' => repr::write_str(value, &mut text)?,
            'r' => repr::write_repr(value, &mut text)?,
            'a' => repr::write_ascii(value, &mut text)?,
            _ => return bail("an unknown conversion"),
        }
        write_text(&text, &self.spec, out)
    }
}

/// Appends `format(value, spec)` for a spec that is not empty.
pub(super) fn write(value: Cell<'_>, spec: &Spec, out: &mut String) -> Result<()> {
    match value {
        Cell::Str(text) => write_text(text, spec, out),
        Cell::Bool(value) => write_int(i64::from(value), spec, out),
        Cell::Int(value) => write_int(value, spec, out),
        Cell::Float(value) => write_float(value, spec, out),
        _ => bail("a format of something that is neither text nor a number"),
    }
}

pub(super) fn write_text(text: &str, spec: &Spec, out: &mut String) -> Result<()> {
    let plain = spec.sign.is_none() && !spec.alternate && spec.grouping.is_none() && spec.align != Some('=');
    if !plain || !matches!(spec.kind, None | Some('s')) {
        return bail("a format that text does not have");
    }
    let text = spec.precision.map_or(text, |most| &text[..byte_of_char(text, most)]);
    let fill = spec.fill.unwrap_or(if spec.zeros { '0' } else { ' ' });
    pad(text, "", fill, spec.align.unwrap_or('<'), spec.width, out);
    Ok(())
}

/// Appends `sign + body`, filled up to a width.
fn pad(body: &str, sign: &str, fill: char, align: char, width: usize, out: &mut String) {
    let missing = width.saturating_sub(char_count(body) + char_count(sign));
    let (left, inner, right) = match align {
        '<' => (0, 0, missing),
        '^' => (missing / 2, 0, missing - missing / 2),
        '=' => (0, missing, 0),
        _ => (missing, 0, 0),
    };
    out.extend(std::iter::repeat_n(fill, left));
    out.push_str(sign);
    out.extend(std::iter::repeat_n(fill, inner));
    out.push_str(body);
    out.extend(std::iter::repeat_n(fill, right));
}

/// Appends a number, given its sign and prefix and its other characters.
fn pad_number(body: &str, sign: &str, spec: &Spec, out: &mut String) -> Result<()> {
    let fill = spec.fill.unwrap_or(if spec.zeros { '0' } else { ' ' });
    let align = spec.align.unwrap_or(if spec.zeros { '=' } else { '>' });
    if spec.grouping.is_some() && align == '=' && fill == '0' && spec.width > 0 {
        return bail("zeros with separators");
    }
    pad(body, sign, fill, align, spec.width, out);
    Ok(())
}

fn sign_of(negative: bool, spec: &Spec) -> &'static str {
    match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(_)) => " ",
        (false, None) => "",
    }
}

/// Digits with a separator after each `every`, counted from the right.
fn grouped(digits: &str, separator: char, every: usize) -> String {
    let count = digits.len();
    let mut out = String::with_capacity(count + count / every);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (count - position).is_multiple_of(every) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

fn write_int(value: i64, spec: &Spec, out: &mut String) -> Result<()> {
    if matches!(spec.kind, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) {
        return write_float(value as f64, spec, out);
    }
    if spec.precision.is_some() {
        return bail("a precision of an int");
    }
    let size = value.unsigned_abs();
    let (digits, prefix, every) = match spec.kind {
        None | Some('d') => (size.to_string(), "", 3),
        Some('x') => (format!("{size:x}"), "0x", 4),
        Some('X') => (format!("{size:X}"), "0X", 4),
        Some('o') => (format!("{size:o}"), "0o", 4),
        Some('b') => (format!("{size:b}"), "0b", 4),
        _ => return bail("a format that ints do not have"),
    };
    let digits = match spec.grouping {
        None => digits,
        Some(',') if every == 4 => return bail("a format that ints do not have"),
        Some(separator) => grouped(&digits, separator, every),
    };
    let mut sign = sign_of(value < 0, spec).to_owned();
    if spec.alternate {
        sign.push_str(prefix);
    }
    pad_number(&digits, &sign, spec, out)
}

fn write_float(value: f64, spec: &Spec, out: &mut String) -> Result<()> {
    if spec.alternate || spec.precision.is_some_and(|digits| digits > MAX_PRECISION) {
        return bail("a format of floats that is rare");
    }
    let negative = value.is_sign_negative() && !value.is_nan();
    let value = if spec.kind == Some('%') { value * 100.0 } else { value };
    let size = value.abs();
    let mut body = String::new();
    if !size.is_finite() {
        body.push_str(if size.is_nan() { "nan" } else { "inf" });
    } else {
        let precision = spec.precision.unwrap_or(6);
        match spec.kind {
            None if spec.precision.is_none() => repr::write_float(size, &mut body)?,
            Some('f' | 'F' | '%') => write!(body, "{size:.precision$}").map_err(cannot_fail)?,
            Some('e' | 'E') => scientific(size, precision, &mut body)?,
            Some('g' | 'G') => general(size, precision.max(1), &mut body)?,
            _ => return bail("a format that floats do not have"),
        }
    }
    if let Some(separator) = spec.grouping {
        let whole = body.bytes().take_while(u8::is_ascii_digit).count();
        body = grouped(&body[..whole], separator, 3) + &body[whole..];
    }
    match spec.kind {
        Some('%') => body.push('%'),
        Some('E' | 'F' | 'G') => body.make_ascii_uppercase(),
        _ => {}
    }
    pad_number(&body, sign_of(negative, spec), spec, out)
}

/// Appends a number with `digits` digits after the point and an exponent of at least two.
fn scientific(size: f64, digits: usize, out: &mut String) -> Result<()> {
    let text = format!("{size:.digits$e}");
    let (number, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    write!(out, "{number}e{sign}{exponent:0>2}").map_err(cannot_fail)
}

/// Appends a number with `digits` digits in all, in the shorter of two forms, without zeros at its end.
fn general(size: f64, digits: usize, out: &mut String) -> Result<()> {
    let mut text = String::new();
    scientific(size, digits - 1, &mut text)?;
    let (number, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
    let power: i64 = exponent.parse().or_else(|_| bail("a number that cannot be shown"))?;
    let trimmed = |number: &str| match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => number.to_owned(),
    };
    if (-4..digits as i64).contains(&power) {
        let after_point = (digits as i64 - 1 - power) as usize;
        out.push_str(&trimmed(&format!("{size:.after_point$}")));
    } else {
        write!(out, "{}e{exponent}", trimmed(number)).map_err(cannot_fail)?;
    }
    Ok(())
}

/// A piece of a template: text as it is, or the value of an operand.
enum Piece {
    Text(String),
    Field(usize, Field),
}

/// `template.format(operands)`.
pub(super) fn method(template: Texts<'_>, operands: &[Val], rows: usize) -> Result<Val> {
    let Texts::One(template) = template else { return bail("a template that varies") };
    let pieces = parse_template(template, operands.len())?;
    text::build(rows, |row, out| {
        for piece in &pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(operand, field) => field.write(Cell::at(&operands[*operand], row), out)?,
            }
        }
        Ok(())
    })
}

fn parse_template(template: &str, operands: usize) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    let (mut next, mut automatic) = (0, None);
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let Some((field, after)) = rest.split_once('}').filter(|(field, _)| brace == "{" && !field.contains('{'))
        else {
            return bail("a template without a native form");
        };
        rest = after;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = match name.split_once('!') {
            Some((name, conversion)) if conversion.chars().count() == 1 => (name, conversion.chars().next()),
            Some(_) => return bail("an unknown conversion"),
            None => (name, None),
        };
        // Either all fields are numbered or none is.
        if *automatic.get_or_insert(name.is_empty()) != name.is_empty() {
            return bail("a template with two ways of numbering");
        }
        let operand = match name {
            "" => next,
            _ if name.bytes().all(|byte| byte.is_ascii_digit()) => name.parse().unwrap_or(usize::MAX),
            _ => return bail("a template with names"),
        };
        next += 1;
        if operand >= operands {
            return bail("a template with too few operands");
        }
        pieces.push(Piece::Text(std::mem::take(&mut text)));
        pieces.push(Piece::Field(operand, Field::new(conversion, spec)?));
    }
    text.push_str(rest);
    pieces.push(Piece::Text(text));
    Ok(pieces)
}
