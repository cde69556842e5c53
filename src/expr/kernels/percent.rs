//! `template % values`.

use super::format::{self, Spec};
use super::{float, repr};
use crate::expr::cell::Cell;
use crate::expr::text::{self, Texts};
use crate::expr::val::{Tuples, Val};
use crate::expr::{Bail, Result, bail};

/// A piece of a template: text as it is, or the next value.
enum Piece {
    Text(String),
    Field { kind: char, spec: Spec },
}

/// `template % values`.
pub(super) fn format(template: Texts<'_>, values: &Val, rows: usize) -> Result<Val> {
    let Texts::One(template) = template else { return bail("a template that varies") };
    let pieces = parse(template).ok_or_else(|| Bail::new(format!("no native form of the template {template:?}")))?;
    let fields = pieces.iter().filter(|piece| matches!(piece, Piece::Field { .. })).count();
    let operands: Vec<&Val> = match values {
        Val::Tuple(Tuples { items, nulls: None, .. }) => items.iter().collect(),
        Val::Tuple(_) | Val::Table(_) => return bail("a template with a dict, or with None"),
        single => vec![single],
    };
    if operands.len() != fields {
        return bail("a template with another number of operands");
    }
    text::build(rows, |row, out| {
        let mut operands = operands.iter();
        for piece in &pieces {
            match (piece, piece_operand(piece, &mut operands)) {
                (Piece::Text(text), _) => out.push_str(text),
                (Piece::Field { kind, spec }, Some(operand)) => write(*kind, spec, Cell::at(operand, row), out)?,
                (Piece::Field { .. }, None) => return bail("a template with another number of operands"),
            }
        }
        Ok(())
    })
}

fn piece_operand<'a>(piece: &Piece, operands: &mut impl Iterator<Item = &'a &'a Val>) -> Option<&'a Val> {
    match piece {
        Piece::Text(_) => None,
        Piece::Field { .. } => operands.next().copied(),
    }
}

fn write(kind: char, spec: &Spec, value: Cell<'_>, out: &mut String) -> Result<()> {
    let mut shown = String::new();
    match (kind, value) {
        ('s', value) => repr::write_str(value, &mut shown)?,
        ('r', value) => repr::write_repr(value, &mut shown)?,
        ('a', value) => repr::write_ascii(value, &mut shown)?,
        ('d', Cell::Float(value)) => {
            return format::write(Cell::Int(float::to_int(value.trunc())?), spec, out);
        }
        ('x' | 'X' | 'o', Cell::Float(_)) => return bail("a float in hexadecimal"),
        (_, number @ (Cell::Int(_) | Cell::Bool(_) | Cell::Float(_))) => return format::write(number, spec, out),
        _ => return bail("a value that does not fit its place in a template"),
    }
    format::write_text(&shown, spec, out)
}

fn parse(template: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut spec = Spec { align: Some('>'), ..Spec::default() };
        let mut plain = true;
        while let Some(flag) = rest.next_if(|c| matches!(c, '-' | '+' | ' ' | '0')) {
            plain = false;
            match flag {
                '-' => spec.align = Some('<'),
                '0' => spec.zeros = true,
                // A plus wins over a space.
                '+' => spec.sign = Some('+'),
                _ => spec.sign = spec.sign.or(Some(' ')),
            }
        }
        let mut digits = String::new();
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        if !digits.is_empty() {
            plain = false;
            spec.width = digits.parse().ok().filter(|width| *width <= 1 << 20)?;
        }
        if rest.next_if(|c| *c == '.').is_some() {
            plain = false;
            let mut digits = String::from("0");
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            spec.precision = Some(digits.parse().ok()?);
        }
        let kind = match rest.next()? {
            // Only the plain form means a percent sign for sure.
            '%' if plain => {
                text.push('%');
                continue;
            }
            kind @ ('s' | 'r' | 'a') => {
                (spec.sign, spec.zeros) = (None, false);
                kind
            }
            'd' | 'i' | 'u' if spec.precision.is_none() => 'd',
            kind @ ('x' | 'X' | 'o') if spec.precision.is_none() => kind,
            kind @ ('f' | 'F' | 'e' | 'E' | 'g' | 'G') => kind,
            _ => return None,
        };
        if !matches!(kind, 's' | 'r' | 'a') {
            spec.kind = Some(kind);
            if spec.zeros && spec.align == Some('>') {
                (spec.align, spec.fill) = (Some('='), Some('0'));
            }
        }
        // What else zeros would mean is said by the alignment.
        spec.zeros = false;
        pieces.push(Piece::Text(std::mem::take(&mut text)));
        pieces.push(Piece::Field { kind, spec });
    }
    pieces.push(Piece::Text(text));
    Some(pieces)
}
