//! `x[start:stop:step]`, counted in characters or items.

use super::num::{Src, ints};
use crate::expr::select;
use crate::expr::text::{self, Texts, byte_of_char, char_count};
use crate::expr::val::{Tuples, Val};
use crate::expr::value::Value;
use crate::expr::{Result, bail};

/// One bound of a slice; none where it is absent.
struct Bound<'a>(Option<Src<'a, i64>>);

impl<'a> Bound<'a> {
    fn of(value: &'a Val) -> Result<Self> {
        Ok(Self(match value {
            Val::Const(Value::None) => None,
            // Python cuts off bounds beyond the length, however large.
            Val::Const(Value::Big(digits)) => {
                Some(Src::One(if digits.starts_with('-') { i64::MIN + 1 } else { i64::MAX }))
            }
            other => Some(ints(other)?),
        }))
    }

    fn get(&self, row: usize) -> Option<i64> {
        self.0.as_ref().map(|values| values.get(row))
    }

    fn is_constant(&self) -> bool {
        !matches!(self.0, Some(Src::Many(_)))
    }
}

/// What a slice selects of a sequence: `count` positions from `start` on, each `step` after the one before.
#[derive(Clone, Copy)]
struct Selection {
    start: usize,
    step: i64,
    count: usize,
}

impl Selection {
    fn positions(self) -> impl Iterator<Item = usize> {
        // In range by construction, so nothing here leaves 64 bits.
        (0..self.count as i64).map(move |number| (self.start as i64 + number * self.step) as usize)
    }
}

/// Python's rules for the bounds of a slice of `length` elements.
fn select(length: usize, start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Result<Selection> {
    let step = step.unwrap_or(1);
    if step == 0 || step == i64::MIN {
        return bail("a slice with a step of zero");
    }
    let length = length as i64;
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let place = |bound: i64| {
        let bound = if bound < 0 { bound.saturating_add(length) } else { bound };
        bound.clamp(lowest, highest)
    };
    let start = start.map_or(if step > 0 { 0 } else { length - 1 }, place);
    let stop = stop.map_or(if step > 0 { length } else { -1 }, place);
    let distance = if step > 0 { stop - start } else { start - stop };
    let count = if distance <= 0 { 0 } else { (distance - 1) / step.abs() + 1 };
    Ok(Selection { start: start.max(0) as usize, step, count: count as usize })
}

/// `of[start:stop:step]`.
pub(super) fn slice(of: &Val, bounds: [&Val; 3], rows: usize) -> Result<Val> {
    let [start, stop, step] = bounds;
    let (start, stop, step) = (Bound::of(start)?, Bound::of(stop)?, Bound::of(step)?);
    let at = |row: usize, length: usize| select(length, start.get(row), stop.get(row), step.get(row));
    if let Some(texts) = Texts::of(of)? {
        return slice_text(texts, rows, step.is_constant() && matches!(step.get(0), None | Some(1)), at);
    }
    match of {
        Val::Tuple(Tuples { items, nulls: None, .. }) => {
            if !(start.is_constant() && stop.is_constant() && step.is_constant()) {
                return bail("a slice of a tuple that varies");
            }
            Ok(Val::tuple(at(0, items.len())?.positions().map(|position| items[position].clone()).collect()))
        }
        Val::List(lists) if lists.nulls.is_none() && !lists.group => {
            let (mut taken, mut offsets) = (Vec::new(), vec![0]);
            for row in 0..rows {
                let range = lists.range(row);
                taken.extend(at(row, range.len())?.positions().map(|position| (range.start + position) as u32));
                offsets.push(select::offset(taken.len())?);
            }
            Ok(Val::list(select::take(&lists.items, &taken)?, taken.len(), offsets))
        }
        other => bail(format!("a slice of {}", other.type_name())),
    }
}

fn slice_text(
    texts: Texts<'_>,
    rows: usize,
    contiguous: bool,
    at: impl Fn(usize, usize) -> Result<Selection>,
) -> Result<Val> {
    if contiguous {
        return text::cut(texts, rows, |row, text| {
            let selected = at(row, char_count(text))?;
            let start = byte_of_char(text, selected.start);
            Ok((start, start + byte_of_char(&text[start..], selected.count)))
        });
    }
    text::build(rows, |row, out| {
        let text = texts.get(row);
        if text.is_ascii() {
            let bytes = text.as_bytes();
            out.extend(at(row, bytes.len())?.positions().map(|position| char::from(bytes[position])));
        } else {
            let chars: Vec<char> = text.chars().collect();
            out.extend(at(row, chars.len())?.positions().map(|position| chars[position]));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_follow_python() {
        let positions = |start, stop, step| select(5, start, stop, step).map(|s| s.positions().collect::<Vec<_>>());
        assert_eq!(positions(None, None, None), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(positions(Some(-2), None, None), Ok(vec![3, 4]));
        assert_eq!(positions(None, None, Some(-1)), Ok(vec![4, 3, 2, 1, 0]));
        assert_eq!(positions(Some(100), Some(0), Some(-2)), Ok(vec![4, 2]));
        assert_eq!(positions(Some(i64::MIN), Some(i64::MAX), Some(i64::MAX)), Ok(vec![0]));
        assert_eq!(positions(Some(3), Some(1), None), Ok(vec![]));
        assert!(positions(None, None, Some(0)).is_err());
    }
}
